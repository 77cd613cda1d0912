"""What a reward-model architecture is: a row of the registry. Nothing here imports torch."""

from dataclasses import dataclass, field
from typing import Literal

from themis_common.architectures.heads import Head, Setting
from themis_common.images import ImageName

Kind = Literal["scalar", "generative", "baseline"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """The decoder whose hidden states are read.

    Attributes:
        model_types: `model_type` values of config.json; empty: any decoder that transformers knows.
        prefixes: what the names of its tensors start with in the checkpoint; the first that is found counts. Empty:
            what the class of transformers calls it.
        layout: how its tensors are named and cut: as transformers does, or as InternLM2's own code does.
        unread: tensors beside body and head that may be stored and that no score depends on.
    """

    model_types: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    layout: Literal["transformers", "internlm2"] = "transformers"
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastToken:
    """Reads the hidden state of the conversation's last token."""


@dataclass(frozen=True, slots=True)
class LastOccurrence:
    """Reads the hidden state where these token ids begin for the last time; without them there is no score."""

    ids: tuple[int, ...]


Position = LastToken | LastOccurrence


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendering:
    """What is done to a conversation beyond the tokenizer's own chat template and one start token.

    Attributes:
        template: name of a template kept here, for checkpoints whose tokenizer has none.
        empty_system_turn: conversations without a system text get an empty system turn.
        appended: a token that follows the conversation, unless it ends with it anyway.
        tokenizer_of: hub id of the model whose tokenizer belongs into the folder.
    """

    template: str = ""
    empty_system_turn: bool = False
    appended: int | Setting | None = None
    tokenizer_of: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Readout:
    """How a scalar architecture gets from a checkpoint to a number.

    Attributes:
        positions: the hidden states that the head takes, in its order.
        pickles: files of the checkpoint that hold head tensors as pickles, with the prefix that their names get when
            they are converted (see `pickles.py`).
        detectable: false where nothing in the checkpoint shows that it is this architecture.
    """

    body: Body
    head: Head
    positions: tuple[Position, ...] = (LastToken(),)
    rendering: Rendering = field(default_factory=Rendering)
    pickles: tuple[tuple[str, str], ...] = ()
    detectable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """One way to get a score from a conversation.

    Attributes:
        kind: `scalar` reads hidden states, `generative` writes text that is parsed, `baseline` reads no model.
        readout: of a scalar architecture, and of no other.
        image: the container image that holds what it takes.
    """

    name: str
    description: str
    kind: Kind
    readout: Readout | None = None
    image: ImageName = "evaluate"

    @property
    def needs_model(self) -> bool:
        """Whether a checkpoint is read."""
        return self.kind != "baseline"
