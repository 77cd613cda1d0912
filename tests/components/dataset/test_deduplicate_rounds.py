"""The rounds of deduplication: what each leaves, in however many parts and attempts."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.contents import read_contents
from components.dataset.deduplicate.duplicates import DUPLICATES
from components.dataset.deduplicate.links import LINKS
from components.dataset.deduplicate.parts import in_part
from components.dataset.deduplicate.signatures import SIGNATURES, band_keys_of, content_numbers
from components.dataset.deduplicate.stage import CLUSTERS, STAGE
from tests.components.dataset.mined import change_row
from tests.components.dataset.test_deduplicate import digests_of, families, kept, rows_of, words
from tests.components.dataset.written import write_dataset
from tests.fixtures import word_shingles
from themis_common.datasets.reader import DatasetReader
from themis_common.progress import Progress
from themis_common.schemas import CHANGES
from themis_common.stages import Context, map_units, plan_units, run_stage
from themis_common.stages.rounds import parts_of
from themis_common.store import open_store
from themis_common.text.components import connect

CONFIG = DeduplicateConfig(rows_at_once=9)
"""60 rows are dealt with in seven parts."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    texts = [*families(5), "x = 1", "x = 1", ""]
    return write_dataset(tmp_path_factory.mktemp("source"), CHANGES, rows_of(texts), shards=3)


@pytest.fixture(scope="module")
def inputs(source: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, DatasetReader]:
    """What the last round reads."""
    output = str(tmp_path_factory.mktemp("rounds"))
    for part in parts_of(STAGE, {"changes": source}, output)[:2]:
        run_stage(part.stage, CONFIG, part.inputs, part.output)
    uris = parts_of(STAGE, {"changes": source}, output)[2].inputs
    return {
        name: DatasetReader(uris[name], schema)
        for name, schema in {"changes": CHANGES, "signatures": SIGNATURES, "links": LINKS}.items()
    }


def roots_of(links: DatasetReader) -> dict[int, int]:
    """The smallest content of the component of each linked content."""
    rows = list(links.rows())
    left, right = (np.array([row[name] for row in rows], dtype=np.uint64) for name in ("content", "linked"))
    nodes, roots = connect(left, right)
    return dict(zip(nodes.tolist(), roots.tolist(), strict=True))


def test_a_signature_tells_what_later_rounds_ask(inputs: dict[str, DatasetReader]) -> None:
    changes = {row["row_key"]: row for row in inputs["changes"].rows()}
    signatures = {row["row_key"]: row for row in inputs["signatures"].rows()}
    assert signatures.keys() == changes.keys()
    bands = CONFIG.signing().bands
    for key, row in signatures.items():
        text = changes[key]["new_contents"]
        assert row["num_bytes"] == len(text.encode())
        assert row["num_shingles"] == max(len(word_shingles.words(text)) - CONFIG.shingle_size + 1, 0)
        assert len(row["band_keys"]) == (8 * bands if row["num_shingles"] else 0)


def test_contents_that_share_a_band_key_are_in_one_component(inputs: dict[str, DatasetReader]) -> None:
    roots = roots_of(inputs["links"])
    assert len(inputs["links"].manifest.tables["data"].shards) == 7
    table = inputs["signatures"].batches()
    keys_of: dict[int, set[int]] = {}
    for batch in table:
        signed = batch.filter(batch["num_shingles"].to_numpy() > 0)
        numbers = content_numbers(signed["content"]).tolist()
        keys = band_keys_of(signed["band_keys"], CONFIG.signing().bands).tolist()
        keys_of |= {number: set(each) for number, each in zip(numbers, keys, strict=True)}
    sharing = [pair for pair in combinations(keys_of, 2) if keys_of[pair[0]] & keys_of[pair[1]]]
    assert len(sharing) > 30
    assert all(roots[left] == roots[right] for left, right in sharing)
    assert set(roots) == {content for pair in sharing for content in pair}


def test_every_row_is_in_one_part_with_its_whole_component(
    inputs: dict[str, DatasetReader], tmp_path: Path
) -> None:
    context = Context(
        config=CONFIG, inputs=inputs, workspace=open_store(tmp_path), scratch=tmp_path, progress=Progress("t")
    )
    parts = [read_contents(context, f"{part}/7").row_keys.to_pylist() for part in range(7)]
    part_of = {key: part for part, keys in enumerate(parts) for key in keys}
    assert sum(map(len, parts)) == len(part_of) == inputs["changes"].manifest.rows
    assert len(set(part_of.values())) > 3
    roots = roots_of(inputs["links"])
    parts_of_root: dict[int, set[int]] = {}
    for batch in inputs["signatures"].batches():
        numbers = content_numbers(batch["content"]).tolist()
        for key, number in zip(batch["row_key"].to_pylist(), numbers, strict=True):
            parts_of_root.setdefault(roots.get(number, number), set()).add(part_of[key])
    assert {len(used) for used in parts_of_root.values()} == {1}


def test_ranges_cut_all_numbers_into_parts_without_gaps() -> None:
    numbers = np.array([0, 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1], dtype=np.uint64)
    for parts in (1, 2, 3, 7, 1000):
        inside = [in_part(numbers, f"{part}/{parts}") for part in range(parts)]
        assert np.sum(inside, axis=0).tolist() == [1] * len(numbers)
        assert inside[0][0]
        assert inside[-1][-1]


def test_interrupted_anywhere_it_ends_alike(source: str, tmp_path: Path) -> None:
    def digests(output: str) -> dict[str, str]:
        return digests_of(DatasetReader(output, CHANGES))

    whole = run_stage(STAGE, CONFIG, {"changes": source}, str(tmp_path / "whole")).uri
    for stopped in range(4):
        output = str(tmp_path / str(stopped))
        parts = parts_of(STAGE, {"changes": source}, output)
        for part in parts[:stopped]:
            run_stage(part.stage, CONFIG, part.inputs, part.output)
        one = parts[stopped]
        units = plan_units(one.stage, CONFIG, one.inputs, one.output)
        # the last unit was worked through elsewhere, and the process died
        map_units(one.stage, CONFIG, one.inputs, one.output, units, [len(units) - 1])
        run_stage(STAGE, CONFIG, {"changes": source}, output)
        assert digests(output) == digests(whole)


def test_what_goes_is_told_once_with_what_stays(source: str, tmp_path: Path) -> None:
    output = run_stage(STAGE, CONFIG, {"changes": source}, str(tmp_path)).uri
    dataset = DatasetReader(output, CHANGES)
    uri = parts_of(STAGE, {"changes": source}, output)[2].output
    duplicates = list(DatasetReader(uri, DUPLICATES).rows())
    told = {(row["row_key"], row["kept_key"], row["similarity"]) for row in duplicates}
    clusters = dataset.side_rows("clusters", CLUSTERS)
    assert told == {(row["row_key"], row["kept_key"], row["similarity"]) for row in clusters}
    assert len(told) == len(duplicates) == dataset.manifest.counts.keys_in - dataset.manifest.rows


def test_a_key_is_kept_by_time_and_then_by_key_whatever_shard_it_is_in(tmp_path: Path) -> None:
    rows = [change_row(f"c{number}", new_contents=words("w"), unix_time=7) for number in range(40)]
    first = min(rows, key=lambda row: row["row_key"])
    for shards in (1, 8):
        source = write_dataset(tmp_path / f"in{shards}", CHANGES, rows, shards)
        output = run_stage(STAGE, CONFIG, {"changes": source}, str(tmp_path / f"out{shards}")).uri
        assert kept(DatasetReader(output, CHANGES)) == {first["commit"]}
