"""Near-deduplication with the sketches of other packages.

`python -m tests.benchmarks.peers.sketches DOCUMENTS` (a JSON list), in the peers' environment, serves what needs a
package that the project has not. All of them take words as tokens, sets of five words as shingles, 256 permutations
and the published bands.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from datasketch import MinHash

from tests.benchmarks.clusters import PERMUTATIONS, SHINGLE_SIZE, removed_by_clusters
from tests.benchmarks.measure import serve

_WORD = re.compile(r"[A-Za-z_0-9]+")
_SEED = 77


def main(documents: Sequence[str]) -> None:
    """Serve the cases."""
    serve(
        {
            "datasketch bulk, xxh32": lambda: datasketch_xxh32(documents),
            "rensa R-MinHash": lambda: rensa_sketches(documents),
        }
    )


def datasketch_xxh32(documents: Sequence[str]) -> list[int]:
    """MinHash.bulk with the fastest hash that datasketch takes."""
    import xxhash

    sketches = MinHash.bulk(
        _shingle_bytes(documents), num_perm=PERMUTATIONS, seed=_SEED, hashfunc=xxhash.xxh32_intdigest
    )
    return removed_by_clusters({number: sketch.hashvalues for number, sketch in enumerate(sketches)})


def datasketch_default(documents: Sequence[str]) -> list[int]:
    """MinHash.bulk as it comes (SHA-1)."""
    sketches = MinHash.bulk(_shingle_bytes(documents), num_perm=PERMUTATIONS, seed=_SEED)
    return removed_by_clusters({number: sketch.hashvalues for number, sketch in enumerate(sketches)})


def rensa_sketches(documents: Sequence[str]) -> list[int]:
    """R-MinHash over lists of shingles."""
    import rensa

    shingles = [list(shingles) for shingles in _shingles(documents)]
    matrix = rensa.RMinHash.digest_matrix_from_token_sets(shingles, PERMUTATIONS, _SEED)
    rows = np.array(matrix.to_rows(), dtype=np.uint32)
    return removed_by_clusters(dict(enumerate(rows)))


def _shingles(documents: Sequence[str]) -> Iterator[set[str]]:
    for document in documents:
        words = _WORD.findall(document)
        yield {
            " ".join(words[start : start + SHINGLE_SIZE]) for start in range(len(words) - SHINGLE_SIZE + 1)
        }


def _shingle_bytes(documents: Sequence[str]) -> Iterator[list[bytes]]:
    for shingles in _shingles(documents):
        yield [shingle.encode() for shingle in shingles]


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
