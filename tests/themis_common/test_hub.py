"""Files of the hub through the real client, over a small hub on loopback."""

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from tests.fixtures.hub import COMMIT, serve_hub
from themis_common.errors import UserError
from themis_common.hub import HubSource, fetch_hub_file, fetch_hub_folder, hub_source

CONTENT = b'{"Full": "Judge."}'
REPOSITORIES = {
    "datasets/owner/prompts": {"prompts.json": CONTENT},
    "owner/model": {"config.json": b"{}", "model.safetensors": b"weights", "model.onnx": b"not wanted"},
}


@pytest.fixture(autouse=True)
def _hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    with serve_hub(REPOSITORIES, monkeypatch, tmp_path / "cache"):
        yield


def _source(text: str) -> HubSource:
    source = hub_source(text)
    assert source is not None
    assert str(source) == text
    return source


def test_a_file_of_a_data_set_is_found_though_no_model_has_that_name(tmp_path: Path) -> None:
    found = fetch_hub_file(_source(f"owner/prompts@{COMMIT}:prompts.json"), tmp_path)
    assert found.read_bytes() == CONTENT


def test_a_repository_is_fetched_as_far_as_it_is_wanted() -> None:
    folder = fetch_hub_folder(_source(f"owner/model@{COMMIT}"), "model", ["*.json", "*.safetensors"])
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize("text", [f"owner/none@{COMMIT}:a.json", f"owner/prompts@{COMMIT}:other.json"])
def test_what_the_hub_lacks_is_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{text}: the hub does not give it") as caught:
        fetch_hub_file(_source(text), tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=f"^owner/none@{COMMIT}: the hub does not give it") as caught:
        fetch_hub_folder(_source(f"owner/none@{COMMIT}"), "model", ["*"])
    assert "\n" not in str(caught.value)


def test_a_hub_that_does_not_answer_costs_one_line_and_no_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    model = _source(f"owner/model@{COMMIT}")
    folder = fetch_hub_folder(model, "model", ["*.json"])
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{bound.getsockname()[1]}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", nobody)
    monkeypatch.setattr(
        huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", nobody + "/{repo_id}/{revision}/{filename}"
    )
    capfd.readouterr()
    started = time.monotonic()
    file, other = _source(f"owner/prompts@{COMMIT}:prompts.json"), _source(f"owner/other@{COMMIT}")
    said = (
        rf"^{{}}: the hub does not give it \(nothing answers at {nobody}, and the cache does not have it\)$"
    )
    with pytest.raises(UserError, match=said.format(file)):
        fetch_hub_file(file, tmp_path)
    with pytest.raises(UserError, match=said.format(other)):
        fetch_hub_folder(other, "model", ["*"])
    # what was fetched before needs no hub
    assert fetch_hub_folder(model, "model", ["*.json"]) == folder
    assert time.monotonic() - started < 10
    assert capfd.readouterr().err == ""


def test_without_the_library_the_extra_that_brings_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    needs = r": the hub needs huggingface_hub: pip install 'themis\[evaluate\]'$"
    with pytest.raises(UserError, match=needs):
        fetch_hub_file(_source(f"owner/prompts@{COMMIT}:prompts.json"), tmp_path)
    with pytest.raises(UserError, match=needs):
        fetch_hub_folder(_source(f"owner/model@{COMMIT}"), "model", ["*"])


def test_a_revision_that_may_move_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="revision 'main' may move; give the 40 digits of a commit"):
        fetch_hub_file(_source("owner/prompts@main:a.json"), tmp_path)
    with pytest.raises(UserError, match="revision 'main' may move"):
        fetch_hub_folder(_source("owner/model@main"), "model", ["*"])


def test_a_file_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"names no file; write owner/prompts@{COMMIT}:FILE"):
        fetch_hub_file(_source(f"owner/prompts@{COMMIT}"), tmp_path)


def test_paths_are_no_sources_of_the_hub(tmp_path: Path) -> None:
    assert hub_source("prompts/published.json") is None
    assert hub_source(str(tmp_path)) is None
    assert hub_source(f"owner/name@{COMMIT}/file") is None
