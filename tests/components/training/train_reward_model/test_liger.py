"""Liger's kernels give what the model's own modules give; they run on a CPU here, in Triton's interpreter."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from safetensors.torch import load_file

ROOT = Path(__file__).parents[4]
MISSING = [name for name in ("triton", "liger_kernel") if find_spec(name) is None]


@pytest.mark.slow
@pytest.mark.skipif(
    bool(MISSING) and os.environ.get("THEMIS_REQUIRE_LIGER") != "1",
    reason=f"no {' and no '.join(MISSING)}: run `make liger`",
)
def test_liger_in_the_interpreter_gives_what_the_plain_modules_give(tmp_path: Path) -> None:
    module = "tests.components.training.train_reward_model.liger_interpreted"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-m", module, str(tmp_path)], cwd=ROOT, env=environment, check=True)
    ran = json.loads((tmp_path / "kernels.json").read_text())
    for part in ("rms_norm_forward", "rms_norm_backward", "swiglu_forward", "swiglu_backward", "rope"):
        assert any(part in name for name in ran), f"{part} is not among {ran}"
    assert any("cross_entropy" in name for name in ran), ran
    plain, liger = (load_file(tmp_path / f"{side}.safetensors") for side in ("plain", "liger"))
    assert liger.keys() == plain.keys()
    for name, wanted in plain.items():
        error = (liger[name] - wanted).abs().max() / wanted.abs().max()
        assert error < 1e-5, f"{name}: {error}"
