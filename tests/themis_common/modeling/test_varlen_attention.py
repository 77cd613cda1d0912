"""How the variable-length kernel is called: plain attention stands in for it, as it runs on GPUs only."""

import inspect
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from themis_common.modeling import attention
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.token_pair import TokenPair

SCALE = 0.3


def grouped_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor,
    max_q: int,
    max_k: int,
    *,
    scale: float,
    window_size: tuple[int, int],
) -> Tensor:
    """The contract of torch 2.11's `varlen_attn`: (T, H, D), causal from the lower right, grouped heads unasked."""
    left, right = window_size
    assert right == 0
    assert max_q == cu_seq_q.diff().max()
    assert max_k == cu_seq_k.diff().max()
    parts = []
    for number in range(len(cu_seq_q) - 1):
        q, k, v = (
            tensor[cu[number] : cu[number + 1]].transpose(0, 1)
            for tensor, cu in ((query, cu_seq_q), (key, cu_seq_k), (value, cu_seq_k))
        )
        ahead = torch.arange(k.shape[1]) - torch.arange(k.shape[1] - q.shape[1], k.shape[1])[:, None]
        seen = (ahead <= 0) & ((ahead >= -left) if left >= 0 else True)
        parts.append(scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=scale, enable_gqa=True))
    return torch.cat(parts, dim=1).transpose(0, 1)


def told_of_groups(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor,
    max_q: int,
    max_k: int,
    *,
    scale: float,
    window_size: tuple[int, int],
    enable_gqa: bool = False,
) -> Tensor:
    """The contract from torch 2.12 on."""
    assert enable_gqa == (query.shape[1] != key.shape[1]), "grouped heads want the flag"
    return grouped_attention(
        query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale=scale, window_size=window_size
    )


@pytest.fixture
def calls_kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Tensor]], None]:
    def install(kernel: Callable[..., Tensor]) -> None:
        monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", kernel)
        monkeypatch.setattr(attention, "_activate_faster_flash", lambda device: None)

    return install


@pytest.mark.parametrize("window", [None, 5])
@pytest.mark.parametrize("key_heads", [2, 4])
@pytest.mark.parametrize("kernel", [grouped_attention, told_of_groups])
def test_one_call_gives_what_a_call_for_each_segment_gives(
    calls_kernel: Callable[[Callable[..., Tensor]], None],
    pairs: list[TokenPair],
    kernel: Callable[..., Tensor],
    key_heads: int,
    window: int | None,
) -> None:
    calls_kernel(kernel)
    pack = pack_pairs(pairs)
    generator = torch.Generator().manual_seed(3)
    query, key, value = (
        torch.randn(1, heads, len(pack.token_ids), 8, generator=generator)
        for heads in (4, key_heads, key_heads)
    )
    expected = attention._attend_each(query, key, value, pack.segments, SCALE, window)
    found = attention._attend_varlen(query, key, value, pack.segments, SCALE, window)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_kernel_is_asked_only_once_what_it_takes(
    calls_kernel: Callable[[Callable[..., Tensor]], None],
    pairs: list[TokenPair],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def kernel(*args: Tensor, enable_gqa: bool = False, **options: object) -> Tensor:
        return args[0]

    def signature(asked_of: Callable[..., object]) -> inspect.Signature:
        asked.append(asked_of)
        return inspect.Signature.from_callable(asked_of)

    calls_kernel(kernel)
    monkeypatch.setattr(inspect, "signature", signature)
    pack = pack_pairs(pairs)
    rows = torch.zeros(1, 2, len(pack.token_ids), 8)
    for _ in range(3):
        attention._attend_varlen(rows, rows, rows, pack.segments, SCALE, None)
    assert asked == [kernel]
