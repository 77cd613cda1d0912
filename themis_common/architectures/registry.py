"""All architectures by name."""

from themis_common.architectures.architecture import Architecture
from themis_common.architectures.generative import GENERATIVE
from themis_common.architectures.scalar import SCALAR
from themis_common.errors import UserError

_BASELINES = (
    Architecture(
        name="longer-response",
        description="no model: the longer response wins (characters); shows how far length alone goes",
        kind="baseline",
    ),
)

ARCHITECTURES: dict[str, Architecture] = {row.name: row for row in (*SCALAR, *GENERATIVE, *_BASELINES)}

AUTO = "auto"
"""In place of a name: whatever the checkpoint's configuration and tensors show it to be."""


def architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        UserError: there is none; lists the names.
    """
    if name not in ARCHITECTURES:
        raise UserError(f"unknown architecture {name!r}: use one of {', '.join(ARCHITECTURES)}, or {AUTO}")
    return ARCHITECTURES[name]
