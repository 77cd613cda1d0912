"""Makes the preference pairs that training takes: system prompts drawn, duplicates gone, repositories split.

Judged changes, imported pairs or both come in (facts/dataset.md sections 8 and 11).
"""

from collections.abc import Mapping

from components.dataset.assemble_preferences.config import AssemblePreferencesConfig
from components.dataset.assemble_preferences.layout import (
    Layout,
    layout_of,
    pairs_of,
    plan_units,
    split_nodes,
)
from components.dataset.assemble_preferences.unprompted import UnpromptedPair
from themis_common.prompts.registry import system_prompts_sha256
from themis_common.prompts.treatment import SHARES, draw_treatment
from themis_common.schemas import JUDGED_CHANGES, PAIRS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.taxonomy import Criterion


def work(context: Context[AssemblePreferencesConfig], unit: str, output: UnitOutput) -> None:
    """Assemble the pairs of one shard."""
    layout = layout_of(context)
    _warn_of_missing_split(context, layout)
    duplicates = layout.duplicates.get(unit, {})
    for position, pair in enumerate(pairs_of(context, unit)):
        output.read([pair.row_key])
        if position in duplicates:
            output.drop(pair.row_key, "duplicate", f"repeats {duplicates[position]}")
            continue
        held_out = split_nodes(pair, context.config)[0] in layout.held_out
        output.emit(
            {
                "row_key": pair.row_key,
                "system": _system_prompt(pair, context.config),
                "input": pair.input,
                "chosen": pair.chosen,
                "rejected": pair.rejected,
                "language": pair.language,
                "criterion": pair.criterion,
                "source": pair.source,
                "split": "held_out" if held_out else "train",
                "repo": pair.repo,
                "commit": pair.commit,
                "path": pair.path,
                "license": pair.license,
            }
        )
        context.progress.update(position + 1, unit="pairs")


def fingerprint(config: AssemblePreferencesConfig) -> Mapping[str, str]:
    """The wording of the system prompts."""
    return {"prompts/system": system_prompts_sha256()}


def _system_prompt(pair: UnpromptedPair, config: AssemblePreferencesConfig) -> str | None:
    """The pair's own system prompt where it has one, else the one that is drawn for it."""
    if pair.system is not None:
        return pair.system
    treatment = draw_treatment(config.seed, pair.row_key, SHARES[config.system_prompts])
    prompt = treatment.system_prompt(Criterion.parse(pair.criterion))
    return prompt.text if prompt is not None else None


def _warn_of_missing_split(context: Context[AssemblePreferencesConfig], layout: Layout) -> None:
    if context.config.held_out_share > 0 and not layout.held_out:
        context.progress.say(
            "all pairs come from connected repositories, so none is held out; "
            "set split_by to prompt to hold out some of them nevertheless"
        )


STAGE = Stage(
    name="dataset.assemble_preferences",
    version=1,
    config=AssemblePreferencesConfig,
    inputs={"judged": JUDGED_CHANGES, "imported": PAIRS},
    optional=frozenset({"judged", "imported"}),
    output=PAIRS,
    reasons=("duplicate",),
    work=work,
    plan=plan_units,
    fingerprint=fingerprint,
)
