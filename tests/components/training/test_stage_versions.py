"""Outputs of the training stages on fixed inputs: a change of bytes must come with a new stage version.

Weights are left out, because their last bits belong to the machine; what the tokenizer learns and what packing makes
of it do not.
"""

import hashlib
import json
from pathlib import Path

from components.training.pack_pairs.stage import STAGE as PACK
from components.training.pack_pairs.stage import PackPairsConfig
from components.training.prepare_base_model.stage import STAGE as PREPARE
from components.training.prepare_base_model.stage import PrepareBaseModelConfig
from tests.components.training.conftest import MakePairs, WriteDataset
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import MODEL_FILES, PAIRS
from themis_common.stages import run_stage


def test_outputs_are_those_of_the_declared_versions(
    tmp_path: Path, write_dataset: WriteDataset, make_pairs: MakePairs
) -> None:
    pairs = write_dataset("pairs", PAIRS, make_pairs(20))
    base = run_stage(PREPARE, PrepareBaseModelConfig(), {"pairs/code": pairs}, str(tmp_path / "base"))
    files = DatasetReader(base.uri, MODEL_FILES)
    with files.open_file("tokenizer.json") as stream:
        tokenizer = hashlib.sha256(stream.read()).hexdigest()
    with files.open_file("config.json") as stream:
        config = json.load(stream)
    shape = [config[key] for key in ("hidden_size", "head_dim", "num_attention_heads", "num_key_value_heads")]
    inputs = {"pairs": pairs, "model": base.uri}
    packed = run_stage(PACK, PackPairsConfig(), inputs, str(tmp_path / "packed"))
    assert [
        (PREPARE.version, tokenizer[:16], shape),
        (PACK.version, packed.manifest.content_digest[:16]),
    ] == [(2, "9c83aa0e0564d078", [64, 32, 2, 1]), (2, "28731e0927cd0f65")]
