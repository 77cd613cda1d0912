"""How a generative reward model is served and asked."""

from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.llm.config import check_address


@config
class JudgeConfig:
    """Where the judge is and how long it may think. Scalar models have none of this."""

    endpoint: str = option(
        default="",
        help="address of an OpenAI-compatible endpoint that serves the model, usually ending in /v1; empty: vLLM is "
        "started on the cell's model",
        affects_result=False,
    )
    model: str = option(default="", help="the model, as the endpoint calls it")
    api_key_env: str = option(
        default="",
        help="NAME of the environment variable that holds the endpoint's key",
        affects_result=False,
    )
    concurrency: int = option(default=64, help="requests under way at a time", affects_result=False)
    # an answer is waited for as a whole, thinking included
    timeout_seconds: float = option(
        default=600.0,
        help="seconds after which one attempt at a request is given up; eight attempts end the run",
        affects_result=False,
    )
    gpus: int = option(default=1, help="GPUs over which vLLM splits each tensor", affects_result=False)
    max_tokens: int = option(default=0, help="longest answer in tokens; 0: as published for the architecture")
    context_tokens: int = option(
        default=0, help="window of vLLM, of request and answer together; 0: as set for the architecture"
    )

    def __post_init__(self) -> None:
        for name, least in (("concurrency", 1), ("gpus", 1), ("max_tokens", 0), ("context_tokens", 0)):
            if getattr(self, name) < least:
                raise UserError(f"judge.{name} must be at least {least}, found {getattr(self, name)}")
        if self.timeout_seconds <= 0:
            raise UserError(f"judge.timeout_seconds must be above 0, found {self.timeout_seconds:g}")
        if bool(self.endpoint) != bool(self.model):
            raise UserError("judge.endpoint and judge.model go together: set both or none")
        if self.endpoint:
            check_address(self.endpoint, "judge.endpoint", self.api_key_env, "judge.api_key_env")
