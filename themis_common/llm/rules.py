"""The engine without a language model: deterministic rules that answer in the tags a model would use.

It exists so that everything runs where no model can be reached. It calls itself `rules` in every answer and
report; its ratings and verdicts follow from `change_rules` and `evidence`, nothing else.
"""

from collections.abc import Mapping, Sequence

from themis_common.llm.change_rules import Change, rate_change
from themis_common.llm.engine import Completion, Request
from themis_common.llm.evidence import net_evidence
from themis_common.llm.instruction import defined_names, write_instruction
from themis_common.taxonomy import Criterion


class RulesEngine:
    """Answers the tasks `commit_review_instruct` and `preference_judge`; equal requests get equal answers."""

    name = "rules"

    def check_model(self) -> None:
        """Nothing, for there is no model."""

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One answer for each request, in order."""
        answers = {"commit_review_instruct": review_change, "preference_judge": judge_completions}
        return [
            Completion(text=answers[request.task](request.variables), finish_reason="stop", engine=self.name)
            for request in requests
        ]


def review_change(variables: Mapping[str, str]) -> str:
    """The tagged answer to `commit_review_instruct`."""
    old, new = variables["old_contents"], variables["new_contents"]
    language, path = variables["language"], variables["path"]
    change = Change(language, path, variables["message"], old, new)
    rated = rate_change(Criterion.parse(variables["criterion"]), change)
    names = ", ".join(defined_names(old)) or "nothing by name"
    return _tags(
        DESCRIPTION=f"A {language} file of {len(old.splitlines())} lines that defines {names}.",
        SUMMARY=f"By rule: {'; '.join(rated.reasons) or 'nothing speaks for or against the change'}.",
        RATING=str(rated.rating),
        INSTRUCTION=write_instruction(language, path, old, new, variables["problem_style"]),
    )


def judge_completions(variables: Mapping[str, str]) -> str:
    """The tagged answer to `preference_judge`; swapping the completions swaps A and B."""
    criterion = Criterion.parse(variables["criterion"])
    a, b = variables["completion_a"].splitlines(), variables["completion_b"].splitlines()
    evidence = net_evidence(criterion, a, b)
    judgement = "TIE" if evidence == 0 else "A" if evidence > 0 else "B"
    return _tags(
        EVALUATION=f"By rule: A counts {evidence:+d} against B in constructs that serve {criterion.label}.",
        JUDGEMENT=judgement,
    )


def _tags(**parts: str) -> str:
    return "\n".join(f"[{tag}]{text}[/{tag}]" for tag, text in parts.items())
