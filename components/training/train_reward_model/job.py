"""What the stage hands to the processes it starts: one JSON file with a configuration and local paths."""

import json
from dataclasses import dataclass
from pathlib import Path

from components.training.train_reward_model.config import TrainRewardModelConfig
from themis_common.config import as_values, load_config

MODEL = "model"
METRICS = "metrics.jsonl"
SPEED = "speed.jsonl"
"""What a finished run leaves in its output folder: the model folder, and one JSON object a line for each metric of what
was learned and of how fast that went."""

_PATHS = ("model", "pairs", "log", "output")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training run.

    Attributes:
        identity: digest of everything that affects the result; a checkpoint of another identity is refused.
        model: folder of the model to start from.
        pairs: the memory-mapped pairs (`pair_file.py`).
        checkpoints: location of a folder that outlives a killed attempt; any that a store serves.
        log: local folder for the curves while the run lasts.
        output: folder for the trained model; made anew by every attempt.
    """

    identity: str
    config: TrainRewardModelConfig
    model: Path
    pairs: Path
    checkpoints: str
    log: Path
    output: Path

    def write(self, path: Path) -> None:
        """Store the job."""
        document = {
            "identity": self.identity,
            "config": as_values(self.config),
            "checkpoints": self.checkpoints,
            **{name: str(getattr(self, name)) for name in _PATHS},
        }
        path.write_text(json.dumps(document, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Job":
        """Load a stored job."""
        document = json.loads(path.read_text())
        return cls(
            identity=document["identity"],
            config=load_config(TrainRewardModelConfig, document["config"], where=str(path)),
            checkpoints=document["checkpoints"],
            **{name: Path(document[name]) for name in _PATHS},
        )

    def failure_file(self, rank: int) -> Path:
        """Where a rank leaves the message of a user error."""
        return self.output.with_name(f"failure-{rank}.txt")

    def failure_files(self) -> list[Path]:
        """What the ranks of this node have left there."""
        return sorted(self.output.parent.glob("failure-*.txt"))

    @property
    def stopped_file(self) -> Path:
        """A mark that a rank of this node leaves when the run was told to stop, on whichever node, and has saved."""
        return self.output.with_name("stopped")
