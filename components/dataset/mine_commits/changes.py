"""Whether a commit changes the contents of exactly one regular file, and why not.

Source: facts/dataset.md section 3, with the repair of section 16.1 rows 1 and 2: all differences of the commit
are counted, also those of added, deleted and renamed files.
"""

from themis_common.git import Commit, Difference
from themis_common.git.history import REGULAR_MODES, SUBMODULE_MODE, SYMLINK_MODE

REASONS = (
    "root",
    "merge",
    "differences_truncated",
    "empty_commit",
    "multi_file",
    "rename",
    "submodule",
    "symlink",
    "add_or_delete",
    "mode_only",
    "path_not_utf8",
    "text_too_large",
)


def why_no_single_change(commit: Commit) -> str | None:
    """The reason (one of REASONS) why the commit is no change of one file, or None where it is one."""
    if not commit.parents:
        return "root"
    if len(commit.parents) > 1:
        return "merge"
    if commit.num_differences is None:
        return "differences_truncated"
    if not commit.num_differences:
        return "empty_commit"
    if commit.num_differences > 1:
        return "rename" if _is_rename(commit.differences) else "multi_file"
    return _why_no_modification(commit.differences[0]) or ("text_too_large" if commit.is_cut else None)


def _is_rename(differences: tuple[Difference, ...]) -> bool:
    """One file went and one with the same contents came."""
    if sorted(difference.status for difference in differences) != ["A", "D"]:
        return False
    added, deleted = sorted(differences, key=lambda difference: difference.status)
    return added.new_blob == deleted.old_blob


def _why_no_modification(difference: Difference) -> str | None:
    modes = {difference.old_mode, difference.new_mode}
    if SUBMODULE_MODE in modes:
        return "submodule"
    if SYMLINK_MODE in modes:
        return "symlink"
    if not modes <= REGULAR_MODES:
        return "add_or_delete"
    if difference.old_blob == difference.new_blob:
        return "mode_only"
    try:
        difference.path.decode("utf-8")
    except UnicodeDecodeError:
        return "path_not_utf8"
    return None
