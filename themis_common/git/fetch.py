"""Fetching objects from a server into a bare folder of our own, within limits and without anybody's settings.

The folder is made here, so nothing in it was written by others but objects, whose ids git computes itself. Only the
one protocol of the address is allowed, nothing is asked on a terminal, no hook, submodule, LFS file or auxiliary
pack is followed. Packs are kept as they come, which is cheapest, and what they come to is watched while they do;
what they would unpack to is limited by the memory of the processes that unpack them.

Redirects are followed here: git itself would show the token to whatever host they lead to.
"""

import base64
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import themis_common
from themis_common.errors import UserError
from themis_common.git.blobs import BlobReader
from themis_common.git.executable import DEFAULT_LIMITS, capture, command, environment
from themis_common.git.fetch_failures import FetchFailure, classify
from themis_common.git.process_limits import ProcessLimits, impose
from themis_common.git.remotes import RemoteTemplate

_LOOK_SECONDS = 0.05
"""How often a fetch under way is looked at."""

_READ_BYTES = 1 << 20
"""Of what git and the server said; more than this says nothing more."""

_MOST_REDIRECTS = 5

_STALL_BYTES_PER_SECOND = 1000
_STALL_SECONDS = 60
_CONNECT_SECONDS = 20

_PASSED_ON = (
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSH_AUTH_SOCK",
)
"""Variables of the caller that say how this machine reaches others; everything else stays behind."""

_OPTIONS = (
    "protocol.version=2",
    "fetch.unpackLimit=1",
    "fetch.negotiationAlgorithm=noop",
    "fetch.recurseSubmodules=false",
    "fetch.uriProtocols=",
    "transfer.bundleURI=false",
    "credential.helper=",
    "http.followRedirects=false",
    f"http.lowSpeedLimit={_STALL_BYTES_PER_SECOND}",
    f"http.lowSpeedTime={_STALL_SECONDS}",
    "pack.threads=1",
    # larger blobs are written through, not held in memory
    "core.bigFileThreshold=16m",
    # what deltas are based on is unpacked again rather than kept
    "core.deltaBaseCacheLimit=16m",
)

_FETCH = (
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--no-write-commit-graph",
    "--stdin",
)

_SSH = f"ssh -o BatchMode=yes -o ConnectTimeout={_CONNECT_SECONDS} -o ServerAliveInterval=15"


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """What one fetch may take.

    Attributes:
        max_bytes: of everything in the folder.
        seconds: of wall time.
        memory_bytes: of each process, also of the one that reads the blobs afterwards.
    """

    max_bytes: int
    seconds: float
    memory_bytes: int = DEFAULT_LIMITS.memory_bytes


class StoppedError(Exception):
    """The fetch was given up because its caller no longer wants it."""


@dataclass(frozen=True, kw_only=True)
class Transport:
    """How repositories are reached.

    Attributes:
        remote: their addresses.
        token: shown to the server in the way of GitHub, GitLab and Gitea, and to no other host that it redirects
            to; empty for none.
        stop: set when fetches under way are to end.
        clock: seconds that only go forward.
    """

    remote: RemoteTemplate
    token: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic


