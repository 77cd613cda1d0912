"""Which constructs are refused, each shown by a query that uses it, and what the translation keeps."""

import duckdb
import pytest

from themis_common.sql.portability import find_unportable, translate

UNPORTABLE = [
    ("SELECT TRIM(t.x) AS x FROM t", "TRIM without characters"),
    ("SELECT LTRIM(t.x) AS x FROM t", "TRIM without characters"),
    ("SELECT a FROM t CROSS JOIN UNNEST(t.list) AS a WITH OFFSET AS place", "UNNEST WITH OFFSET"),
    ("SELECT FORMAT('%s', t.x) AS x FROM t", "FORMAT"),
    ("SELECT t.x FROM t WHERE t.x LIKE 'a\\\\_b'", "LIKE"),
    ("SELECT SUBSTR(t.x, 0, 3) AS x FROM t", "SUBSTR from 0"),
    ("SELECT STRING_AGG(t.x) AS x FROM t", "STRING_AGG without ORDER BY"),
    ("SELECT ARRAY_AGG(t.x) AS x FROM t", "ARRAY_AGG without ORDER BY"),
    ("SELECT CONCAT(STRING_AGG(t.x), 'a') AS x_in_any_order FROM t", "STRING_AGG without ORDER BY"),
    ("SELECT ARRAY_AGG(t.x ORDER BY t.x LIMIT 3) AS x FROM t", "ARRAY_AGG with LIMIT"),
    ("SELECT STRING_AGG(t.x ORDER BY t.x LIMIT 3) AS x FROM t", "STRING_AGG with LIMIT"),
    ("SELECT t.x FROM t TABLESAMPLE SYSTEM (1 PERCENT)", "TABLESAMPLE"),
    ("SELECT FARM_FINGERPRINT(t.x) AS x FROM t", "FARM_FINGERPRINT"),
    ("SELECT t.x FROM t FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()", "FOR SYSTEM_TIME AS OF"),
    ("SELECT t.committer.* FROM t", "list the columns"),
    ("SELECT * FROM t", "list the columns"),
    ("SELECT BYTE_LENGTH(t.x) AS x FROM t", "BYTE_LENGTH"),
    ("SELECT t.x FROM t WHERE REGEXP_CONTAINS(t.x, r'a(?!b)')", "look-around"),
    ("SELECT t.x FROM t WHERE REGEXP_CONTAINS(t.x, '(?<=a)b')", "look-around"),
    ("SELECT TIMESTAMP_SECONDS(t.x) AS x FROM t", "timestamp"),
    ("SELECT CAST(t.x AS TIMESTAMP) AS x FROM t", "timestamp"),
    ("CREATE TABLE u PARTITION BY d AS SELECT 1 AS d", "one SELECT"),
    ("EXPORT DATA OPTIONS(uri='gs://x/*') AS SELECT 1 AS a", "one SELECT"),
    ("DECLARE x INT64 DEFAULT 1", "one SELECT"),
    ("SELECT 1 AS a; DROP TABLE t", "one SELECT"),
]


@pytest.mark.parametrize(("query", "named"), UNPORTABLE)
def test_what_the_engines_treat_differently_is_refused(query: str, named: str) -> None:
    (problem,) = find_unportable(query)
    assert named in problem
    with pytest.raises(AssertionError, match="not portable"):
        translate(query, "bigquery")


def test_every_problem_of_a_query_is_told() -> None:
    assert len(find_unportable("SELECT TRIM(t.x) AS x FROM t WHERE t.y LIKE 'a%'")) == 2


def test_an_order_may_be_left_open_by_name() -> None:
    assert find_unportable("SELECT STRING_AGG(t.x, '+') AS x_in_any_order FROM t") == []


PORTABLE = [
    (r"SELECT TRIM(' \t\r\nx \n', ' \t\r\n') AS x", "x"),
    ("SELECT SUBSTR('abc', 1, 0) AS x", ""),
    ("SELECT ['a', 'b'][SAFE_OFFSET(0)] AS x", "a"),
    ("SELECT ['a', 'b'][SAFE_OFFSET(5)] AS x", None),
    ("SELECT 'b' IN UNNEST(@list) AS x", True),
    ("SELECT STRING_AGG(DISTINCT a, '+' ORDER BY a) AS x FROM UNNEST(@list) AS a", "a+b"),
    ("SELECT COUNT(*) AS x FROM UNNEST(@list) AS a", 3),
    (r"SELECT REGEXP_CONTAINS('a\nb', r'a.b') AS x", False),
    ("SELECT LENGTH('\u00e9\u00e9') AS x", 2),
]
"""What BigQuery documents as the value of each query, with ["b", "a", "b"] as the list."""


@pytest.mark.parametrize(("query", "value"), PORTABLE)
def test_the_translation_means_the_same(query: str, value: object) -> None:
    parameters = {"list": ["b", "a", "b"]} if "@list" in query else {}
    with duckdb.connect() as connection:
        ((found,),) = connection.execute(translate(query, "duckdb"), parameters).fetchall()
    assert found == value
    assert translate(query, "bigquery") == query
