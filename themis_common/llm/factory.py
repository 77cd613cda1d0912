"""From the configuration of an engine to the engine."""

from collections.abc import Callable

from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.llm.engine import Engine
from themis_common.llm.rules import RulesEngine


@config
class EngineConfig:
    """Which engine answers LLM tasks, and how it samples."""

    engine: str = option(
        default="rules", help="the engine that answers: `rules` (deterministic, no language model)"
    )
    temperature: float = option(
        default=0.8, help="sampling temperature of a language model (dataset.md 10.3)"
    )
    top_p: float = option(default=0.95, help="nucleus share of a language model (dataset.md 10.3)")
    max_tokens: int = option(default=2560, help="longest answer in tokens (dataset.md 10.3)")
    batch_size: int = option(default=64, help="requests handed to the engine at a time", affects_result=False)

    def __post_init__(self) -> None:
        if self.engine not in _ENGINES:
            raise UserError(f"unknown engine {self.engine!r}: use one of {', '.join(sorted(_ENGINES))}")
        if self.temperature < 0 or not 0 < self.top_p <= 1 or min(self.max_tokens, self.batch_size) < 1:
            raise UserError(
                f"temperature {self.temperature} must be 0 or more, top_p {self.top_p} above 0 and at most 1, "
                f"max_tokens {self.max_tokens} and batch_size {self.batch_size} at least 1"
            )


def open_engine(config: EngineConfig) -> Engine:
    """The engine that the configuration names."""
    return _ENGINES[config.engine]()


_ENGINES: dict[str, Callable[[], Engine]] = {"rules": RulesEngine}