class FetchFolder:
    """A bare repository that is fetched into, with what git says meanwhile; made anew in `folder`."""

    def __init__(self, folder: Path, transport: Transport, limits: FetchLimits) -> None:
        self._folder = folder
        self._git_dir = folder / "fetched.git"
        self._transport = transport
        self._limits = limits
        self._process_limits = ProcessLimits(memory_bytes=limits.memory_bytes, file_bytes=limits.max_bytes)
        folder.mkdir()
        capture(["init", "--quiet", "--bare", "--template="], self._git_dir)

    def fetch(self, url: str, wants: Sequence[str], *, depth: int = 0) -> FetchFailure | None:
        """Bring objects; None when all of them are here.

        Args:
            url: made by the transport's `remote`.
            wants: object ids or refspecs.
            depth: of the history of commits; 0 for all of it.

        Raises:
            StoppedError: the transport's `stop` was set.
            UserError: git is not installed, or the disk is full.
        """
        for _ in range(_MOST_REDIRECTS):
            failure = self._fetch_from(url, wants, depth)
            if failure is None or failure.kind != "redirected":
                return failure
            target = self._transport.remote.redirected(url, failure.location)
            if target is None:
                return failure
            url = target
        return failure

    def _fetch_from(self, url: str, wants: Sequence[str], depth: int) -> FetchFailure | None:
        if self._transport.stop.is_set():
            raise StoppedError
        if not depth:
            # where an earlier fetch cut the history, a full one would stop, too
            (self._git_dir / "shallow").unlink(missing_ok=True)
        options = [part for one in _OPTIONS for part in ("-c", one)]
        arguments = [*options, *_FETCH, *([f"--depth={depth}"] if depth else []), "--", url]
        # a server decides what is said, so that goes where it is watched, too
        with (self._folder / "errors").open("w+b") as errors:
            process = subprocess.Popen(
                command(arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment(self._git_dir, self._environment(url)),
                cwd="/",
                # no terminal to ask on, and one group to end with all that git started
                start_new_session=True,
            )
            stopped = self._watch(process, wants)
            if stopped is not None or not process.returncode:
                return stopped
            errors.seek(0)
            return self._failure(errors.read(_READ_BYTES).decode("utf-8", "replace"), url)

    def blob_reader(self, max_bytes: int) -> BlobReader:
        """A reader of the blobs that were brought (a context manager)."""
        return BlobReader(self._git_dir, {}, max_bytes, self._process_limits)

    def remove(self) -> None:
        """Delete everything that was brought."""
        shutil.rmtree(self._folder)

    def num_bytes(self) -> int:
        """Bytes of all packs, those that are still coming among them, and of what git said."""
        total = 0
        for place, _, files in os.walk(self._folder):
            for file in files:
                if not file.endswith((".idx", ".rev")):
                    # git renames and deletes files meanwhile
                    with suppress(FileNotFoundError):
                        total += os.lstat(os.path.join(place, file)).st_size
        return total

    def _watch(self, process: "subprocess.Popen[bytes]", wants: Sequence[str]) -> FetchFailure | None:
        """Tell a fetch what to bring and wait for its end, or end it when it goes beyond a limit."""
        limits, clock = self._limits, self._transport.clock
        started = clock()
        try:
            # git starts no other process before it has read what it is to bring: all of them get the limits
            impose(self._process_limits, process.pid)
            _tell(process, wants)
            while True:
                try:
                    process.wait(timeout=_LOOK_SECONDS)
                    ended = True
                except subprocess.TimeoutExpired:
                    ended = False
                if self.num_bytes() > limits.max_bytes:
                    return FetchFailure("too_large", f"more than {limits.max_bytes:,} bytes")
                if ended:
                    return None
                if clock() - started > limits.seconds:
                    return FetchFailure("timed_out", f"no end after {limits.seconds:g} s")
                if self._transport.stop.is_set():
                    raise StoppedError
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _environment(self, url: str) -> Mapping[str, str]:
        scheme = self._transport.remote.scheme
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "GIT_ALLOW_PROTOCOL": scheme,
            "GIT_ASKPASS": "false",
            "GIT_SSH_COMMAND": _SSH,
            "GIT_SSH_VARIANT": "ssh",
            "GIT_HTTP_USER_AGENT": f"git/2 themis/{themis_common.__version__}",
            **self._trace(scheme),
            **self._shown_token(url),
            **self._trust(scheme),
        }

    def _trace(self, scheme: str) -> Mapping[str, str]:
        """Have curl write down the headers, because git itself drops what a busy server asks for."""
        if scheme not in {"http", "https"}:
            return {}
        trace = self._folder / "headers"
        trace.unlink(missing_ok=True)
        return {
            "GIT_TRACE_CURL": str(trace),
            "GIT_TRACE_CURL_NO_DATA": "1",
            "GIT_TRACE_REDACT": "1",
        }

    def _shown_token(self, url: str) -> Mapping[str, str]:
        if not self._transport.token or not self._transport.remote.is_home(url):
            return {}
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {_basic(self._transport.token)}",
        }

    def _trust(self, scheme: str) -> Mapping[str, str]:
        """A local server is another git process of ours, which a mounted mirror of another user must not stop."""
        if scheme != "file":
            return {}
        settings = self._folder / "settings"
        # it has the limits of our fetch, and as many threads as the machine has cores unless it is told
        settings.write_text("[safe]\n\tdirectory = *\n[pack]\n\tthreads = 1\n\twindowMemory = 32m\n")
        return {"GIT_CONFIG_GLOBAL": str(settings)}

    def _failure(self, errors: str, url: str) -> FetchFailure:
        if "No space left on device" in errors:
            raise UserError(f"the disk that holds {self._folder.parent} is full: give it more room")
        if self._transport.remote.scheme == "file":
            # the server is one of our processes, and has their limits
            errors = errors.replace("remote: fatal: ", "fatal: ")
        trace = self._folder / "headers"
        headers = trace.read_text("utf-8", "replace")[-_READ_BYTES:] if trace.exists() else ""
        token = self._transport.token
        failure = classify(errors, url, headers, (token, _basic(token)) if token else ())
        if failure.kind != "too_large":
            return failure
        limits = self._limits
        return replace(
            failure,
            message=f"more than {limits.max_bytes:,} bytes, or {limits.memory_bytes:,} bytes of memory",
        )


def _tell(process: "subprocess.Popen[bytes]", wants: Sequence[str]) -> None:
    assert process.stdin is not None
    # git may have ended already; its status tells
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.writelines(want.encode("ascii") + b"\n" for want in wants)


def _basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
