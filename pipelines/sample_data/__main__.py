"""`python -m pipelines.sample_data FOLDER [--seed N] [--size small|full]`."""

import argparse
import sys
from pathlib import Path

from pipelines.sample_data.build import write_sample_data
from pipelines.sample_data.plans import PLANS
from themis_common.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Write the sample data and print where they lie; exit code 2 for a wrong use."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.sample_data", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--size", choices=tuple(PLANS), default="small")
    options = parser.parse_args(arguments)
    try:
        sample = write_sample_data(options.folder, seed=options.seed, size=options.size)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for path in (*sample.repositories, sample.general_pairs, sample.benchmark):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
