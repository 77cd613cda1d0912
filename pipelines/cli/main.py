"""The `themis` command: its verbs, and how errors and exit codes reach a person.

Exit codes: 0 done, 1 failed, 2 wrong use. Every verb imports what it needs when it runs, so that `themis --help` is
instant and works where extras are not installed.
"""

import sys
from importlib import import_module
from typing import Any

import typer

from themis_common.errors import TransientError, UserError

app = typer.Typer(
    name="themis",
    help="Mine code changes, train code reward models, and measure any reward model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

_VERBS = (
    "demo",
    "run",
    "train",
    "recipes",
    "stage",
    "plan",
    "score",
    "evaluate",
    "verify",
    "aggregate",
    "compile",
    "explain",
    "data",
    "store",
    "config",
    "models",
    "benchmarks",
    "prompts",
)
for _verb in _VERBS:
    import_module(f"pipelines.cli.{_verb}").register(app)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except TransientError as error:
        print(f"error: {error}; run the same command again to go on", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        sys.exit(_missing_extra(error))
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(130)


def _missing_extra(error: ModuleNotFoundError) -> Any:
    """Exit code for a package that belongs to an extra which is not installed; a defect is raised on."""
    if error.name is None or error.name.split(".")[0] in {"themis_common", "components", "pipelines"}:
        raise error
    extras = "data, train, evaluate or kfp"
    print(
        f"error: {error.name} is not installed; install the extra for this verb ({extras})", file=sys.stderr
    )
    return 2


if __name__ == "__main__":
    main()
