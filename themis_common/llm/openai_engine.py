"""The engine that asks an OpenAI-compatible endpoint, and asks nothing twice.

Answers come from the response store where they are there; the others are asked for, several at a time, and written
down while the rest is still under way. A run that is killed loses the requests under way and the last second.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType

from themis_common.llm.asking import Asker, Patience
from themis_common.llm.batch import Batch
from themis_common.llm.budget import Budget
from themis_common.llm.chat_completions import Response, response_key
from themis_common.llm.config import EngineConfig
from themis_common.llm.endpoint import Endpoint
from themis_common.llm.engine import Completion, Request, Usage
from themis_common.llm.ledger import Ledger
from themis_common.llm.option_names import LLM, OptionNames
from themis_common.llm.response_store import Record, ResponseStore
from themis_common.llm.tally import Tally
from themis_common.progress import Progress
from themis_common.store import Store


class OpenAIEngine:
    """Answers requests through one endpoint; a context manager, for it holds connections and a share of the budget.

    Requests are put concurrently, on an event loop of the engine's own that runs inside `complete` only.

    Args:
        environment: where the API key is looked up, when the first request is sent.
        names: what messages call the options.
    """

    def __init__(
        self,
        config: EngineConfig,
        *,
        responses: ResponseStore,
        budget: Budget,
        environment: Mapping[str, str],
        progress: Progress,
        patience: Patience,
        names: OptionNames,
    ) -> None:
        self.name = f"openai:{config.model}"
        self._config = config
        self._responses = responses
        self._budget = budget
        self._progress = progress
        self._endpoint = Endpoint(config, environment, names)
        self._asker = Asker(config, self._endpoint, budget, patience)
        self._tally = Tally(budget, patience.clock)
        self._loop = asyncio.Runner()

    def __enter__(self) -> "OpenAIEngine":
        self._loop.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # the loop first: whatever it still cancels settles with the budget
        with self._loop:
            self._loop.run(self._endpoint.close())
        self._budget.close()
        self._progress.say(f"{self._tally.asked:,} {self._tally.details()}")

    def check_model(self) -> None:
        """Look for the model among those that the endpoint lists, where it lists any.

        Raises:
            UserError: it lists others only, or no key is set.
        """
        self._loop.run(self._endpoint.check_model())

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion for each request, in order; equal requests share one.

        Raises:
            TransientError: a request failed in every attempt; answers that arrived are kept.
            UserError: the endpoint, the key or the model is wrong, or the budget is used up.
        """
        keys = [response_key(request, self._config.model, self._config.extra_body) for request in requests]
        known = self._responses.find(keys)
        self._tally.found += len(known)
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
        if missing:
            batch = Batch(missing, self._asker, self._responses, self._record, self._on_answer)
            known |= self._loop.run(batch.run(self._config.limits.concurrency))
        return [self._completion(known[key]) for key in keys]

    def _on_answer(self, response: Response) -> None:
        self._tally.count(response.usage)
        self._progress.update(self._tally.asked, unit=self._tally.details())

    def _completion(self, response: Response) -> Completion:
        return Completion(
            text=response.text,
            finish_reason=response.finish_reason,
            engine=self.name,
            usage=response.usage or Usage(),
            ending=response.ending,
        )

    def _record(self, key: str, request: Request, response: Response) -> Record:
        origin = {
            "task": request.task,
            "template": request.template,
            "template_sha256": request.template_sha256,
            "model": self._config.model,
            "sampling": asdict(request.sampling),
            "extra_body": self._config.extra_body,
        }
        return Record(key, response, origin)


def open_endpoint(
    config: EngineConfig,
    responses: Store,
    ledger: Store,
    *,
    environment: Mapping[str, str],
    progress: Progress,
    patience: Patience | None = None,
    names: OptionNames = LLM,
) -> OpenAIEngine:
    """The engine for an endpoint.

    Args:
        responses: where answers are kept.
        ledger: where all processes that share the budget account for what they use; empty without a cap.
        names: what messages call the options.
    """
    budget = Budget(
        config.budget,
        config.longest_answer or 0,
        Ledger(ledger) if config.budget.capped else None,
        kept_at=responses.uri,
    )
    return OpenAIEngine(
        config,
        responses=ResponseStore(responses),
        budget=budget,
        environment=environment,
        progress=progress,
        patience=patience or Patience(),
        names=names,
    )
