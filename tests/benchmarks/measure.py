"""How the benchmarks measure: CPU seconds, interleaved, of this process or of a peer in another environment.

A machine that others use at the same time only ever adds to what a run takes, so every case runs several times, in
turns with the others, and its smallest sample counts. CPU seconds include those of child processes that have ended.

Uses the standard library alone, because peers import it where the project is not installed.
"""

import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers"
REWARD_BENCH = ROOT / ".venv-rewardbench"
"""Of its own, because rewardbench pins an older transformers."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took, in seconds, and what it returned."""

    cpu: float
    wall: float
    result: Any


Case = Callable[[], Sample]


def timed(work: Callable[[], Any]) -> Case:
    """A case that runs `work` in this process."""

    def run() -> Sample:
        gc.collect()
        cpu, wall = _cpu_seconds(), time.perf_counter()
        result = work()
        return Sample(_cpu_seconds() - cpu, time.perf_counter() - wall, result)

    return run


def interleaved(cases: Mapping[str, Case], repetitions: int) -> dict[str, Sample]:
    """Run all cases in turn, `repetitions` times; the smallest seconds of each, and the result of its first run."""
    runs: dict[str, list[Sample]] = {name: [] for name in cases}
    for _ in range(repetitions):
        for name, case in cases.items():
            runs[name].append(case())
    return {
        name: Sample(
            cpu=min(sample.cpu for sample in samples),
            wall=min(sample.wall for sample in samples),
            result=samples[0].result,
        )
        for name, samples in runs.items()
    }


def _cpu_seconds() -> float:
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


class Peer:
    """A module that runs in an environment of peers and waits for cases to run; a context manager.

    Args:
        module: name of a module that calls `serve`.
        arguments: its command line; every element is a path or a word.
        environment: folder of the virtual environment.
    """

    def __init__(self, module: str, arguments: Sequence[str] = (), environment: Path = PEERS) -> None:
        self._command = [str(_interpreter(environment)), "-m", module, *arguments]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._process = self._stack.enter_context(
            subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**os.environ, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def case(self, name: str) -> Case:
        """The case that the peer serves under `name`; its results are what JSON can hold."""

        def run() -> Sample:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            print(name, file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
            assert answer, f"{' '.join(self._command)} died; its messages are above"
            return Sample(**json.loads(answer))

        return run


def why_no_peer(*packages: str, environment: Path = PEERS) -> str | None:
    """Why `packages` cannot be imported in an environment of peers, or None where they can."""
    interpreter = _interpreter(environment)
    if not interpreter.exists():
        return f"no {environment.name} (the README says how to make it)"
    command = [str(interpreter), "-c", f"import {', '.join(packages)}"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stderr.strip().splitlines()[-1] if done.returncode else None


def _interpreter(environment: Path) -> Path:
    return environment / "bin" / "python"


def serve(cases: Mapping[str, Callable[[], Any]]) -> None:
    """Answer a `Peer`: a line names a case, the answer is its sample as one line of JSON.

    A case that does more than what is to be measured returns the sample of that part.
    """
    # libraries print to standard output, which belongs to the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        sample = timed(cases[line.strip()])()
        if isinstance(sample.result, Sample):
            sample = sample.result
        answer = {"cpu": sample.cpu, "wall": sample.wall, "result": sample.result}
        print(json.dumps(answer), file=answers, flush=True)
