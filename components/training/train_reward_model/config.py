"""What a training run is told.

Every item on which the paper, the published script and its README disagree is an option. The defaults are the paper's
second stage (PM); the first stage (PT) sets other values of the same options. Source: facts/training.md sections 0-1.
"""

from typing import Literal

from themis_common.config import config, option


@config
class TrainRewardModelConfig:
    """Objective, data order, optimiser, numerics, and how the work is spread."""

    # objective
    lm_weight: float = option(0.25, help="weight of the language-model term on chosen responses (lambda)")
    magnitude_weight: float = option(0.001, help="weight of the penalty on large rewards (mu)")
    magnitude_form: Literal["centre", "absolute"] = option(
        "centre",
        help="centre: (chosen + rejected)^2 of the paper; absolute: (|chosen| + |rejected|)^2 of the script",
    )
    margin: float = option(
        0.0, help="by how much a chosen reward is to exceed the rejected one, in the Bradley-Terry term"
    )
    reward_head: Literal["carry", "zero"] = option(
        "carry",
        help="carry: go on with the reward head of the input model, if it has one; zero: start with a new one",
    )

    # data
    seed: int = option(42, help="seed of the order of pairs", shared="seed")
    epochs: int = option(1, help="passes over the training pairs")
    global_batch: int = option(512, help="pairs of one optimiser step, over all ranks")

    if_empty: Literal["refuse", "hand_on"] = option(
        "refuse", help="without a training pair: end with an error, or hand the model on as it came"
    )

    # optimiser and schedule
    learning_rate: float = option(1e-5, help="peak learning rate")
    schedule: Literal["cosine", "warmup_stable_decay"] = option(
        "cosine", help="cosine: warm-up, then cosine to the floor; warmup_stable_decay: the script's"
    )
    warmup_ratio: float = option(0.05, help="share of the steps in which the learning rate rises")
    stable_ratio: float = option(0.0, help="share of the steps at the peak, for warmup_stable_decay")
    floor_ratio: float = option(0.05, help="last learning rate as a share of the peak")
    warmup_from: Literal["zero", "floor"] = option(
        "zero", help="where the warm-up starts; the script's starts at the floor"
    )
    schedule_processes: int = option(
        1,
        help="processes of the run whose warmup_stable_decay is repeated; its phases end at parts of a step",
    )
    beta1: float = option(0.9, help="AdamW: decay of the mean of gradients")
    beta2: float = option(0.95, help="AdamW: decay of the mean of squared gradients; the script has 0.999")
    epsilon: float = option(1e-8, help="AdamW: term that keeps the division finite")
    weight_decay: float = option(0.1, help="AdamW: decoupled weight decay; the script's launch file has 0.01")
    decay: Literal["matrices", "all"] = option("matrices", help="which weights decay; the script decays all")
    gradient_clip: float = option(1.5, help="largest gradient norm; 0 for no clipping, as in the script")

    # numerics
    compute_dtype: Literal["bfloat16", "float32"] = option(
        "bfloat16",
        help="dtype of forward and backward; weights, optimiser and reward head are float32 always",
    )
    reduce_dtype: Literal["float32", "bfloat16"] = option(
        "float32", help="dtype in which gradients are summed over ranks; the script sums in bfloat16"
    )
    save_dtype: Literal["float32", "bfloat16"] = option(
        "float32", help="dtype of the saved decoder; float32 hands the exact weights to the next stage"
    )

    # adapters
    lora_rank: int = option(
        0, help="train low-rank adapters of this rank on a frozen decoder, merged at the end; 0: train all"
    )
    lora_alpha: int = option(32, help="adapters are scaled by lora_alpha / lora_rank")
    lora_targets: tuple[str, ...] = option(
        (), help="names of the linear layers that get adapters, like q_proj; none: all of the decoder's"
    )

    # observation
    evaluate_every: int = option(
        0, help="steps between evaluations on the held-out pairs; 0: at the end only"
    )
    log_every: int = option(
        10,
        help="steps between looks at the numbers, the only time the host waits for a device; no step's are lost",
        affects_result=False,
    )
    trackers: tuple[Literal["tensorboard", "wandb"], ...] = option(
        (),
        help="where curves go besides lines of JSON; wandb takes its key from WANDB_API_KEY",
        affects_result=False,
    )
    log_folder: str = option(
        "",
        help="local folder for curves while training; empty: `log` beside the checkpoints, if those are on a disk",
        affects_result=False,
    )
    peak_tflops: float = option(
        0.0,
        help="TFLOP/s of one device at best, for the fraction of the limit; 0: of known GPUs by name",
        affects_result=False,
    )
    spike_factor: float = option(
        10.0,
        help="a loss this many robust standard deviations, and 1 nat, above the median before stops the run; 0: never",
        affects_result=False,
    )
    spike_window: int = option(50, help="steps that the median is taken from", affects_result=False)

    # how the work is done, which changes no more than the last bits of a result
    processes: int = option(
        0,
        help="processes to start on this machine; 0: one for each GPU, or one on a CPU",
        affects_result=False,
    )
    launcher: Literal["torchrun", "accelerate"] = option(
        "torchrun", help="what starts the processes", affects_result=False
    )
    accelerate_config: str = option(
        "",
        help="file of `accelerate config` that the run must agree with; empty: only the rendered one",
        affects_result=False,
    )
    threads: int = option(1, help="CPU threads of each process", affects_result=False)
    device: Literal["auto", "cpu", "cuda"] = option("auto", help="where to compute", affects_result=False)
    max_tokens_per_pack: int = option(
        16384, help="packed tokens that one process computes on at once; bounds memory", affects_result=False
    )
    pad_packs_to: int = option(
        1,
        help="fill packs up to a multiple of this many tokens, so that few lengths occur and memory is used again",
        affects_result=False,
    )
    shard_size: int = option(
        0,
        help="neighbouring processes that share one copy of weights and optimiser; 0: all of them",
        affects_result=False,
    )
    offload: bool = option(
        False, help="keep weights and optimiser in CPU memory and update them there", affects_result=False
    )
    recompute: Literal["none", "layer", "selective"] = option(
        "none",
        help="what backward computes again; selective: all but matrix products and attention",
        affects_result=False,
    )
    kernels: Literal["plain", "liger", "compile"] = option(
        "plain",
        help="plain: the model's own modules; liger: fused GPU kernels; compile: torch.compile of each layer",
        affects_result=False,
    )
    save_every: int = option(50, help="steps between checkpoints", affects_result=False)
    checkpoints: str = option(
        "",
        help="folder for checkpoints: local, mounted or gs://; empty: the stage's workspace",
        affects_result=False,
    )
    keep_checkpoints: int = option(2, help="checkpoints that stay", affects_result=False)
    collective_minutes: float = option(
        30.0, help="minutes after which a silent rank fails the run", affects_result=False
    )

    def __post_init__(self) -> None:
        self._check_ranges()
        self._check_what_goes_together()

    def _check_ranges(self) -> None:
        _at_least(
            1,
            epochs=self.epochs,
            global_batch=self.global_batch,
            keep_checkpoints=self.keep_checkpoints,
            log_every=self.log_every,
            lora_alpha=self.lora_alpha,
            max_tokens_per_pack=self.max_tokens_per_pack,
            pad_packs_to=self.pad_packs_to,
            save_every=self.save_every,
            schedule_processes=self.schedule_processes,
            spike_window=self.spike_window,
            threads=self.threads,
        )
        _at_least(
            0,
            evaluate_every=self.evaluate_every,
            gradient_clip=self.gradient_clip,
            lm_weight=self.lm_weight,
            lora_rank=self.lora_rank,
            magnitude_weight=self.magnitude_weight,
            margin=self.margin,
            peak_tflops=self.peak_tflops,
            processes=self.processes,
            shard_size=self.shard_size,
            spike_factor=self.spike_factor,
            weight_decay=self.weight_decay,
        )
        _above_zero(
            learning_rate=self.learning_rate, epsilon=self.epsilon, collective_minutes=self.collective_minutes
        )
        _share(
            beta1=self.beta1,
            beta2=self.beta2,
            floor_ratio=self.floor_ratio,
            stable_ratio=self.stable_ratio,
            warmup_ratio=self.warmup_ratio,
        )

    def _check_what_goes_together(self) -> None:
        if self.warmup_ratio + self.stable_ratio > 1:
            raise ValueError("warmup_ratio and stable_ratio sum to more than 1")
        if self.max_tokens_per_pack % self.pad_packs_to:
            raise ValueError(
                "max_tokens_per_pack must be a multiple of pad_packs_to, or full packs would outgrow it"
            )
        if self.stable_ratio and self.schedule == "cosine":
            raise ValueError(
                "stable_ratio has no meaning for the cosine schedule: set 0 or take warmup_stable_decay"
            )
        if self.schedule_processes > 1 and self.schedule == "cosine":
            raise ValueError(
                "schedule_processes has no meaning for the cosine schedule: set 1 or take warmup_stable_decay"
            )
        if self.accelerate_config and self.launcher != "accelerate":
            raise ValueError("accelerate_config is set, but launcher is not accelerate: set it, too")
        if self.lora_targets and not self.lora_rank:
            raise ValueError("lora_targets has no meaning without adapters: set lora_rank")
        if self.kernels == "compile" and self.recompute == "selective":
            raise ValueError(
                "recompute selective cannot see into what kernels compile makes: take recompute layer or none"
            )


def _at_least(least: int, **values: float) -> None:
    for name, value in values.items():
        if value < least:
            raise ValueError(f"{name} must be at least {least}, found {value}")


def _above_zero(**values: float) -> None:
    for name, value in values.items():
        if value <= 0:
            raise ValueError(f"{name} must be above 0, found {value}")


def _share(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be between 0 and 1, found {value}")
