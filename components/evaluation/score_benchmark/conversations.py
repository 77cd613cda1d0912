"""Which conversations a benchmark asks about: each distinct one once, found again by its content.

Benchmarks repeat responses (a fast, a medium and a slow solution of one problem make three pairs of three texts).
Scoring a text once saves the work and, above all, makes equal texts get equal scores.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from components.evaluation.score_benchmark.system_texts import SystemText, our_wording
from themis_common.hashing import row_key
from themis_common.prompts.chat import Conversation
from themis_common.prompts.registry import PromptMode
from themis_common.taxonomy import Criterion


@dataclass(frozen=True, slots=True)
class BenchmarkPair:
    """One benchmark row with the keys of its two conversations; the texts are in the plan."""

    row_key: str
    id: str
    language: str
    aspect: str
    subset: str
    chosen: str
    rejected: str


@dataclass(frozen=True, slots=True)
class ConversationPlan:
    """The rows of a benchmark and the distinct conversations by key, in order of first use."""

    pairs: list[BenchmarkPair]
    conversations: dict[str, Conversation]


def plan_conversations(
    rows: Iterable[Mapping[str, Any]], mode: PromptMode, system_text: SystemText = our_wording
) -> ConversationPlan:
    """Lay out both sides of every row of a BENCHMARK table under the prompt mode."""
    plan = ConversationPlan([], {})
    for row in rows:
        system = system_text(mode, Criterion.parse(row["aspect"]))
        keys = {}
        for side in ("chosen", "rejected"):
            conversation = Conversation(system, row["prompt"], row[side])
            keys[side] = row_key(conversation.system or "", conversation.user, conversation.assistant)
            plan.conversations.setdefault(keys[side], conversation)
        facts = {name: row[name] for name in ("row_key", "id", "language", "aspect", "subset")}
        plan.pairs.append(BenchmarkPair(**facts, **keys))
    return plan
