"""What becomes of each commit, decided for whole columns at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.dataset.filter_commits.extensions import LanguageMap

REASONS = ("extension_unknown", "language_not_wanted", "repository_not_allowed")
"""Why commits are dropped; the first that applies counts."""

KEPT = -1


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One entry for each commit.

    Attributes:
        languages: of the file; null where its extension is in no list.
        reasons: int8, index into `REASONS`, or `KEPT`.
    """

    languages: pa.StringArray
    reasons: npt.NDArray[np.int8]

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which commits stay."""
        kept: npt.NDArray[np.bool_] = self.reasons == KEPT
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFilter:
    """The rules.

    Attributes:
        language_map: from paths to languages.
        wanted: languages to keep.
        allowed: repositories to keep, of which a commit needs one; None for any.
    """

    language_map: LanguageMap
    wanted: frozenset[str]
    allowed: pa.StringArray | None

    def judge(self, paths: pa.StringArray, repos: pa.ListArray) -> Verdicts:
        """Decide about commits by the columns `path` and `repos` (list of string); linear in their bytes."""
        languages = self.language_map.languages_of(paths)
        is_wanted = _flags(pc.is_in(languages, pa.array(sorted(self.wanted))))
        reasons = np.full(len(paths), KEPT, np.int8)
        if self.allowed is not None:
            candidates = np.flatnonzero(is_wanted)
            refused = candidates[~_any_in(repos.take(pa.array(candidates)), self.allowed)]
            reasons[refused] = REASONS.index("repository_not_allowed")
        reasons[~is_wanted] = REASONS.index("language_not_wanted")
        reasons[_flags(languages.is_null())] = REASONS.index("extension_unknown")
        return Verdicts(languages, reasons)


def _any_in(lists: pa.ListArray, names: pa.StringArray) -> npt.NDArray[np.bool_]:
    """For each list, whether one of its elements is among `names`."""
    # most names stand in many lists, and each is looked up once
    elements = lists.flatten().fill_null("").dictionary_encode()
    is_listed = _flags(pc.is_in(elements.dictionary, names))[elements.indices.to_numpy()]
    so_far = np.concatenate([[0], np.cumsum(is_listed)])
    ends = np.cumsum(pc.list_value_length(lists).to_numpy())
    has_listed: npt.NDArray[np.bool_] = np.diff(so_far[ends], prepend=0) > 0
    return has_listed


def _flags(array: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    flags: npt.NDArray[np.bool_] = array.to_numpy(zero_copy_only=False)
    return flags
