"""The pipelines by name, and compiling them with our rules checked."""

from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from pipelines.ir_linter import lint

PIPELINES = ("dataset", "training", "evaluation", "end_to_end")


def load_pipeline(name: str) -> Any:
    """The compiled-on-import kfp pipeline of that name."""
    return getattr(import_module(f"pipelines.{name}"), name)


def compile_checked(name: str, target: Path) -> None:
    """Write a pipeline's intermediate representation.

    Raises:
        AssertionError: the pipeline breaks one of our rules (architecture section 3), which is a defect of ours.
    """
    from kfp import compiler

    target.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(load_pipeline(name), str(target))
    documents = list(yaml.safe_load_all(target.read_text()))
    findings = lint(documents[0])
    assert not findings, "\n".join(str(finding) for finding in findings)
