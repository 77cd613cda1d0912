"""How large everything is: the shapes of the proof on an H200, and toy shapes that run the same code on a CPU."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import Qwen3Config

from tests.benchmarks.qwen3 import qwen3
from tests.fixtures.small_qwen3 import qwen3_config


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScale:
    """One model size.

    Attributes:
        pairs_per_step: of one optimiser step; the paper's share of one GPU (facts/training.md section 1).
        packs: tokens of a pack; the first is the one that comparisons use.
    """

    config: Callable[[], Qwen3Config]
    pairs_per_step: int
    packs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The sizes of one run.

    Attributes:
        kernels: what computes layers in the cases that are compared with others.
        length_factor: on the lengths of all pairs.
        warm_steps, steps: optimiser steps before and within the timed region.
        matrix_side: of the square product that gives the ceiling.
        copy_bytes: of the buffer that is copied.
        attention_pairs: of the pack on which attention is checked; `attention_tokens`: of the one it is timed on.
        heads: query heads, key/value heads and head dimension of these.
        labels: rows of the cross-entropy; `chunks`: how many at a time.
        scored_pairs: of the benchmark that is scored.
        smoke_hidden, smoke_pairs: width and training pairs of the model that every path is tried with.
        gradient_tolerance, kernel_tolerance: largest relative error of gradients and of attention.
    """

    device: torch.device
    compute_dtype: Literal["bfloat16", "float32"]
    kernels: Literal["liger", "plain"]
    models: Mapping[str, ModelScale]
    length_factor: float
    warm_steps: int
    steps: int
    matrix_side: int
    copy_bytes: int
    attention_pairs: int
    attention_tokens: int
    heads: tuple[int, int, int]
    labels: int
    chunks: tuple[int, ...]
    scored_pairs: int
    score_budget: int
    smoke_hidden: int
    smoke_pairs: int
    gradient_tolerance: float
    kernel_tolerance: float

    @property
    def dtype(self) -> torch.dtype:
        """Of forward and backward."""
        found: torch.dtype = getattr(torch, self.compute_dtype)
        return found


def scale_of(*, toy: bool) -> Scale:
    """The shapes of the proof, or toy shapes."""
    return _toy() if toy else _h200()


def _h200() -> Scale:
    """The proof itself: what fits on one H200 (139 GiB) and in calls of ten minutes."""
    return Scale(
        device=torch.device("cuda", 0),
        compute_dtype="bfloat16",
        kernels="liger",
        models={
            "0.6B": ModelScale(config=lambda: qwen3("0.6B"), pairs_per_step=64, packs=(32768, 16384)),
            "1.7B": ModelScale(config=_wider, pairs_per_step=64, packs=(16384, 32768)),
            "4B": ModelScale(config=lambda: qwen3("4B"), pairs_per_step=32, packs=(12288, 16384)),
        },
        length_factor=1.0,
        warm_steps=2,
        steps=4,
        matrix_side=8192,
        copy_bytes=4 << 30,
        attention_pairs=3,
        attention_tokens=16384,
        heads=(16, 8, 128),
        labels=8192,
        chunks=(512, 1024, 2048, 4096, 8192),
        scored_pairs=512,
        score_budget=32768,
        smoke_hidden=512,
        smoke_pairs=96,
        gradient_tolerance=0.2,
        kernel_tolerance=0.02,
    )


def _toy() -> Scale:
    """The same on a CPU within seconds: float32, no fused kernels, two narrow layers."""
    return Scale(
        device=torch.device("cpu"),
        compute_dtype="float32",
        kernels="plain",
        models={"toy": ModelScale(config=_narrow, pairs_per_step=8, packs=(1024, 512))},
        length_factor=0.03,
        warm_steps=1,
        steps=2,
        matrix_side=64,
        copy_bytes=1 << 20,
        attention_pairs=2,
        attention_tokens=256,
        heads=(4, 2, 16),
        labels=64,
        chunks=(16, 64),
        scored_pairs=8,
        score_budget=512,
        smoke_hidden=64,
        smoke_pairs=40,
        gradient_tolerance=1e-4,
        kernel_tolerance=1e-5,
    )


def _wider() -> Qwen3Config:
    """1.7B: layers, heads and vocabulary of 0.6B (facts/training.md section 1)."""
    config = qwen3("0.6B")
    config.hidden_size = 2048
    config.intermediate_size = 6144
    return config


def _narrow() -> Qwen3Config:
    return qwen3_config(vocabulary=512, hidden=64, mlp=192, max_position_embeddings=4096, pad_token_id=0)
