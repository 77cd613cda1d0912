"""Say which criteria a change's message speaks of; a change that speaks of none goes.

A message may speak of several criteria. Source: facts/dataset.md section 9.1.
"""

from components.dataset.classify_aspects.terms import MatchMode, TermMatcher
from themis_common.config import config, option
from themis_common.schemas import CHANGES, CLASSIFIED_CHANGES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.taxonomy import CODE_CRITERIA, Criterion


@config
class ClassifyAspectsConfig:
    """Which criteria are looked for, and how."""

    criteria: tuple[str, ...] = option(
        tuple(criterion.key for criterion in CODE_CRITERIA),
        help="criteria to look for, under any of their names",
    )
    match: MatchMode = option(
        "word", help="word: whole words and marked stems; substring: anywhere in the text, as published"
    )

    def __post_init__(self) -> None:
        self.parsed_criteria()

    def parsed_criteria(self) -> list[Criterion]:
        """The criteria in ClassLabel order."""
        wanted = {Criterion.parse(name) for name in self.criteria}
        for criterion in wanted:
            if criterion not in CODE_CRITERIA:
                raise ValueError(f"criteria: no terms stand for {criterion.key}; use the five code criteria")
        return [criterion for criterion in CODE_CRITERIA if criterion in wanted]


def _work(context: Context[ClassifyAspectsConfig], unit: str, output: UnitOutput) -> None:
    matcher = TermMatcher(context.config.parsed_criteria(), context.config.match)
    for row in context.inputs["changes"].rows(unit):
        key = row["row_key"]
        output.read([key])
        found = matcher.match(f"{row['subject']}\n{row['message']}")
        if found:
            criteria = [criterion.key for criterion in found]
            terms = sorted({term for terms in found.values() for term in terms})
            output.emit({**row, "criteria": criteria, "terms": terms})
        else:
            output.drop(key, "no_criterion", row["subject"])


STAGE = Stage(
    name="dataset.classify_aspects",
    version=1,
    config=ClassifyAspectsConfig,
    inputs={"changes": CHANGES},
    output=CLASSIFIED_CHANGES,
    reasons=("no_criterion",),
    work=_work,
)
