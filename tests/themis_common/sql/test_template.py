"""What enters the text of a query: checked names and chosen clauses, and nothing else."""

import jinja2
import pytest

from themis_common.errors import UserError
from themis_common.sql.template import render_sql, table_name


def test_names_and_switches_shape_the_text() -> None:
    template = "SELECT a FROM `{{ dataset }}.t`{% if few %} WHERE a < @most{% endif %}"
    names = {"dataset": "my-project.github_repos"}
    assert render_sql(template, names=names, switches={"few": False}) == (
        "SELECT a FROM `my-project.github_repos.t`"
    )
    assert render_sql(template, names=names, switches={"few": True}).endswith(" WHERE a < @most")


@pytest.mark.parametrize("name", ["", "a`b", "a b", "a;b", "a'b", "a.b.c.d", "a..b", "x`; DROP TABLE t; --"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot name a table"):
        table_name(name)
    with pytest.raises(UserError, match="cannot name a table"):
        render_sql("SELECT a FROM {{ dataset }}", names={"dataset": name}, switches={})


def test_what_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render_sql("SELECT a FROM {{ dataset }}", names={}, switches={})
    with pytest.raises(jinja2.UndefinedError):
        render_sql("SELECT a {% if few %}FROM t{% endif %}", names={}, switches={})
