"""The catalogue: every change template of every language, and the fragments that surround them.

One package per language, one module per criterion. In a module, `MinedChange` templates go to the sample
repositories and `BenchmarkChange` templates to the sample benchmark: no template serves both.
"""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from pipelines.sample_data.templates import c, cpp, csharp, go, java, javascript, python, ruby
from themis_common.taxonomy import Language

CATALOGUE: tuple[ChangeTemplate, ...] = (
    *javascript.TEMPLATES,
    *python.TEMPLATES,
    *ruby.TEMPLATES,
    *cpp.TEMPLATES,
    *c.TEMPLATES,
    *go.TEMPLATES,
    *java.TEMPLATES,
    *csharp.TEMPLATES,
)

FRAGMENTS: dict[Language, tuple[str, ...]] = {
    Language.JAVASCRIPT: javascript.FRAGMENTS,
    Language.PYTHON: python.FRAGMENTS,
    Language.RUBY: ruby.FRAGMENTS,
    Language.CPP: cpp.FRAGMENTS,
    Language.C: c.FRAGMENTS,
    Language.GO: go.FRAGMENTS,
    Language.JAVA: java.FRAGMENTS,
    Language.CSHARP: csharp.FRAGMENTS,
}


def mined_changes(languages: tuple[Language, ...]) -> list[MinedChange]:
    """The templates that repositories in these languages are made of, in catalogue order."""
    return [one for one in CATALOGUE if isinstance(one, MinedChange) and one.language in languages]


def benchmark_changes() -> list[BenchmarkChange]:
    """The templates that the benchmark is made of, in catalogue order."""
    return [one for one in CATALOGUE if isinstance(one, BenchmarkChange)]
