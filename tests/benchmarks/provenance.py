"""With which commit and which packages something was measured."""

import shutil
import subprocess
from collections.abc import Iterable
from importlib import metadata

from tests.benchmarks.measure import ROOT


def checkout() -> str:
    """The commit that is checked out, marked where files differ from it."""
    return said_by("git", "-C", str(ROOT), "describe", "--always", "--dirty") or "unknown"


def versions(packages: Iterable[str]) -> str:
    """Each package with its version, or that it is absent."""
    return ", ".join(f"{package} {_version(package)}" for package in packages)


def said_by(*command: str) -> str:
    """What a program prints; nothing where there is no such program."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"
