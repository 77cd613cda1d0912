"""Rendering a SQL template: conditions choose clauses, names are checked, values never enter the text.

Values are named query parameters (`@languages`), which the engine binds. What the template itself takes are truth
values and names of tables.
"""

import re
from collections.abc import Mapping

from jinja2 import Environment, StrictUndefined

from themis_common.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_]+){0,2}")


def table_name(name: str) -> str:
    """`name`, where it is `table`, `dataset.table` or `project.dataset.table`, or the front part of one.

    Raises:
        UserError: it has other characters or more parts, so that it may not stand in a query.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot name a table; write project.dataset with letters, digits, '_' and (in the project) '-'"
        )
    return name


def render_sql(template: str, *, names: Mapping[str, str], switches: Mapping[str, bool]) -> str:
    """The text of a query.

    Args:
        template: trusted Jinja2 text.
        names: names of tables or datasets; each is checked by `table_name`.
        switches: which clauses to take.

    Raises:
        UserError: a name may not stand in a query.
        jinja2.UndefinedError: the template uses what is not given.
    """
    # SQL is no HTML; nothing but checked names is inserted
    environment = Environment(
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
    )
    checked = {name: table_name(value) for name, value in names.items()}
    return environment.from_string(template).render({**checked, **switches})
