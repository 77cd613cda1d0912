"""From the names of files to their languages, by their extensions; a whole column at a time."""

import functools
from importlib import resources
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from themis_common.errors import UserError
from themis_common.taxonomy import CODE_LANGUAGES, Language

MapName = Literal["published", "extended"]

_EXTENSION = r"(?P<extension>\.[^./]*)$"
_ONLY_DOTS_BEFORE = r"(^|/)\.+[^./]*$"
"""Names such as `.bashrc`, which begin with a dot and have no extension for it (as `posixpath.splitext` has it)."""


class LanguageMap:
    """One of the extension maps, with or without regard to case.

    Languages that Themis trains on go by `Language.key`, all others by the name in the map.
    """

    def __init__(self, name: MapName, *, match_case: bool) -> None:
        known: dict[str, str] = {}
        for part in ("published", "extended") if name == "extended" else ("published",):
            for language, extensions in _document()[part].items():
                for extension in extensions:
                    found = known.setdefault(extension, _key(language))
                    assert found == _key(language), f"{extension} stands for {found} and {language}"
        self._extensions = pa.array(list(known))
        self._languages = pa.array(list(known.values()))
        self._match_case = match_case

    @property
    def languages(self) -> list[str]:
        """All languages of the map, sorted."""
        return sorted(set(self._languages.to_pylist()))

    def languages_of(self, paths: pa.StringArray) -> pa.StringArray:
        """The language of the file at each path; null where its extension is in no list."""
        extensions = pc.struct_field(pc.extract_regex(paths, _EXTENSION), "extension")
        index = self._index(extensions)
        if not self._match_case:
            # as it stands before it is folded, because `.C` is not `.c`
            index = pc.coalesce(index, self._index(pc.utf8_lower(extensions)))
        named = pc.match_substring_regex(paths, _ONLY_DOTS_BEFORE)
        return self._languages.take(pc.if_else(named, None, index))

    def parse(self, name: str) -> str:
        """The language that a user means by `name`.

        Raises:
            UserError: the map has no such language.
        """
        key = _key(name)
        if key not in self.languages:
            raise UserError(f"no extension stands for language {name!r}; known: {', '.join(self.languages)}")
        return key

    def _index(self, extensions: pa.StringArray) -> Any:
        return pc.index_in(extensions, self._extensions, skip_nulls=True)


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
