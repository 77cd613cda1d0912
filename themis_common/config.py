"""Frozen dataclasses as configuration: declared with help texts, loaded strictly, hashed by what affects results.

    @config
    class DeduplicateConfig:
        threshold: float = option(0.7, help="Jaccard similarity from which two files count as the same")

Unknown keys and wrong types are user errors that name the key. pydantic does the checking; the classes stay plain
dataclasses that import nothing.
"""

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, dataclass_transform

from themis_common.errors import UserError
from themis_common.hashing import digest_of

T = TypeVar("T")


def option(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    affects_result: bool = True,
    shared: str = "",
    default_factory: Any = dataclasses.MISSING,
) -> Any:
    """One configuration value.

    Args:
        default: the value when nobody sets it; left out, the value must be given.
        help: what it does, with its unit and source; shown by `themis config show`.
        affects_result: false for values that change speed, paths or logging but not one output byte's meaning; they
            stay out of the configuration hash.
        shared: the name of a pipeline-wide setting that this value follows unless its own section sets it.
        default_factory: makes the default of a mutable or nested value.
    """
    metadata = {"help": help, "affects_result": affects_result, "shared": shared}
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, dataclasses.field))
def config(cls: type[T]) -> type[T]:
    """Make `cls` a frozen, keyword-only dataclass that refuses unknown keys when loaded."""
    cls.__pydantic_config__ = {"extra": "forbid", "allow_inf_nan": False}  # type: ignore[attr-defined]
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


@config
class NoConfig:
    """The configuration of a stage without options."""


def load_config(cls: type[T], values: Mapping[str, Any], *, where: str) -> T:
    """Build `cls` from plain values.

    Args:
        where: what the user calls the origin of the values, e.g. `demo.yaml: deduplicate`; leads error messages.

    Raises:
        UserError: an unknown key, a missing value, a wrong type, or a value that the class itself refuses.
    """
    # here, because `themis --help` must not pay for it
    import pydantic

    for key in values:
        check_key(key, (field.name for field in fields_of(cls)), where=where)
    try:
        return pydantic.TypeAdapter(cls).validate_python(dict(values))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise UserError(f"{where}: {key} is not set; give it a value") from error
        message = first["msg"].removeprefix("Value error, ")
        found = "" if first["type"] == "value_error" else f", found {first['input']!r}"
        raise UserError(f"{where}: {key + ': ' if key else ''}{message}{found}") from error


def check_key(key: str, known: Any, *, where: str) -> None:
    """Refuse a key that nobody declared.

    Raises:
        UserError: names the key, the nearest known one and all of them.
    """
    names = sorted(known)
    if key in names:
        return
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(names) or 'none'}"
    raise UserError(f"{where}: unknown key {key!r}; {hint}")


def fields_of(cls: type[Any]) -> tuple[dataclasses.Field[Any], ...]:
    """The options of a configuration class, in order."""
    return dataclasses.fields(cls)


def as_values(value: Any) -> dict[str, Any]:
    """A configuration as plain data that JSON holds and `load_config` takes back."""
    return _plain(value, lambda field: True)  # type: ignore[no-any-return]


def result_values(value: Any) -> dict[str, Any]:
    """The part of a configuration that affects results."""
    return _plain(value, lambda field: field.metadata.get("affects_result", True))  # type: ignore[no-any-return]


def config_hash(value: Any) -> str:
    """Digest of the result-affecting part of a configuration: 64 hex characters."""
    return digest_of(result_values(value))


def _plain(value: Any, keep: Callable[[dataclasses.Field[Any]], bool]) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name), keep)
            for field in dataclasses.fields(value)
            if keep(field)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item, keep) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, keep) for item in value]
    return value
