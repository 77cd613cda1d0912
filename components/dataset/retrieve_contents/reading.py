"""From a repository's blobs to a row with contents, or to the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.dataset.retrieve_contents.contents import Texts, read_texts
from themis_common.git import BlobReader, Damaged, Missing, TooLarge
from themis_common.stages import UnitOutput


@dataclass(frozen=True, slots=True)
class Unserved:
    """Why a repository did not serve both versions of a file; another one may."""

    reason: str
    detail: str


REASONS = ("repo_gone", "blob_missing", "blob_damaged", "too_large")


def serve(row: Mapping[str, Any], name: str, reader: BlobReader, output: UnitOutput) -> Unserved | None:
    """Emit `row` with the contents that the repository `name` has of it, or drop it for what they are.

    Returns:
        why neither was done, and other repositories are to be tried; None where one was.
    """
    found = _read_both(reader, row["old_blob"], row["new_blob"])
    if isinstance(found, str):
        return Unserved(found, f"{name} {row['old_blob']} {row['new_blob']}")
    texts = read_texts(*found)
    if isinstance(texts, Texts):
        output.emit({**row, "repo": name, "old_contents": texts.old, "new_contents": texts.new})
    else:
        # another repository would serve the same bytes
        output.drop(row["row_key"], texts.reason, f"{texts.side} {row['path']}")
    return None


def _read_both(reader: BlobReader, old_blob: str, new_blob: str) -> tuple[bytes, bytes] | str:
    """The bytes of both versions, or the reason why this repository does not serve them."""
    contents = []
    for blob in (old_blob, new_blob):
        match reader.read(blob):
            case bytes() as data:
                contents.append(data)
            case Missing():
                return "blob_missing"
            case Damaged():
                return "blob_damaged"
            case TooLarge():
                return "too_large"
    old, new = contents
    return old, new
