"""Documents per CPU second of near-deduplication, end to end: ours against datasketch, rensa and the published code.

What: from documents to the set of removed ones, at the published setting (shingles of 5 words, 256 permutations,
threshold 0.7). Ours is what the stage's rounds do: read parquet, sign and write the signatures, link candidates by
ranges of band keys, verify every candidate by exact similarity, write what goes. The others have the texts in memory,
write nothing, and stop at signatures and clusters (`clusters.py`, the cheapest use of each), with the published bands.
The corpus is `code_corpus.py`.

How to read it: "ours / x" above 1 is how much faster ours is. False removals have no document at the threshold at all,
residual documents were kept although another kept one is; both are judged by exact Jaccard similarity of word shingles
(`exact_duplicates.py`), which the published code, with blanks among its tokens, does not compute. Quality is asserted,
speed is reported.
"""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.duplicates import DUPLICATES
from components.dataset.deduplicate.stage import STAGE
from tests.benchmarks.clusters import SHINGLE_SIZE
from tests.benchmarks.code_corpus import code_corpus
from tests.benchmarks.exact_duplicates import ExactDuplicates
from tests.benchmarks.measure import Case, Peer, interleaved, timed, why_no_peer
from tests.benchmarks.peers.sketches import datasketch_default
from tests.benchmarks.published_deduplication import published_deduplication
from tests.benchmarks.report import Report, Table, at_least
from tests.benchmarks.synthetic_changes import write_documents
from themis_common.datasets.reader import DatasetReader
from themis_common.stages import run_stage
from themis_common.stages.rounds import parts_of

pytestmark = pytest.mark.slow

NUM_DOCUMENTS = 3000
SEEDS = (7, 8, 9)
"""Quality is judged on a corpus of each, speed on the first."""
REPETITIONS = 3
OURS, DATASKETCH, PUBLISHED = "ours", "datasketch bulk, default hash", "published algorithm"
IN_PEERS = ("datasketch bulk, xxh32", "rensa R-MinHash")
TARGETS = {DATASKETCH: 4.0, PUBLISHED: 8.0, "datasketch bulk, xxh32": 2.6, "rensa R-MinHash": 1.5}
MOST_RESIDUAL = 0.001


def ours(source: str, folder: Path) -> list[int]:
    """What the rounds of the stage decide on, from a dataset and by way of datasets in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    *rounds, _ = parts_of(STAGE, {"changes": source}, str(folder))
    for part in rounds:
        run_stage(part.stage, DeduplicateConfig(), part.inputs, part.output)
    duplicates = DatasetReader(rounds[-1].output, DUPLICATES)
    return sorted(int(row["row_key"], 16) for row in duplicates.rows(columns=["row_key"]))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_distinct_goes_and_nothing_alike_stays(seed: int, tmp_path: Path) -> None:
    documents = code_corpus(NUM_DOCUMENTS, seed)
    truth = ExactDuplicates(documents, SHINGLE_SIZE, DeduplicateConfig().threshold)
    verdict = truth.judge(ours(write_documents(tmp_path / "in", documents), tmp_path / "out"))
    print(f"\nseed {seed}: {verdict}")
    assert verdict.removed > 200
    assert verdict.false == 0
    assert verdict.residual <= MOST_RESIDUAL * NUM_DOCUMENTS


def test_near_deduplication(report: Report, tmp_path: Path) -> None:
    documents = code_corpus(NUM_DOCUMENTS, SEEDS[0])
    source = write_documents(tmp_path / "in", documents)
    truth = ExactDuplicates(documents, SHINGLE_SIZE, DeduplicateConfig().threshold)
    cases: dict[str, Case] = {
        OURS: timed(lambda: ours(source, tmp_path / "out")),
        DATASKETCH: timed(lambda: datasketch_default(documents)),
        PUBLISHED: timed(lambda: published_deduplication(documents)),
    }
    missing = why_no_peer("datasketch", "rensa", "xxhash")
    with ExitStack() as stack:
        if not missing:
            (tmp_path / "documents.json").write_text(json.dumps(documents))
            peer = Peer("tests.benchmarks.peers.sketches", [str(tmp_path / "documents.json")])
            stack.enter_context(peer)
            cases |= {name: peer.case(name) for name in IN_PEERS}
        samples = interleaved(cases, REPETITIONS)

    verdicts = {name: truth.judge(sample.result) for name, sample in samples.items()}
    rows = []
    for name, sample in samples.items():
        ratio = sample.cpu / samples[OURS].cpu
        verdict = verdicts[name]
        rows.append(
            (
                name,
                f"{NUM_DOCUMENTS / sample.cpu:,.0f}",
                at_least(ratio, TARGETS[name]) if name in TARGETS else f"{ratio:.3g}",
                f"{verdict.removed:,}",
                f"{verdict.false:,}",
                f"{verdict.residual:,}",
            )
        )
    rows += [(name, f"not run: {missing}", *[""] * 4) for name in IN_PEERS if missing]
    report.add(
        Table(
            title=f"Near-deduplication: {NUM_DOCUMENTS:,} code documents, {sum(map(len, documents)) / 1e6:.1f} MB",
            columns=("method", "documents / CPU s", "ours / x", "removed", "false", "residual"),
            rows=rows,
            notes=[
                "Ours reads and writes parquet and verifies every candidate by exact similarity; the others do not.",
                "The targets are what a kernel compiled by numba is worth (facts/data_eval_peers.md section A.2). "
                "Compiling happens in the first run at most, so the smallest sample leaves it out.",
            ],
        )
    )
    assert verdicts[PUBLISHED].false > 0
