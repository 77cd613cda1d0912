"""A headless Chromium driven over its DevTools protocol, and a report that exercises every part of the page."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from tests.fixtures.browser import missing
from tests.themis_common.report.sample import sample_report
from themis_common.report.model import Report

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
START_SECONDS = 60
ANSWER_SECONDS = 60


class Tab:
    """One page of the browser; remembers every request the page made."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection
        self._next_id = 0
        self.requests: list[str] = []
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and wait for its answer, noting the requests that pass by."""
        self._next_id += 1
        self._connection.send(json.dumps({"id": self._next_id, "method": method, "params": params}))
        while True:
            message = self._receive()
            if message.get("id") == self._next_id:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])

    def _receive(self) -> dict[str, Any]:
        message = dict(json.loads(self._connection.recv()))
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        return message

    def emulate(self, *, width: int, scheme: str) -> None:
        """Set the viewport width in CSS pixels and the preferred colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url: str) -> None:
        """Navigate and wait for the load event."""
        self.call("Page.navigate", url=url)
        while self._receive().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression, awaited if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DevTools address (host:port) of a fresh Chromium."""
    binary = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if binary is None:
        missing("no Chromium on this machine (set CHROMIUM to its path)")
    profile = tmp_path_factory.mktemp("chromium")
    process = subprocess.Popen(
        [binary, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"127.0.0.1:{_port(profile / 'DevToolsActivePort', process)}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _port(file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"Chromium exited with {process.returncode} before it was ready"
        if file.exists() and file.read_text().strip():
            return file.read_text().splitlines()[0]
        time.sleep(0.05)
    raise AssertionError(f"Chromium opened no debugging port within {START_SECONDS} seconds")


@pytest.fixture
def tab(browser: str) -> Iterator[Tab]:
    """A new tab."""
    request = urllib.request.Request(f"http://{browser}/json/new?about:blank", method="PUT")
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
        target = json.load(answer)
    connection = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=ANSWER_SECONDS)
    try:
        yield Tab(connection)
    finally:
        connection.close()


@pytest.fixture(scope="session")
def report() -> Report:
    """A report with every section filled."""
    return sample_report()
