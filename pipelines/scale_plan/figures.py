"""The figures that a plan is computed from, each with its unit and where it is from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Literal

import yaml

from themis_common.config import check_key
from themis_common.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number.

    Attributes:
        kind: measured, published or assumed; `given` by whoever asks for the plan.
        source: the benchmark, README or reasoning that it is from.
        date: day of the measurement; empty for what is not measured, or in the source.
    """

    value: float
    unit: str
    kind: Literal["measured", "published", "assumed", "given"]
    source: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures by name, and the machine on which they were measured."""

    machine: str
    by_name: Mapping[str, Figure]

    def __getitem__(self, name: str) -> float:
        return self.by_name[name].value

    def get(self, name: str) -> float:
        """A figure that not every stage has; 0 where there is none."""
        return self.by_name[name].value if name in self.by_name else 0.0

    def given(self, assumptions: Iterable[str]) -> "Figures":
        """The same with other values.

        Args:
            assumptions: `NAME=VALUE` texts.

        Raises:
            UserError: no such figure, or no number that it can be.
        """
        changed = dict(self.by_name)
        for text in assumptions:
            name, equals, value = text.partition("=")
            if not equals:
                raise UserError(f"--assume {text}: write NAME=VALUE, for example price.vcpu_hour=0.04")
            check_key(name, changed, where="--assume")
            changed[name] = replace(
                changed[name], value=_number(name, value), kind="given", source="--assume", date=""
            )
        return replace(self, by_name=changed)


def load_figures() -> Figures:
    """The figures that come with Themis."""
    text = (resources.files(__package__) / "figures.yaml").read_text("utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return Figures(
        machine=document["machine"],
        by_name={
            name: Figure(
                value=float(entry.pop("value")),
                source=entry.pop("from"),
                date=str(entry.pop("date", "")),
                **entry,
            )
            for name, entry in document["figures"].items()
        },
    )


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise UserError(f"--assume {name}: {text!r} is no number") from error
    may_be_nothing = name.startswith("price.") or name.endswith(("_tokens", ".scanned_tib"))
    if not 0 <= value < float("inf") or (value == 0 and not may_be_nothing):
        raise UserError(f"--assume {name}: must be more than 0, found {text}")
    return value
