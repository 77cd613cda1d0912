"""The items of the proof in their order, and the share of the time that each may take."""

from collections.abc import Callable, Mapping

from tests.gpu import checks, scoring, smoke, training
from tests.gpu.cases import Group
from tests.gpu.scale import Scale

ITEMS: Mapping[str, Callable[[Scale], list[Group]]] = {
    "checks": checks.groups,
    "training": training.groups,
    "scoring": scoring.groups,
    "smoke": smoke.groups,
}
WEIGHTS: Mapping[str, float] = {"checks": 1.5, "training": 5.0, "scoring": 1.0, "smoke": 2.0}
