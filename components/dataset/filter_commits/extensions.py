"""From the name of a file to its language, by its extension."""

import functools
import posixpath
from importlib import resources
from typing import Literal

import yaml

from themis_common.errors import UserError
from themis_common.taxonomy import CODE_LANGUAGES, Language

MapName = Literal["published", "extended"]


class LanguageMap:
    """One of the extension maps, with or without regard to case.

    Languages that Themis trains on go by `Language.key`, all others by the name in the map.
    """

    def __init__(self, name: MapName, *, match_case: bool) -> None:
        self._exact: dict[str, str] = {}
        for part in ("published", "extended") if name == "extended" else ("published",):
            for language, extensions in _document()[part].items():
                for extension in extensions:
                    known = self._exact.setdefault(extension, _key(language))
                    assert known == _key(language), f"{extension} stands for {known} and {language}"
        self._match_case = match_case

    @property
    def languages(self) -> list[str]:
        """All languages of the map, sorted."""
        return sorted(set(self._exact.values()))

    def language_of(self, path: str) -> str | None:
        """The language of the file at `path`, or None where its extension is in no list."""
        extension = posixpath.splitext(path)[1]
        found = self._exact.get(extension)
        if found is None and not self._match_case:
            found = self._exact.get(extension.lower())
        return found

    def parse(self, name: str) -> str:
        """The language that a user means by `name`.

        Raises:
            UserError: the map has no such language.
        """
        key = _key(name)
        if key not in self.languages:
            raise UserError(f"no extension stands for language {name!r}; known: {', '.join(self.languages)}")
        return key


def _key(name: str) -> str:
    try:
        language = Language.parse(name)
    except UserError:
        return name
    return language.key if language in CODE_LANGUAGES else name


@functools.cache
def _document() -> dict[str, dict[str, list[str]]]:
    text = (resources.files(__package__) / "extensions.yaml").read_text("utf-8")
    document: dict[str, dict[str, list[str]]] = yaml.safe_load(text)
    return document
