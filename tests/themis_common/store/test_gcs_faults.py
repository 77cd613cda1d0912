"""Google Cloud Storage when requests fail: nothing is lost, nothing is done twice, errors say what to do."""

import random
from collections.abc import Callable

import pytest
from google.auth.credentials import AnonymousCredentials

from tests.fixtures.gcs_emulator import GcsEmulator
from tests.fixtures.gcs_faults import PASSING, Fault, Kind, status
from tests.themis_common.store.conftest import FakeTime
from themis_common.errors import TransientError, UserError
from themis_common.store import AlreadyExistsError, Store
from themis_common.store.gcs import GcsStore
from themis_common.store.gcs_bucket import Bucket, Connection
from themis_common.store.retries import Retries

UPLOAD, DOWNLOAD, OBJECT, LISTING = "^/upload/", "^/download/", "^/storage/v1/b/bucket/o/", r"/o\?"


def write(store: Store) -> None:
    store.write_bytes("new", b"content")
    assert store.read_bytes("new") == b"content"


def create(store: Store) -> None:
    store.write_bytes("new", b"content", exclusive=True)
    with pytest.raises(AlreadyExistsError):
        store.write_bytes("new", b"other", exclusive=True)


def delete(store: Store) -> None:
    store.delete("old")
    assert not store.exists("old")


def stream(store: Store) -> None:
    with store.open_read("old") as source:
        assert source.read() == b"old content"


def read(store: Store) -> None:
    assert store.read_bytes("old") == b"old content"


def measure(store: Store) -> None:
    assert store.size("old") == len(b"old content")


def name_all(store: Store) -> None:
    assert list(store.list()) == ["old"]


OPERATIONS: dict[str, tuple[str, str, Callable[[Store], object]]] = {
    "write": ("POST", UPLOAD, write),
    "write, looking before": ("GET", OBJECT, write),
    "create": ("POST", UPLOAD, create),
    "delete": ("DELETE", OBJECT, delete),
    "read": ("GET", DOWNLOAD, read),
    "stream": ("GET", DOWNLOAD, stream),
    "size": ("GET", OBJECT, measure),
    "list": ("GET", LISTING, name_all),
}


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind.name}-{fault.status}")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_passing_faults_pass(
    emulator: GcsEmulator, gcs_store: GcsStore, fake_time: FakeTime, operation: str, fault: Fault
) -> None:
    gcs_store.write_bytes("old", b"old content")
    method, path, use = OPERATIONS[operation]
    emulator.faults.on(method, path, fault, times=2)
    use(gcs_store)
    of_chunks = fault.kind is Kind.PARTIAL
    without_body = operation == "delete" and fault.kind is Kind.TRUNCATED
    assert len(fake_time.sleeps) == (0 if of_chunks or without_body else 2)


