"""What the options of an endpoint are called where somebody can set them, for the messages that name them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionNames:
    """Names of the options that an `EngineConfig` is made of.

    The defaults are those of a stage that has an `EngineConfig` under `llm`. `extra_body` is empty where its fields are
    not for the user to set.
    """

    base_url: str = "llm.base_url"
    model: str = "llm.model"
    api_key_env: str = "llm.api_key_env"
    extra_body: str = "llm.extra_body"


LLM = OptionNames()
