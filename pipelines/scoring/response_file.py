"""Parquet and JSONL files of prompts with responses: what is to be scored, and the same rows with scores beside them.

A row holds a `prompt` (or `input`, as files of preference pairs call it) and one of three things: `chosen` and
`rejected`, a list of `candidates`, or one `response`. Other columns are left as they are.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from themis_common.datasets.parquet_file import read_whole_parquet
from themis_common.datasets.plain_files import SUFFIXES
from themis_common.errors import UserError

Form = Literal["pair", "candidates", "response"]
FORMS: Mapping[Form, tuple[str, ...]] = {
    "pair": ("chosen", "rejected"),
    "candidates": ("candidates",),
    "response": ("response",),
}
_PROMPTS = ("prompt", "input")

_Choice = TypeVar("_Choice", bound=str)


@dataclass(frozen=True, slots=True)
class PromptedRow:
    """A prompt and its responses: chosen and rejected, all candidates, or the only one."""

    prompt: str
    responses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddedColumn:
    """A column to write beside those of the file, one value a row."""

    name: str
    kind: pa.DataType
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class ResponseFile:
    """A file as it was read.

    Attributes:
        content: a table (parquet), or one object a line (JSONL), whose values nothing has converted.
        form: what each row holds.
        rows: what is asked, in the order of the file.
    """

    path: Path
    content: pa.Table | list[dict[str, Any]]
    form: Form
    rows: list[PromptedRow]

    def check_output(self, path: Path, added: Sequence[str]) -> None:
        """Refuse, before anything is scored, what could not be written afterwards.

        Args:
            added: names of the columns to come.

        Raises:
            UserError: the output has another format or is the input, its folder is missing, or the input has one of
                the columns already.
        """
        if path.suffix != self.path.suffix:
            raise UserError(
                f"{path}: the output has the format of the input; let its name end in {self.path.suffix}"
            )
        if not path.parent.is_dir():
            raise UserError(f"{path.parent} is no folder; make it, or choose another output")
        if path.is_dir() or (path.exists() and path.samefile(self.path)):
            raise UserError(f"{path} is in the way; choose another output")
        for name in added:
            if name in _names(self.content):
                raise UserError(f"{self.path} already has a column {name!r}; rename it or take it out first")

    def write(self, path: Path, added: Sequence[AddedColumn]) -> None:
        """Write all rows with the added columns; the file appears whole or not at all."""
        partial = path.with_name(f".{path.name}.partial")
        if isinstance(self.content, pa.Table):
            table = self.content
            for column in added:
                table = table.append_column(column.name, pa.array(column.values, column.kind))
            pq.write_table(table, partial)
        else:
            with partial.open("w", encoding="utf-8") as file:
                for number, row in enumerate(self.content):
                    scored = {column.name: column.values[number] for column in added}
                    file.write(json.dumps({**row, **scored}, allow_nan=False) + "\n")
        partial.replace(path)


def read_response_file(path: Path) -> ResponseFile:
    """The file at `path`.

    Raises:
        UserError: it cannot be read, holds no row, lacks a column, or a value is not text; names file and row.
    """
    if path.suffix not in SUFFIXES or not path.is_file():
        raise UserError(f"{path}: no such file; give a .parquet or .jsonl file")
    content = read_whole_parquet(path) if path.suffix == ".parquet" else list(_json_lines(path))
    if not len(content):
        raise UserError(f"{path} holds no row")
    names = _names(content)
    prompt = _only(path, names, {name: (name,) for name in _PROMPTS})
    form = _only(path, names, FORMS)
    columns = [_values(content, name) for name in (prompt, *FORMS[form])]
    rows = [
        _prompted_row(f"{path}: row {number}", form, prompt, *cells)
        for number, cells in enumerate(zip(*columns, strict=True), start=1)
    ]
    return ResponseFile(path, content, form, rows)


def _prompted_row(where: str, form: Form, prompt: str, asked: Any, *cells: Any) -> PromptedRow:
    """A row of the file: `asked` in the column `prompt`, and the cells of the columns that the form has."""
    answers = cells[0] if form == "candidates" else cells
    if not isinstance(answers, list | tuple):
        raise UserError(f"{where}: candidates must be a list")
    named = [(prompt, asked), *zip(_labels(form, len(answers)), answers, strict=True)]
    for name, value in named:
        if not isinstance(value, str) or not _is_unicode(value):
            raise UserError(f"{where}: {name} must be text, found {_kind(value)}")
    return PromptedRow(asked, tuple(answers))


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (UnicodeDecodeError, OSError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_refuse, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise UserError(f"{path}: line {number} is no JSON object; write one object a line")
        yield row


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


def _refuse(number: str) -> NoReturn:
    # Python would read it, other readers of the output would not
    raise ValueError(f"{number} is no finite number")


def _names(content: pa.Table | list[dict[str, Any]]) -> set[str]:
    if isinstance(content, pa.Table):
        return set(content.column_names)
    return {name for row in content for name in row}


def _values(content: pa.Table | list[dict[str, Any]], name: str) -> list[Any]:
    if isinstance(content, pa.Table):
        values: list[Any] = content.column(name).to_pylist()
        return values
    return [row.get(name) for row in content]


def _only(path: Path, names: set[str], choices: Mapping[_Choice, tuple[str, ...]]) -> _Choice:
    """The one of the choices whose columns are there."""
    found = [choice for choice, columns in choices.items() if names.issuperset(columns)]
    if len(found) == 1:
        return found[0]
    known = "; or ".join(" and ".join(columns) for columns in choices.values())
    if not found:
        raise UserError(f"{path} has columns {', '.join(sorted(names))}; it needs {known}")
    raise UserError(f"{path} has columns of {' and of '.join(found)}; keep one of: {known}")


def _labels(form: Form, number: int) -> Sequence[str]:
    if form == "candidates":
        return [f"candidate {index}" for index in range(number)]
    return FORMS[form]


def _is_unicode(text: str) -> bool:
    """Half a surrogate pair, which JSON can spell, is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return "half a surrogate pair" if isinstance(value, str) else type(value).__name__