def test_a_creation_whose_answer_is_lost_has_succeeded(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    emulator.faults.on("POST", UPLOAD, Fault(kind=Kind.LOST))
    gcs_store.write_bytes("lock", b"same", exclusive=True)
    with pytest.raises(AlreadyExistsError, match="gs://bucket/folder/lock exists already"):
        gcs_store.write_bytes("lock", b"same", exclusive=True)


def test_a_creation_that_comes_second_fails_also_when_its_answer_is_lost(
    emulator: GcsEmulator, gcs_store: GcsStore
) -> None:
    gcs_store.write_bytes("lock", b"same", exclusive=True)
    emulator.faults.on("POST", UPLOAD, Fault(kind=Kind.LOST))
    with pytest.raises(AlreadyExistsError):
        gcs_store.write_bytes("lock", b"same", exclusive=True)


def test_a_repeated_write_does_not_undo_a_later_one(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    other = GcsStore(Bucket("bucket", Connection(emulator.endpoint), Retries()), "folder")
    later = Fault(kind=Kind.LOST, meanwhile=lambda: other.write_bytes("f", b"later"))
    emulator.faults.on("POST", UPLOAD, later)
    gcs_store.write_bytes("f", b"earlier")
    assert gcs_store.read_bytes("f") == b"later"


def test_a_write_follows_one_that_came_between(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    between = Fault(kind=Kind.SLOW, meanwhile=lambda: emulator.buckets.put("bucket", "folder/f", b"between"))
    emulator.faults.on("GET", OBJECT, between)
    gcs_store.write_bytes("f", b"last")
    assert gcs_store.read_bytes("f") == b"last"


def test_a_repeated_deletion_does_not_remove_a_later_file(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    gcs_store.write_bytes("f", b"old")
    later = Fault(kind=Kind.LOST, meanwhile=lambda: emulator.buckets.put("bucket", "folder/f", b"later"))
    emulator.faults.on("DELETE", OBJECT, later)
    gcs_store.delete("f")
    assert gcs_store.read_bytes("f") == b"later"


def test_a_deletion_follows_a_write_that_came_between(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    gcs_store.write_bytes("f", b"old")
    between = Fault(kind=Kind.SLOW, meanwhile=lambda: emulator.buckets.put("bucket", "folder/f", b"between"))
    emulator.faults.on("GET", OBJECT, between)
    gcs_store.delete("f")
    assert not gcs_store.exists("f")


@pytest.mark.usefixtures("small_requests")
def test_every_change_carries_the_generation_that_it_expects(
    emulator: GcsEmulator, gcs_store: GcsStore
) -> None:
    for size in (1, 10**6):
        for exclusive in (True, False):
            gcs_store.write_bytes(f"f{size}", bytes(size), exclusive=exclusive)
        gcs_store.delete(f"f{size}")
    changes = [
        request
        for request in emulator.requests
        if request.method in {"POST", "DELETE"} and "upload_id" not in request.query
    ]
    assert len(changes) == 6
    assert all("ifGenerationMatch" in request.query for request in changes)


def test_random_use_under_random_faults(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    """Any sequence of operations does what it does to a dictionary, whatever happens on the way."""
    met = 0
    for seed in range(12):
        choice, expected = random.Random(seed), dict[str, bytes]()
        store = gcs_store.child(str(seed))
        emulator.faults.share(seed, 0.3)
        for step in range(15):
            name, content = choice.choice("abc"), b"%d" % step
            match choice.choice(["write", "create", "delete", "read"]):
                case "write":
                    store.write_bytes(name, content)
                    expected[name] = content
                case "create":
                    if name in expected:
                        with pytest.raises(AlreadyExistsError):
                            store.write_bytes(name, content, exclusive=True)
                    else:
                        store.write_bytes(name, content, exclusive=True)
                        expected[name] = content
                case "delete":
                    store.delete(name)
                    expected.pop(name, None)
                case _:
                    assert store.exists(name) == (name in expected)
        assert {name: store.read_bytes(name) for name in store.list()} == expected
        emulator.faults.clear()
        met += sum(1 for request in emulator.requests if request.method != "GET")
    assert met > 100


def test_lasting_faults_are_transient_errors(
    emulator: GcsEmulator, gcs_store: GcsStore, fake_time: FakeTime
) -> None:
    emulator.faults.on("POST", UPLOAD, status(503, "try later"), times=None)
    with pytest.raises(
        TransientError, match=r"cannot write gs://bucket/folder/f: 503 try later; gave up after \d+ attempts"
    ):
        gcs_store.write_bytes("f", b"x")
    assert 200 < sum(fake_time.sleeps) <= 300


def test_the_server_is_given_the_time_that_it_asks_for(
    emulator: GcsEmulator, gcs_store: GcsStore, fake_time: FakeTime
) -> None:
    emulator.faults.on("POST", UPLOAD, status(429, "slow down", retry_after=17))
    gcs_store.write_bytes("f", b"x")
    assert fake_time.sleeps == [17.0]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_that_does_not_come_is_given_up(
    emulator: GcsEmulator, fake_time: FakeTime, operation: str
) -> None:
    impatient = Retries(clock=fake_time.clock, sleep=fake_time.sleep, attempt=0.2)
    store = GcsStore(Bucket("bucket", Connection(emulator.endpoint), impatient), "folder")
    emulator.buckets.put("bucket", "folder/old", b"old content")
    method, path, use = OPERATIONS[operation]
    emulator.faults.on(method, path, Fault(kind=Kind.SLOW, seconds=0.6))
    use(store)
    assert len(fake_time.sleeps) == 1


def test_damage_on_the_way_is_noticed(
    emulator: GcsEmulator, gcs_store: GcsStore, fake_time: FakeTime
) -> None:
    emulator.faults.on("POST", UPLOAD, Fault(kind=Kind.DAMAGED_REQUEST))
    gcs_store.write_bytes("f", b"content" * 1000)
    assert len(fake_time.sleeps) == 1
    emulator.faults.on("GET", DOWNLOAD, Fault(kind=Kind.DAMAGED_ANSWER))
    assert gcs_store.read_bytes("f") == b"content" * 1000
    assert len(fake_time.sleeps) == 2
    emulator.faults.on("GET", DOWNLOAD, Fault(kind=Kind.DAMAGED_ANSWER))
    with (
        gcs_store.open_read("f") as source,
        pytest.raises(TransientError, match="gs://bucket/folder/f arrived damaged .crc32c"),
    ):
        source.read()


USES: dict[str, tuple[str, str, str, Callable[[Store], object]]] = {
    "write": ("POST", UPLOAD, "roles/storage.objectUser", lambda store: store.write_bytes("f", b"")),
    "delete": ("DELETE", OBJECT, "roles/storage.objectUser", lambda store: store.delete("old")),
    "read": ("GET", DOWNLOAD, "roles/storage.objectViewer", lambda store: store.read_bytes("old")),
    "list": ("GET", LISTING, "roles/storage.objectViewer", lambda store: list(store.list())),
}


@pytest.mark.parametrize("action", USES)
def test_missing_rights_are_user_errors(
    emulator: GcsEmulator, gcs_store: GcsStore, fake_time: FakeTime, action: str
) -> None:
    gcs_store.write_bytes("old", b"old content")
    method, path, role, use = USES[action]
    emulator.faults.on(method, path, status(403, "x@y does not have access"), times=None)
    with pytest.raises(UserError) as raised:
        use(gcs_store)
    assert str(raised.value) == (
        f"may not {action} in bucket bucket (x@y does not have access); grant these credentials {role} on the bucket"
    )
    assert fake_time.sleeps == []


@pytest.mark.parametrize("action", [*USES, "exists", "open_read"])
def test_a_missing_bucket_is_a_user_error(emulator: GcsEmulator, fake_time: FakeTime, action: str) -> None:
    store = GcsStore(
        Bucket("nowhere", Connection(emulator.endpoint), Retries(sleep=fake_time.sleep)), "folder"
    )
    use = USES[action][3] if action in USES else lambda store: getattr(store, action)("f")
    with pytest.raises(
        UserError, match=r"bucket nowhere does not exist \(The specified bucket does not exist.\)"
    ):
        use(store)
    assert fake_time.sleeps == []


@pytest.mark.parametrize("renewable", [True, False])
def test_refused_credentials_are_a_user_error(
    emulator: GcsEmulator, gcs_store: GcsStore, monkeypatch: pytest.MonkeyPatch, renewable: bool
) -> None:
    if renewable:
        monkeypatch.setattr(AnonymousCredentials, "refresh", lambda credentials, request: None)
    emulator.faults.on("GET", DOWNLOAD, status(401, "Invalid Credentials"), times=None)
    with pytest.raises(UserError, match="are missing or refused .*gcloud auth application-default login"):
        gcs_store.read_bytes("f")


def test_other_refusals_are_errors_of_the_medium(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    emulator.faults.on("POST", UPLOAD, status(400, "Invalid argument."))
    with pytest.raises(OSError, match=r"cannot write in bucket bucket: 400 Invalid argument\."):
        gcs_store.write_bytes("f", b"x")


def test_long_listings_come_in_pages(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    names = [f"{index:03d}" for index in range(25)]
    for name in names:
        emulator.buckets.put("bucket", f"folder/{name}", b"")
    emulator.page_size = 10
    emulator.faults.on("GET", LISTING, status(503), nth=2)
    assert list(gcs_store.list()) == names


def test_folder_marks_of_other_tools_are_no_files(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    for name in ("folder/", "folder/sub/", "folder/sub/f"):
        emulator.buckets.put("bucket", name, b"")
    assert list(gcs_store.list()) == ["sub/f"]
