"""What one cell is told."""

from typing import Literal

from components.evaluation.score_benchmark.generative.config import JudgeConfig
from themis_common.architectures import AUTO, architecture
from themis_common.config import config, option
from themis_common.stages.shares import Share


@config
class ScoreBenchmarkConfig:
    """The cell, and how its model is run. In a pipeline the first three values come from the cell's row of the plan."""

    cell: str = option("model", help="id of the cell; the name of its rows")
    architecture: str = option(
        AUTO, help="how the model is loaded and read out (`themis models`); auto: as the checkpoint shows"
    )
    prompt_mode: Literal["none", "all", "criterion"] = option(
        "criterion", help="criteria named in the system prompt: none, all five, or the row's own"
    )
    # The digest of the texts identifies them; where their file lies does not matter.
    prompts: str = option(
        default="",
        help="file that `themis prompts import` wrote: score under the published wording; empty: under our own",
        affects_result=False,
        shared="prompts",
    )
    seed: int = option(7, help="seed of the random head of an untrained model", shared="seed")
    max_tokens: int = option(
        4096, help="longest conversation in tokens; longer ones are the typed failure too_long, never cut"
    )
    batch_tokens: int = option(
        8192, help="tokens computed at once, shared prefixes and padding counted as computed; bounds memory"
    )
    dtype: Literal["stored", "float32", "bfloat16"] = option(
        "stored", help="of the body, stored: as in the checkpoint, float16 run as bfloat16; heads are float32"
    )
    placement: Literal["one", "spread"] = option(
        "one",
        help="one device, or spread whole layers over all GPUs, then the CPU, then disk",
        affects_result=False,
    )
    device: Literal["auto", "cpu", "cuda"] = option("auto", help="where to compute", affects_result=False)
    # Batches are made of the whole benchmark and then dealt out, so that sharing changes no score.
    replicas: int = option(
        1,
        help="copies of the model that score side by side, each on GPUs of its own, or on CPU threads of its own",
        affects_result=False,
    )
    share: str = option(
        "0/1",
        help="i/n: score the i-th of n shares; tasks with one output share it, and the last to finish writes it",
        affects_result=False,
    )
    # Matrix products are cut up among threads, which changes the order of their sums.
    threads: int = option(1, help="CPU threads; other numbers change the last bits of scores")

    judge: JudgeConfig = option(
        default_factory=JudgeConfig, help="how a generative model is served and asked"
    )

    def __post_init__(self) -> None:
        if self.architecture != AUTO:
            architecture(self.architecture)
        for name in ("max_tokens", "batch_tokens", "threads", "replicas"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        Share.parse(self.share)
