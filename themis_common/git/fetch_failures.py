"""What the error stream of a failed `git fetch` says about the repository and its server.

Git tells these apart in words alone (in English, as `LC_ALL=C` has it). What no rule knows counts as passing: it is
tried again, and in the end it is the repository that could not be reached.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "gone",
    "password_required",
    "refused",
    "missing",
    "busy",
    "timed_out",
    "too_large",
    "redirected",
    "passing",
]
"""
gone: there is no such repository, or it has been taken down.
password_required: the server wants to know who asks; GitHub says so of missing repositories, too.
refused: the server does not serve objects by their ids.
missing: the server has no object of the id that is named.
busy: the server asks to wait.
timed_out: the fetch was too slow and was stopped.
too_large: the fetch brought more bytes than allowed, or what it brought takes more memory, and was stopped.
redirected: the server says that the repository is elsewhere.
passing: anything else (503, a broken connection); a later attempt may succeed.
"""

DEFAULT_WAIT_SECONDS = 60.0
"""How long to wait for a busy server that does not say how long (facts/data_eval_peers.md section B.3)."""

_RULES: dict[Kind, re.Pattern[str]] = {
    # what the process limits do; first, because it is said by our git and not by the server
    "too_large": re.compile(
        r"^(?:fatal|error): (?:.*(?:out of memory|cannot allocate memory|file too large)"
        r"|\S+ died of signal (?:11|25)$)",
        re.IGNORECASE,
    ),
    "missing": re.compile(r"not our ref [0-9a-f]{40,64}"),
    "refused": re.compile(
        r"does not allow request for unadvertised object|no such remote ref [0-9a-f]{40,64}"
        r"|want [0-9a-f]{40,64} not valid",
        re.IGNORECASE,
    ),
    "busy": re.compile(r"returned error: 429|HTTP 429|rate limit|too many requests", re.IGNORECASE),
    "gone": re.compile(
        r"repository not found|repository 'URL/?' not found|returned error: (?:404|410|451)"
        r"|does not appear to be a git repository|no such repository|not a git repository"
        r"|access to this repository has been disabled|repository unavailable|repository access blocked",
        re.IGNORECASE,
    ),
    "password_required": re.compile(
        r"could not read (?:username|password)|authentication failed|permission denied"
        r"|returned error: (?:401|403)",
        re.IGNORECASE,
    ),
    "redirected": re.compile(r"returned error: 30[12378]|HTTP 30[12378]"),
    "timed_out": re.compile(r"operation too slow|operation timed out", re.IGNORECASE),
}
"""In the order in which they are tried, each on all lines."""

_MISSING = re.compile(r"not our ref ([0-9a-f]{40,64})")
_RETRY_AFTER = re.compile(r"^.*<= Recv header: retry-after: *(\d{1,6})", re.IGNORECASE | re.MULTILINE)
_LOCATION = re.compile(r"^.*<= Recv header: location: *(\S*)", re.IGNORECASE | re.MULTILINE)
_SECONDS = re.compile(r" after \d+ ms")
"""Of no interest, and never twice the same."""

_MESSAGE_CHARS = 200


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """Why a fetch brought nothing.

    `missing` is the id that the server lacks (of kind missing alone); `wait_seconds` is how long the server asks to
    wait (of kind busy alone); `location` is where it says that the repository is (of kind redirected alone).
    """

    kind: Kind
    message: str
    missing: str = ""
    wait_seconds: float = 0.0
    location: str = ""


def classify(errors: str, url: str, trace: str = "", secrets: tuple[str, ...] = ()) -> FetchFailure:
    """The failure that an error stream tells of.

    Args:
        url: the address that was asked; what it is called says nothing about it.
        trace: the headers of the server's answers, as curl's trace has them.
        secrets: texts that no message may hold.
    """
    for secret in secrets:
        errors, trace = errors.replace(secret, "***"), trace.replace(secret, "***")
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    for kind, pattern in _RULES.items():
        for line in lines:
            if pattern.search(line.replace(url, "URL")):
                missing = _MISSING.search(line)
                if kind == "redirected":
                    return _redirected(trace)
                return FetchFailure(
                    kind=kind,
                    message=_printable(line),
                    missing=missing[1] if missing else "",
                    wait_seconds=_wait(trace) if kind == "busy" else 0.0,
                )
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
    return FetchFailure(kind="passing", message=_printable(telling[-1] if telling else "no message"))


def _redirected(trace: str) -> FetchFailure:
    locations = _LOCATION.findall(trace)
    location = locations[-1] if locations else ""
    return FetchFailure(
        "redirected", _printable(f"redirected to {location!r}, which is not followed"), location=location
    )


def _wait(trace: str) -> float:
    asked = _RETRY_AFTER.findall(trace)
    return float(asked[-1]) if asked else DEFAULT_WAIT_SECONDS


def _printable(line: str) -> str:
    text = "".join(char if char.isprintable() else " " for char in line)
    return _SECONDS.sub("", text.removeprefix("fatal: "))[:_MESSAGE_CHARS]
