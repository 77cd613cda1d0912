"""From a URI to a store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.gcs_emulator import GcsEmulator
from themis_common.errors import UserError
from themis_common.store import open_store
from themis_common.store.gcs import GcsStore
from themis_common.store.gcs_bucket import bucket_here
from themis_common.store.local import LocalStore


def test_local_paths(tmp_path: Path) -> None:
    for uri in (tmp_path, str(tmp_path), f"file://{tmp_path}"):
        store = open_store(uri)
        assert isinstance(store, LocalStore)
        assert store.uri == str(tmp_path)


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("gs://bucket", "gs://bucket"),
        ("gs://bucket/", "gs://bucket"),
        ("gs://bucket/a/b", "gs://bucket/a/b"),
        ("gs://bucket/a/b/", "gs://bucket/a/b"),
        ("gs://my.bucket_1-x/100% ?#", "gs://my.bucket_1-x/100% ?#"),
    ],
)
def test_buckets(emulator: GcsEmulator, uri: str, kept: str) -> None:
    store = open_store(uri)
    assert isinstance(store, GcsStore)
    assert store.uri == kept


def test_a_whole_bucket_and_a_folder_of_it_hold_the_same_files(emulator: GcsEmulator) -> None:
    open_store("gs://bucket/a/b").write_bytes("c", b"x")
    assert list(open_store("gs://bucket").list()) == ["a/b/c"]
    assert open_store("gs://bucket").read_bytes("a/b/c") == b"x"
    assert open_store("gs://bucket").child("a").uri == "gs://bucket/a"


@pytest.mark.parametrize(
    "uri", ["gs://", "gs:///a", "gs://Bucket/a", "gs://b", "gs://bu cket", "gs://-bucket"]
)
def test_wrong_bucket_names_are_refused(emulator: GcsEmulator, uri: str) -> None:
    with pytest.raises(UserError, match="is no bucket name .*write gs://BUCKET/FOLDER"):
        open_store(uri)


def test_folders_that_climb_are_refused(emulator: GcsEmulator) -> None:
    with pytest.raises(UserError, match="no file name inside a store"):
        open_store("gs://bucket/a/../../b")


def test_stores_of_a_process_share_connections(
    emulator: GcsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bucket_here("bucket")
    assert bucket_here("bucket") is first
    assert bucket_here("other").session is first.session
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert bucket_here("bucket").session is not first.session


def test_an_emulator_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "localhost:4443")
    with pytest.raises(UserError, match="localhost:4443 is no address; write it as http://HOST:PORT"):
        open_store("gs://bucket")


def test_unknown_schemes_are_refused() -> None:
    with pytest.raises(UserError, match="ftp:// is not served; use a local path, a file:// or a gs:// URI"):
        open_store("ftp://host/x")


def run(program: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_the_package_loads_nothing_of_google() -> None:
    program = (
        "import sys, themis_common.store\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'google', 'requests', 'urllib3'}])"
    )
    assert run(program) == "[]\n"


def test_a_missing_package_is_a_user_error() -> None:
    program = (
        "import sys\n"
        "from themis_common.errors import UserError\n"
        "from themis_common.store import open_store\n"
        "sys.modules['google.cloud.storage'] = None\n"
        "try:\n    open_store('gs://bucket/a')\n"
        "except UserError as error:\n    print(error)"
    )
    assert "google.cloud.storage is not installed; pip install google-cloud-storage" in run(program)


def test_missing_credentials_are_a_user_error(tmp_path: Path) -> None:
    program = (
        "import os\n"
        f"os.environ.update(HOME={str(tmp_path)!r}, NO_GCE_CHECK='true')\n"
        "os.environ.pop('STORAGE_EMULATOR_HOST', None)\n"
        "from themis_common.errors import UserError\n"
        "from themis_common.store import open_store\n"
        "try:\n    open_store('gs://bucket/a')\n"
        "except UserError as error:\n    print(error)"
    )
    printed = run(program)
    assert "credentials are missing or refused" in printed
    assert "gcloud auth application-default login" in printed
