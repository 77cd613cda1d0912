"""The generative architectures: models that write a judgement, from which a score is parsed (facts section 5)."""

from themis_common.architectures.architecture import Architecture

GENERATIVE: tuple[Architecture, ...] = (
    Architecture(
        name="cerm",
        description="writes criteria for the prompt, then a boxed score from 0 to 10 in half points",
        kind="generative",
        image="llm",
    ),
    Architecture(
        name="nemotron-genrm",
        description="answers whether the response follows a principle; log-probability of Yes minus that of No",
        kind="generative",
        image="llm",
    ),
    Architecture(
        name="lmunit",
        description="answers one unit test in plain words with a score from 1 to 5",
        kind="generative",
        image="llm",
    ),
    Architecture(
        name="r3",
        description="reasons over a rubric and gives a JSON score from 1 to 5",
        kind="generative",
        image="llm",
    ),
)
