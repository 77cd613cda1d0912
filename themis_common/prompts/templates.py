"""Rendering of the text templates that come with this package."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template


def render_text(template: str, values: Mapping[str, Any]) -> str:
    """Render a trusted template; values are only ever inserted, never read as a template.

    Raises:
        jinja2.UndefinedError: the template uses a value that is not given.
    """
    return _compiled(template).render(values)


@cache
def _compiled(template: str) -> Template:
    # The output is plain text for a model; escaping it for HTML would change file contents.
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(template)  # noqa: S701
