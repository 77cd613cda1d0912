"""Stages are planned where no torch is installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
STAGES = ("prepare_base_model", "pack_pairs", "train_reward_model", "export_model")


def test_stages_import_without_torch_and_transformers() -> None:
    imports = "\n".join(f"import components.training.{stage}.stage" for stage in STAGES)
    check = "import sys; sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    assert (
        subprocess.run([sys.executable, "-c", f"{imports}\n{check}"], cwd=ROOT, check=False).returncode == 0
    )
