"""Time and memory of work on a device that runs behind the host."""

import gc
import time
from collections.abc import Callable

import torch


def synchronised(device: torch.device) -> float:
    """Seconds on a clock, once the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def seconds_of(work: Callable[[], object], device: torch.device, repetitions: int = 10) -> float:
    """The median of so many runs, after three that warm up."""
    for _ in range(3):
        work()
    taken = []
    for _ in range(repetitions):
        start = synchronised(device)
        work()
        taken.append(synchronised(device) - start)
    return sorted(taken)[len(taken) // 2]


def forget(device: torch.device) -> None:
    """Give back what nothing refers to any more, and count the peak from here."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_gib(device: torch.device) -> float:
    """Largest memory in use since `forget`; 0 on a CPU."""
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0
