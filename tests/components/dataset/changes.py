"""Small changes for tests of the stages that rate, judge and assemble."""

from typing import Any

from themis_common.hashing import row_key
from themis_common.taxonomy import Criterion

OLD = '"""Find users by name."""\n\ndef find(db, name):\n    return db.execute("SELECT * WHERE n = \'" + name + "\'")\n'
NEW = '"""Find users by name."""\n\ndef find(db, name):\n    return db.execute("SELECT * WHERE n = ?", (name,))\n'


def classified(commit: str, **values: Any) -> dict[str, Any]:
    """A classified change that fixes an injection, with any values replaced."""
    row = {
        "row_key": row_key(commit, "find.py"),
        "commit": commit,
        "parent": f"parent of {commit}",
        "repos": ["acme/shop"],
        "licenses": ["mit"],
        "subject": "Fix SQL injection",
        "message": "Fix SQL injection\n",
        "path": "shop/find.py",
        "old_blob": "0" * 40,
        "new_blob": "1" * 40,
        "unix_time": 1500000000,
        "language": "Python",
        "repo": "acme/shop",
        "old_contents": OLD,
        "new_contents": NEW,
        "criteria": ["Security_Hardness"],
        "terms": ["injection"],
    }
    return {**row, **values}


def rated(commit: str, **values: Any) -> dict[str, Any]:
    """The same after rating."""
    change = classified(commit)
    row = {name: value for name, value in change.items() if name not in {"criteria", "terms"}}
    criterion = Criterion.SECURITY_HARDNESS.key
    row |= {
        "row_key": row_key(change["row_key"], criterion),
        "criterion": criterion,
        "ratings": [5, 5, 5],
        "rating": 5.0,
        "summary": "parameters instead of text",
        "style": "quora question",
        "instruction": f"How would you find users by name, case {commit}?",
        "engine": "rules",
    }
    return {**row, **values}


def judged(commit: str, **values: Any) -> dict[str, Any]:
    """The same after judging."""
    counts = {"num_matches": 8, "num_contradictions": 0, "num_ties": 0, "num_errors": 0}
    return {**rated(commit), **counts, **values}
