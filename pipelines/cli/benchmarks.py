"""`themis benchmarks`: what models can be measured on, and in which columns."""

import json
from typing import Any

import typer

from pipelines.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(benchmarks)


def benchmarks(as_json: JsonOption = False) -> None:
    """List the benchmarks that can be read, with licence, size and columns."""
    rows = _rows()
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        print(row["name"])
        for name, value in list(row.items())[1:]:
            print(f"  {name:8}  {', '.join(value) if isinstance(value, list) else value}")


def _rows() -> list[dict[str, Any]]:
    from components.evaluation.import_benchmark.coderewardbench import HUB_ID, LICENCE, num_rows
    from themis_common.schemas import BENCHMARK

    columns = BENCHMARK.names[1:]
    return [
        {
            "name": "CodeRewardBench",
            "give": f"{HUB_ID}@COMMIT:Full, or its parquet files",
            "licence": LICENCE,
            "rows": num_rows(),
            "columns": columns,
            "checked": "ids, criteria, languages and subsets against the published ones",
        },
        {
            "name": "a benchmark of yours",
            "give": "a .parquet file, or a folder of them",
            "licence": "yours",
            "rows": "any number",
            "columns": columns,
            "checked": "columns, ids, known languages and criteria",
        },
        {
            "name": "held-out pairs",
            "give": "nothing: pipelines that assemble pairs measure on those they held out",
            "licence": "that of the repositories",
            "rows": "assemble_code.held_out_share of the pairs",
            "columns": columns,
            "checked": "when they were assembled",
        },
    ]
