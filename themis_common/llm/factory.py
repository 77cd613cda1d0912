"""From the configuration of an engine to the engine."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from themis_common.errors import UserError
from themis_common.llm.config import EngineConfig
from themis_common.llm.engine import Engine
from themis_common.llm.option_names import LLM, OptionNames
from themis_common.llm.rules import RulesEngine
from themis_common.progress import Progress
from themis_common.store import Store, open_store


@contextmanager
def open_engine(
    config: EngineConfig,
    *,
    workspace: Store,
    progress: Progress,
    environment: Mapping[str, str] = os.environ,
    names: OptionNames = LLM,
) -> Iterator[Engine]:
    """The engine that the configuration names, for as long as the block lasts.

    Args:
        workspace: the stage's; holds the account of the budget and, unless `config.responses` says otherwise, answers.
        progress: where the engine says how fast it is and what it costs.
        environment: where the API key is looked up.
        names: what messages call the options.

    Raises:
        UserError: a package that the engine needs is missing.
    """
    if config.engine == "rules":
        yield RulesEngine()
        return
    try:
        # here, because whoever works with the rules need not have an HTTP client
        from themis_common.llm.openai_engine import open_endpoint
    except ModuleNotFoundError as error:
        raise UserError(f"engine openai needs {error.name}: pip install 'themis[llm]'") from error
    responses = open_store(config.responses) if config.responses else workspace.child("responses")
    ledger = workspace.child("budget")
    with open_endpoint(
        config, responses, ledger, environment=environment, progress=progress, names=names
    ) as engine:
        yield engine
