"""CodeRewardBench as it was published: whether a file holds its rows unchanged, as far as published facts tell.

Known are how many pairs each subset has in each language, the form of ids, and digests over all ids and over what each
row is about (facts/evaluation.md sections 1.1, 1.2 and 10.3). Digests of the texts are not published, so a changed text
shows in the digest of the imported data set only.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import yaml

from themis_common.errors import UserError

Expectation = Literal["auto", "whole", "none"]

HUB_ID = "project-themis/Themis-CodeRewardBench"
LICENCE = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class PublishedDigests:
    """SHA-256 digests of the published rows.

    Attributes:
        ids: of the sorted ids, joined by newlines.
        rows: of the lines `id TAB criterion TAB language TAB subset` in the published order, likewise.
    """

    ids: str
    rows: str


PUBLISHED = PublishedDigests(
    ids="806867b210273273690a64d07cb90dea2aff7e3bc0847f7f011bfc0993e03157",
    rows="6ab223bb9dcd2cd544881a3d62af9f03457c88e8a24281baeafa66ff0d71073d",
)

_CLAIMS_TO_BE_WHOLE = 0.9
"""Share of the published number of rows; the largest published slice, one criterion, has 0.54."""
_COMMIT_SUBSETS, _COMMIT_IDS = "COMMITPREFS_", "COMMIT_PREFS"
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Subset:
    """A published subset: its one criterion, and its number of pairs by language."""

    aspect: str
    pairs: Mapping[str, int]


@cache
def subsets() -> Mapping[str, Subset]:
    """All 19 by name."""
    text = (resources.files(__package__) / "coderewardbench.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    return {
        name: Subset(row["aspect"], dict(zip(document["languages"], row["pairs"], strict=True)))
        for name, row in document["subsets"].items()
    }


def num_rows() -> int:
    """How many rows there are."""
    return sum(sum(subset.pairs.values()) for subset in subsets().values())


class PublishedCheck:
    """Compares the rows of a file with what is published, while they stream by.

    Args:
        expected: `whole`: it must be CodeRewardBench, in its order. `auto`: rows with an id of the published form must
            be of its subset and criterion, and a benchmark that has nearly as many of them must be all of them; any
            other benchmark, or part of this one, is as good. `none`: nothing is compared.
        digests: of the rows that are expected.
    """

    def __init__(self, expected: Expectation, digests: PublishedDigests = PUBLISHED) -> None:
        self._expected = expected
        self._digests = digests
        self._ids: list[str] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._other = ""
        self._rows = hashlib.sha256()

    def row(self, row: Mapping[str, str], where: str) -> None:
        """Compare one row.

        Raises:
            UserError: the row is of another subset or criterion than its id and subset say.
        """
        if self._expected == "none":
            return
        id_, subset, aspect = row["id"], row["subset"], row["aspect"]
        beginning, _, end = id_.rpartition("_")
        known = subsets().get(subset)
        if known is None or not _UUID4.fullmatch(end):
            self._other = self._other or id_
            return
        mend = "copy CodeRewardBench again, or give changed rows ids of their own"
        if beginning != (_COMMIT_IDS if subset.startswith(_COMMIT_SUBSETS) else subset):
            raise UserError(f"{where}: id {id_} is not of subset {subset}; {mend}")
        if aspect != known.aspect:
            raise UserError(
                f"{where}: id {id_} of subset {subset} was published with aspect {known.aspect}, found {aspect}; {mend}"
            )
        line = "\t".join([id_, aspect, row["language"], subset])
        self._rows.update(("\n" if self._ids else "").encode() + line.encode())
        self._ids.append(id_)
        self._counts[subset, row["language"]] += 1

    def end(self, where: str) -> None:
        """Look at the rows as a whole.

        Raises:
            UserError: rows are missing, too many or changed, or, where `whole` is expected, in another order.
        """
        is_whole = self._expected == "whole" or (
            self._expected == "auto" and len(self._ids) >= _CLAIMS_TO_BE_WHOLE * num_rows()
        )
        if not is_whole:
            return
        way_out = "copy it again, or set import_benchmark.published=none to measure on these rows"
        for problem in self._problems():
            raise UserError(f"{where}: {problem}, so this is not CodeRewardBench as published; {way_out}")

    def _problems(self) -> Iterator[str]:
        for name, subset in subsets().items():
            for language, pairs in subset.pairs.items():
                found = self._counts[name, language]
                if found != pairs:
                    yield f"subset {name} has {found:,} pairs in {language} instead of {pairs:,}"
        if self._other:
            yield f"id {self._other} is none of its rows"
        if hashlib.sha256("\n".join(sorted(self._ids)).encode()).hexdigest() != self._digests.ids:
            yield "an id was changed"
        if self._expected == "whole" and self._rows.hexdigest() != self._digests.rows:
            yield "its rows are in another order, or two of them have exchanged their languages"
