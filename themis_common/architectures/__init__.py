"""Reward-model architectures: the registry, the published models, and recognising a checkpoint.

A row says what differs between architectures; the code that scores is one. Nothing here imports torch before it has to,
so that plans and command lines can look names up.
"""

from themis_common.architectures.architecture import Architecture
from themis_common.architectures.registry import ARCHITECTURES, AUTO, architecture

__all__ = ["ARCHITECTURES", "AUTO", "Architecture", "architecture"]
