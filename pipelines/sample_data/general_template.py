"""What a template of a general preference pair is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GeneralTemplate:
    """A request with a good and a bad answer; `fills` are the sets of words for the `$` placeholders."""

    input: str
    chosen: str
    rejected: str
    fills: tuple[dict[str, str], ...]
