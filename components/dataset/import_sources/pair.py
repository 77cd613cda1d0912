"""From a row of somebody's file to a preference pair, under any known spelling of its columns and values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.dataset.import_sources.config import ImportSourcesConfig
from themis_common.errors import UserError
from themis_common.taxonomy import Criterion, Language

ALIASES: dict[str, tuple[str, ...]] = {
    "input": ("input", "prompt"),
    "chosen": ("chosen",),
    "rejected": ("rejected",),
    "system": ("system",),
    "language": ("language",),
    "criterion": ("criterion", "aspect"),
    "source": ("source",),
    "repo": ("repo",),
    "commit": ("commit",),
    "path": ("path",),
    "license": ("license",),
}
"""Our columns and the names under which files may have them; other columns are not read."""

_REQUIRED = ("input", "chosen", "rejected")
_PROVENANCE = ("repo", "commit", "path", "license")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A preference pair as it stands in a file."""

    system: str | None
    input: str
    chosen: str
    rejected: str
    language: Language
    criterion: Criterion
    source: str
    provenance: Mapping[str, str | None]


def pair_of(row: Mapping[str, Any], config: ImportSourcesConfig, where: str, title: str) -> Pair:
    """Read one row.

    Args:
        row: column names and values.
        config: says what holds where the row says nothing.
        where: file and row, for error messages.
        title: the source of rows that name none.

    Raises:
        UserError: a column is missing or holds something else than it should; names file, row and column.
    """
    columns = {ours: next((name for name in names if name in row), None) for ours, names in ALIASES.items()}
    for ours in _REQUIRED:
        if columns[ours] is None:
            raise UserError(
                f"{where}: column {' or '.join(map(repr, ALIASES[ours]))} is missing; found {', '.join(row) or 'none'}"
            )
    values = {ours: row[name] for ours, name in columns.items() if name is not None}
    texts = {
        ours: _text(value, where, columns[ours]) for ours, value in values.items() if ours not in _LABELS
    }
    return Pair(
        system=texts.get("system") or None,
        input=texts["input"] or "",
        chosen=texts["chosen"] or "",
        rejected=texts["rejected"] or "",
        language=_language(values.get("language"), config.language, where),
        criterion=_criterion(values.get("criterion"), config.criterion, where, columns["criterion"]),
        source=texts.get("source") or title,
        provenance={name: texts.get(name) or None for name in _PROVENANCE},
    )


_LABELS = ("language", "criterion")


def _text(value: Any, where: str, column: str | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise UserError(f"{where}, column {column!r}: holds {type(value).__name__}, must hold text")


def _language(value: Any, default: str, where: str) -> Language:
    if value is None:
        return Language.parse(default)
    try:
        return Language.parse(_label(value))
    except UserError as error:
        raise UserError(f"{where}, column 'language': {error}") from error


def _criterion(value: Any, default: str, where: str, column: str | None) -> Criterion:
    if value is None:
        if default:
            return Criterion.parse(default)
        raise UserError(
            f"{where}: no criterion; add a column 'criterion' or 'aspect', or set the option criterion for all rows"
        )
    try:
        return Criterion.parse(_label(value))
    except UserError as error:
        raise UserError(f"{where}, column {column!r}: {error}") from error


def _label(value: Any) -> str | int:
    """A label as its enum takes it: a name, or the ClassLabel id of the published sets."""
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)
