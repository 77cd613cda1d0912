"""Which repositories there are in each size: their projects, licences, languages and numbers of changes."""

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.sample_data.history import Step
from pipelines.sample_data.oddities import HOSTILE_NAMES, ODD_BYTES, ODD_OBJECTS, near_duplicates
from pipelines.sample_data.routine import EVERYDAY, reverted_change
from themis_common.taxonomy import Language

Size = Literal["small", "full"]


@dataclass(frozen=True)
class RepositoryPlan:
    """What `history.build_history` needs to know, except for the seed.

    Attributes:
        fork: the repository is a fork: it shares the older half of the history of its project and goes on alone.
    """

    project: str
    licence: str | None
    languages: tuple[Language, ...]
    changes: int
    steps: tuple[Step, ...] = EVERYDAY
    fork: bool = False

    @property
    def name(self) -> str:
        """The name of the repository."""
        return f"{self.project}-fork" if self.fork else self.project


@dataclass(frozen=True)
class SamplePlan:
    """The content of one size; pairs are counted in rows."""

    repositories: tuple[RepositoryPlan, ...]
    general_pairs: int
    benchmark_pairs: int


SMALL = SamplePlan(
    repositories=(
        RepositoryPlan("inkpress", "mit", (Language.PYTHON, Language.JAVASCRIPT, Language.RUBY), 36),
        RepositoryPlan("stallmarket", "apache-2.0", (Language.JAVA, Language.CSHARP, Language.GO), 36),
        RepositoryPlan("gridmeter", "bsd-3-clause", (Language.C, Language.CPP, Language.PYTHON), 36),
    ),
    general_pairs=40,
    benchmark_pairs=80,
)

_FULL_CHANGES = 90
_EVERYDAY_TWICE = (*EVERYDAY, *EVERYDAY, reverted_change)

_PRESS = RepositoryPlan(
    "inkpress",
    "mit",
    (Language.PYTHON, Language.JAVASCRIPT, Language.RUBY),
    _FULL_CHANGES,
    (*EVERYDAY, near_duplicates, reverted_change),
)

FULL = SamplePlan(
    repositories=(
        RepositoryPlan(
            "harbourlog",
            "mit",
            (Language.C, Language.CPP, Language.PYTHON),
            _FULL_CHANGES,
            (*EVERYDAY, *HOSTILE_NAMES),
        ),
        RepositoryPlan(
            "seedbank",
            "apache-2.0",
            (Language.PYTHON, Language.JAVASCRIPT, Language.RUBY),
            _FULL_CHANGES,
            (*EVERYDAY, *ODD_BYTES, near_duplicates),
        ),
        RepositoryPlan(
            "tramline",
            "bsd-3-clause",
            (Language.JAVA, Language.GO, Language.JAVASCRIPT),
            _FULL_CHANGES,
            (*EVERYDAY, *ODD_OBJECTS),
        ),
        _PRESS,
        RepositoryPlan(
            "wardbook",
            "isc",
            (Language.CSHARP, Language.JAVASCRIPT, Language.RUBY),
            _FULL_CHANGES,
            (*EVERYDAY, *ODD_BYTES),
        ),
        RepositoryPlan(
            "stallmarket",
            "apache-2.0",
            (Language.JAVA, Language.CSHARP, Language.GO),
            _FULL_CHANGES,
            _EVERYDAY_TWICE,
        ),
        RepositoryPlan(
            "stargazer",
            "bsd-2-clause",
            (Language.C, Language.CPP, Language.PYTHON),
            _FULL_CHANGES,
            _EVERYDAY_TWICE,
        ),
        RepositoryPlan("choirdesk", None, (Language.RUBY, Language.GO, Language.PYTHON), _FULL_CHANGES),
        RepositoryPlan("gridmeter", "mpl-2.0", (Language.C, Language.CPP, Language.JAVA), _FULL_CHANGES),
        RepositoryPlan(
            "trailmap",
            "unlicense",
            (Language.CSHARP, Language.GO, Language.C),
            _FULL_CHANGES,
            (*EVERYDAY, near_duplicates, near_duplicates, reverted_change),
        ),
        replace(_PRESS, fork=True),
    ),
    general_pairs=72,
    benchmark_pairs=320,
)

PLANS: dict[Size, SamplePlan] = {"small": SMALL, "full": FULL}
