"""GPUs by name, and what people write for their memory.

Source: data sheets of the makers, and the machine types that clouds rent them in (facts/kubeflow.md names those); dense
bfloat16 FLOP/s; memory in decimal bytes as it is sold. What a driver shows is up to 7 % more, which the plan leaves as
slack.
"""

import re
from dataclasses import dataclass

from themis_common.errors import UserError

_FACTORS = {"": 1e9, "G": 1e9, "GB": 1e9, "GI": 2**30, "GIB": 2**30, "T": 1e12, "TB": 1e12}
_GIGA = 10**9


@dataclass(frozen=True, slots=True)
class Gpu:
    """One kind of GPU.

    Attributes:
        memory: bytes.
        flops: dense bfloat16 FLOP/s.
        host_memory: bytes that a rented machine has for each such GPU.
    """

    memory: int
    flops: float
    host_memory: int


GPUS: dict[str, Gpu] = {
    "l4": Gpu(24 * _GIGA, 121e12, 48 * _GIGA),
    "a100-40g": Gpu(40 * _GIGA, 312e12, 85 * _GIGA),
    "a100-80g": Gpu(80 * _GIGA, 312e12, 170 * _GIGA),
    "h100": Gpu(80 * _GIGA, 989e12, 234 * _GIGA),
    "h200": Gpu(141 * _GIGA, 989e12, 369 * _GIGA),
    "b200": Gpu(180 * _GIGA, 2250e12, 496 * _GIGA),
}


def kind_with(memory: int) -> str:
    """The fastest kind among those of the least memory that is enough; the largest kind where none has so much."""
    enough = [name for name, gpu in GPUS.items() if gpu.memory >= memory]
    least = min((GPUS[name].memory for name in enough), default=0)
    matching = [name for name in enough if GPUS[name].memory == least] or list(GPUS)
    return max(matching, key=lambda name: GPUS[name].flops)


def parse_memory(text: str, flag: str) -> int:
    """Bytes of `24G`, `80GB`, `22.5GiB`; a number alone is gigabytes.

    Raises:
        UserError: it is no amount of memory.
    """
    found = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]*)", text.strip())
    try:
        number = float(found[1]) if found else 0.0
    except ValueError:
        number = 0.0
    factor = _FACTORS.get(found[2].upper()) if found else None
    if not number or factor is None:
        raise UserError(f"{flag} {text}: write gigabytes like 24G, or 22.5GiB")
    return round(number * factor)
