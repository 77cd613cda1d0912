"""What a query may use so that BigQuery and DuckDB give the same rows for it, and its text for either.

A query is written in BigQuery's dialect; sqlglot translates it for DuckDB. Some constructs come through that with
another meaning, without an error; others fail only when they run. Source: facts/data_eval_peers.md section C.2.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import sqlglot
from sqlglot import exp

Dialect = Literal["bigquery", "duckdb"]

ANY_ORDER = "_in_any_order"
"""How the name of a column ends whose elements come in an order that differs between engines and runs."""

_LOOK_AROUND = re.compile(r"\(\?(?:[=!]|<[=!])")
_TIMES = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.DATETIME)


def translate(query: str, dialect: Dialect) -> str:
    """The text of a portable query for one engine.

    Raises:
        AssertionError: the query uses what is not portable; names every such thing.
        sqlglot.errors.ParseError: the text is no BigQuery SQL.
    """
    found = find_unportable(query)
    assert not found, f"not portable: {'; '.join(found)}"
    if dialect == "bigquery":
        return query
    return sqlglot.transpile(query, read="bigquery", write="duckdb")[0]


def find_unportable(query: str) -> list[str]:
    """What in the query BigQuery and DuckDB treat differently, each with what to write in its place.

    Raises:
        sqlglot.errors.ParseError: the text is no BigQuery SQL.
    """
    statements = sqlglot.parse(query, read="bigquery")
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return ["one SELECT, and no other statement: tables are made and exported by the job that runs it"]
    return [problem for node in statements[0].walk() for rule in _RULES for problem in rule(node)]


def _trimmed_blanks(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Trim) and node.args.get("expression") is None:
        yield "TRIM without characters: DuckDB trims only blanks; write TRIM(x, ' \\t\\r\\n')"


def _offsets(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Unnest) and node.args.get("offset"):
        yield "UNNEST WITH OFFSET: counts from 0 or from 1; do without the position"


def _formats(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Format):
        yield "FORMAT: another syntax in DuckDB; write CONCAT"


def _likes(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Like):
        yield "LIKE: a backslash escapes in BigQuery only; write STRPOS or STARTS_WITH"


def _substrings(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Substring):
        start = node.args["start"]
        if isinstance(start, exp.Literal) and int(start.this) < 1:
            yield "SUBSTR from 0: one character less in DuckDB; start at 1"


def _aggregated_lists(node: exp.Expr) -> Iterator[str]:
    if not isinstance(node, exp.ArrayAgg | exp.GroupConcat):
        return
    if node.find(exp.Order) is None and not _named(node).endswith(ANY_ORDER):
        yield (
            f"{_called(node)} without ORDER BY: an arbitrary order; order it, or end its name with {ANY_ORDER} where "
            "the reader does"
        )
    if node.find(exp.Limit) is not None:
        yield f"{_called(node)} with LIMIT: DuckDB has none; write QUALIFY ROW_NUMBER()"


def _named(node: exp.Expr) -> str:
    return node.parent.alias if isinstance(node.parent, exp.Alias) else ""


def _called(node: exp.Expr) -> str:
    return "STRING_AGG" if isinstance(node, exp.GroupConcat) else "ARRAY_AGG"


def _samples(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.TableSample):
        yield "TABLESAMPLE: draws other rows; sample by a hash of the key"


def _fingerprints(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.FarmFingerprint):
        yield "FARM_FINGERPRINT: DuckDB has none; write TO_HEX(MD5(x))"


def _time_travel(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Version):
        yield "FOR SYSTEM_TIME AS OF: DuckDB has none; name a snapshot table"


def _stars(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
        yield "*: BigQuery bills every column, and DuckDB refuses it behind a field; list the columns"


def _byte_lengths(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.ByteLength):
        yield "BYTE_LENGTH: DuckDB wants a BLOB; write LENGTH"


def _look_arounds(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Literal | exp.RawString) and _LOOK_AROUND.search(str(node.this)):
        yield "a look-around in a pattern: neither engine has it; match what may stand there"


def _times(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.UnixToTime) or (isinstance(node, exp.Cast) and node.to.this in _TIMES):
        yield "a timestamp: of other types and zones; stay with seconds as INT64"


_RULES: tuple[Callable[[exp.Expr], Iterator[str]], ...] = (
    _trimmed_blanks,
    _offsets,
    _formats,
    _likes,
    _substrings,
    _aggregated_lists,
    _samples,
    _fingerprints,
    _time_travel,
    _stars,
    _byte_lengths,
    _look_arounds,
    _times,
)
