"""The query of mining: one template, two dialects, and no value of a user in its text."""

from itertools import product

import pytest
import sqlglot
from sqlglot import exp

from components.dataset.mine_commits.config import MineCommitsConfig
from components.dataset.mine_commits.licences import ALLOWED
from components.dataset.mine_commits.query import mining_query, query_parameters
from themis_common.errors import UserError
from themis_common.schemas import COMMITS
from themis_common.sql.portability import Dialect

PUBLIC = "bigquery-public-data.github_repos"
NASTY = "x'); DROP TABLE commits; --"
CONFIGS = [
    MineCommitsConfig(
        source="duckdb",
        tables="/nowhere",
        languages=languages,
        licenses=licenses,
        drop_bots=drop,
        drop_reverts=drop,
    )
    for languages, licenses, drop in product(
        [(), ("Python", NASTY)], ["any", "permissive-only", "published-12"], [True, False]
    )
]


@pytest.mark.parametrize("dialect", ["bigquery", "duckdb"])
@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_template_is_sql_in_both_dialects(config: MineCommitsConfig, dialect: Dialect) -> None:
    text = mining_query(config, PUBLIC, dialect)
    tree = sqlglot.parse_one(text, read=dialect)
    own = {"subject", "row_key", "repos", "licenses"}
    assert set(tree.named_selects) == ({*COMMITS.names} - own) | {
        "reason",
        "repos_in_any_order",
        "licenses_in_any_order",
    }
    assert NASTY not in text
    tables = {table.sql(dialect) for table in tree.find_all(exp.Table) if table.args.get("db")}
    assert len(tables) == 3
    assert all("bigquery-public-data" in table for table in tables)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_every_parameter_is_used_and_every_used_one_is_given(config: MineCommitsConfig) -> None:
    tree = sqlglot.parse_one(mining_query(config, PUBLIC, "bigquery"), read="bigquery")
    used = {parameter.name for parameter in tree.find_all(exp.Parameter)}
    assert used == query_parameters(config).keys()


def test_a_policy_becomes_its_licences() -> None:
    config = MineCommitsConfig(licenses="published-12")
    assert query_parameters(config)["licenses"] == sorted(ALLOWED["published-12"])
    assert len(ALLOWED["published-12"]) == 12


def test_columns_that_nothing_needs_are_not_billed() -> None:
    config = MineCommitsConfig(drop_bots=False)
    assert "author" not in mining_query(config, PUBLIC, "bigquery")
    assert "tree" not in mining_query(MineCommitsConfig(), PUBLIC, "bigquery")


def test_the_dataset_is_checked() -> None:
    with pytest.raises(UserError, match="cannot name a table"):
        mining_query(MineCommitsConfig(), "x`; DROP TABLE t; --", "bigquery")
