"""What one cell is told."""

from typing import Literal

from themis_common.architectures import architecture
from themis_common.config import config, option


@config
class ScoreBenchmarkConfig:
    """The cell, and how its model is run. In a pipeline the first three values come from the cell's row of the plan."""

    cell: str = option("model", help="id of the cell; the name of its rows")
    architecture: str = option("seqcls", help="how the model is loaded and read out")
    prompt_mode: Literal["none", "all", "criterion"] = option(
        "criterion", help="criteria named in the system prompt: none, all five, or the row's own"
    )
    seed: int = option(7, help="seed of the random head of an untrained model", shared="seed")
    max_tokens: int = option(
        4096, help="longest conversation in tokens; longer ones are the typed failure too_long, never cut"
    )
    batch_tokens: int = option(4096, help="padded tokens of one batch; bounds memory")
    device: Literal["auto", "cpu", "cuda"] = option("auto", help="where to compute", affects_result=False)
    # Matrix products are cut up among threads, which changes the order of their sums.
    threads: int = option(1, help="CPU threads; other numbers change the last bits of scores")

    def __post_init__(self) -> None:
        architecture(self.architecture)
        for name in ("max_tokens", "batch_tokens", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
