"""The dataset card of an export: YAML for machines, then what the rows are and where they come from.

Everything on it comes from the manifest and the rows, so equal datasets have equal cards.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from string import Template
from typing import Any, Final

import yaml

from themis_common.datasets.hugging_face import features_yaml
from themis_common.datasets.manifest import Manifest
from themis_common.datasets.published import Layout
from themis_common.markdown_table import markdown_table

CARD: Final = "README.md"

_HUB_LICENCES: Final = frozenset(
    {
        "agpl-3.0",
        "apache-2.0",
        "artistic-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc0-1.0",
        "epl-1.0",
        "gpl-2.0",
        "gpl-3.0",
        "isc",
        "lgpl-2.1",
        "mit",
        "mpl-2.0",
        "unknown",
        "unlicense",
    }
)
"""Licences that mining tells apart, under names that the Hub takes; it refuses a card with any other name."""
_MOST_VALUES: Final = 50
"""Values of one column that the card lists, the most frequent first."""


@dataclass
class SplitTotals:
    """What was written of one split; `num_bytes` in memory as Arrow, `file_bytes` on disk."""

    rows: int = 0
    num_bytes: int = 0
    file_bytes: int = 0
    files: list[str] = field(default_factory=list)


@dataclass
class ExportTotals:
    """What was written: by split, values of counted columns by column, and licences by row."""

    splits: dict[str, SplitTotals] = field(default_factory=dict)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    licences: Counter[str] = field(default_factory=Counter)


def dataset_card(manifest: Manifest, layout: Layout, totals: ExportTotals) -> str:
    """Markdown with a metadata header as the Hugging Face Hub and `datasets` read it."""
    template = Template((resources.files(__package__) / "dataset_card.md").read_text(encoding="utf-8"))
    schema = manifest.tables["data"].schema.replace("_", " ")
    tables = [_counts("split", [(name, split.rows) for name, split in totals.splits.items()])]
    tables += [_counts(name, counted.most_common(_MOST_VALUES)) for name, counted in totals.values.items()]
    if totals.licences:
        tables.append(_counts("licence of the source", totals.licences.most_common(_MOST_VALUES)))
    return template.substitute(
        header=yaml.safe_dump(_header(layout, totals), sort_keys=False, allow_unicode=True).strip(),
        title=schema.capitalize(),
        schema=schema,
        rows=f"{manifest.rows:,}",
        stage=manifest.stage,
        stage_version=manifest.stage_version,
        digest=manifest.content_digest,
        config_hash=manifest.config_hash[:16],
        config=layout.config,
        split=next(iter(totals.splits)),
        columns=markdown_table(
            ("column", "type"), [(column.name, column.described) for column in layout.columns]
        ),
        counts="\n\n".join(tables),
        inputs=markdown_table(("input", "content digest"), sorted(manifest.inputs.items())),
        options=markdown_table(("option", "value"), sorted(manifest.config.items())),
    )


def _header(layout: Layout, totals: ExportTotals) -> dict[str, Any]:
    splits = totals.splits
    header: dict[str, Any] = {
        "configs": [
            {
                "config_name": layout.config,
                "default": True,
                "data_files": [{"split": name, "path": f"data/{name}-*"} for name in splits],
            }
        ],
        "dataset_info": {
            "config_name": layout.config,
            "features": features_yaml(layout.columns),
            "splits": [
                {"name": name, "num_bytes": split.num_bytes, "num_examples": split.rows}
                for name, split in splits.items()
            ],
            "download_size": sum(split.file_bytes for split in splits.values()),
            "dataset_size": sum(split.num_bytes for split in splits.values()),
        },
    }
    if totals.licences:
        header["license"] = hub_licences(totals.licences)
    return header


def hub_licences(of_rows: Iterable[str]) -> list[str]:
    """The licences of rows (each one name or several with commas) as the Hub names them, sorted."""
    names = {name.strip().lower() for names in of_rows for name in names.split(",")}
    return sorted({name if name in _HUB_LICENCES else "other" for name in names})


def _counts(name: str, counted: Sequence[tuple[str, int]]) -> str:
    return markdown_table((name, "rows"), [(value, f"{rows:,}") for value, rows in counted])
