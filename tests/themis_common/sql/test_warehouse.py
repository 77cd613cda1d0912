"""Jobs in BigQuery: started once, found again, and repeated only where that can help."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from tests.fixtures.bigquery_emulator import BigQueryEmulator
from tests.fixtures.gcs_emulator import Request
from tests.fixtures.gcs_faults import Fault, Kind, status
from themis_common.errors import TransientError, UserError
from themis_common.sql.warehouse import Question, Warehouse, open_warehouse
from themis_common.sql.warehouse_errors import policy

JOBS = r"/jobs(\?|$)"
TABLE = "acme-mining.results.answer"


@pytest.fixture
def emulator() -> Iterator[BigQueryEmulator]:
    """A server with one table of three numbers."""
    numbers = pa.table({"n": pa.array([3, 1, 2], pa.int64())})
    with BigQueryEmulator({"numbers": numbers}, dataset="public-data.sample") as server:
        yield server


def warehouse(emulator: BigQueryEmulator, deadline: float = 5.0) -> Warehouse:
    opened = open_warehouse("acme-payer", "US", emulator.endpoint)
    return Warehouse(
        client=opened.client,
        location="US",
        retry=policy(first_delay=0.001, deadline=deadline),
        poll_seconds=0.0,
    )


def question(
    version: str = "1", text: str = "SELECT n + @step AS n FROM `public-data.sample.numbers`"
) -> Question:
    return Question(
        text=text, parameters={"step": 10} if "@step" in text else {}, table=TABLE, version=version
    )


def answer(
    used: Warehouse, asked: Question, *, cap: int = 1 << 30, allow: Callable[[], None] = lambda: None
) -> list[int]:
    """Run the query; returns the sorted numbers of its result."""
    used.answer(asked, maximum_bytes_billed=cap, allow=allow)
    return sorted(row["n"] for batch in used.batches(TABLE, rows=2) for row in batch.to_pylist())


def inserts(emulator: BigQueryEmulator) -> list[Request]:
    return [request for request in emulator.requests if request.method == "POST"]


def test_a_query_leaves_its_result_in_a_table(emulator: BigQueryEmulator) -> None:
    emulator.warehouse.looks_until_done = 3
    assert answer(warehouse(emulator), question()) == [11, 12, 13]
    assert len([request for request in emulator.requests if request.path.endswith("/data")]) == 2


def test_a_dry_run_starts_nothing(emulator: BigQueryEmulator) -> None:
    assert (
        warehouse(emulator).bytes_of(
            question(text="SELECT numbers.n FROM `public-data.sample.numbers` AS numbers")
        )
        == 24
    )
    assert emulator.warehouse.jobs == {}
    with pytest.raises(UserError, match="refused it"):
        warehouse(emulator).bytes_of(question(text="SELECT m FROM `public-data.sample.numbers`"))


@pytest.mark.parametrize(
    "fault",
    [
        status(503),
        status(500),
        status(429, "rate limit exceeded"),
        Fault(kind=Kind.RESET),
        Fault(kind=Kind.LOST),
    ],
    ids=lambda fault: f"{fault.kind.name} {fault.status}",
)
@pytest.mark.parametrize("place", [("POST", JOBS), ("GET", r"/jobs/"), ("GET", r"/data")], ids=str)
def test_passing_faults_start_no_second_job(
    emulator: BigQueryEmulator, fault: Fault, place: tuple[str, str]
) -> None:
    emulator.warehouse.looks_until_done = 2
    emulator.faults.on(*place, fault, times=2)
    assert answer(warehouse(emulator), question()) == [11, 12, 13]
    assert len(emulator.started()) == 1


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "backendError"])
def test_a_refusal_that_passes_is_waited_for(emulator: BigQueryEmulator, reason: str) -> None:
    emulator.refuse("POST", r"/jobs$", 403, reason, times=3)
    assert answer(warehouse(emulator), question()) == [11, 12, 13]
    assert len(inserts(emulator)) == 4


def test_what_does_not_pass_is_a_transient_error(emulator: BigQueryEmulator) -> None:
    emulator.refuse("POST", r"/jobs$", 403, "rateLimitExceeded", times=10**6)
    with pytest.raises(
        TransientError, match=r"cannot run the query in project acme-payer: .*rateLimitExceeded"
    ):
        answer(warehouse(emulator, deadline=0.05), question())
    emulator.faults.on("GET", r"/jobs/", Fault(kind=Kind.RESET), times=None)
    with pytest.raises(TransientError, match="cannot look for job"):
        answer(warehouse(emulator, deadline=0.05), question())


@pytest.mark.parametrize("reason", ["quotaExceeded", "billingNotEnabled"])
def test_a_refusal_that_stays_is_not_repeated(emulator: BigQueryEmulator, reason: str) -> None:
    emulator.refuse("POST", r"/jobs$", 403, reason)
    with pytest.raises(UserError, match="quotas and billing"):
        answer(warehouse(emulator), question())
    assert len(inserts(emulator)) == 1


def test_a_job_that_is_there_is_adopted_without_leave(emulator: BigQueryEmulator) -> None:
    def forbid() -> None:
        raise AssertionError

    assert answer(warehouse(emulator), question()) == answer(warehouse(emulator), question(), allow=forbid)
    assert len(emulator.started()) == 1


def test_a_job_that_another_started_meanwhile_is_adopted(emulator: BigQueryEmulator) -> None:
    def another_starts() -> None:
        assert answer(warehouse(emulator), question()) == [11, 12, 13]

    assert answer(warehouse(emulator), question(), allow=another_starts) == [11, 12, 13]
    assert len(emulator.started()) == 1
    assert len(inserts(emulator)) == 2


def test_query_parameters_table_and_version_make_the_job(emulator: BigQueryEmulator) -> None:
    asked = question()
    others = [
        question(version="2"),
        question(text="SELECT n FROM `public-data.sample.numbers`"),
        Question(text=asked.text, parameters={"step": 11}, table=TABLE, version="1"),
        Question(text=asked.text, parameters={"step": 10}, table=f"{TABLE}s", version="1"),
    ]
    assert len({asked.key, *(other.key for other in others)}) == 5


@pytest.mark.parametrize("reason", ["backendError", "rateLimitExceeded"])
def test_a_job_that_fails_for_a_passing_reason_is_replaced(emulator: BigQueryEmulator, reason: str) -> None:
    emulator.warehouse.failures = [{"reason": reason, "message": "try later"}] * 2
    assert answer(warehouse(emulator), question()) == [11, 12, 13]
    assert emulator.started() == [f"{question().key}-{attempt}" for attempt in range(3)]


def test_jobs_that_fail_again_and_again_are_given_up(emulator: BigQueryEmulator) -> None:
    emulator.warehouse.failures = [{"reason": "backendError", "message": "try later"}] * 4
    with pytest.raises(TransientError, match=r"gave up after 3 more jobs; .*-2 failed: try later"):
        answer(warehouse(emulator), question())
    assert answer(warehouse(emulator), question()) == [11, 12, 13]
    assert len(emulator.started()) == 5


def test_a_job_that_fails_for_good_is_told_and_the_next_run_gets_a_new_one(
    emulator: BigQueryEmulator,
) -> None:
    with pytest.raises(UserError, match=r"job themis-\w+-0 failed: Query exceeded limit for bytes billed: 5"):
        answer(
            warehouse(emulator),
            question(text="SELECT numbers.n FROM `public-data.sample.numbers` AS numbers"),
            cap=5,
        )
    later = question(text="SELECT numbers.n FROM `public-data.sample.numbers` AS numbers")
    assert answer(warehouse(emulator), later) == [1, 2, 3]
    assert emulator.started() == [f"{later.key}-0", f"{later.key}-1"]


def test_a_result_that_expired_is_made_again(emulator: BigQueryEmulator) -> None:
    answer(warehouse(emulator), question())
    del emulator.warehouse.tables[TABLE]
    assert answer(warehouse(emulator), question()) == [11, 12, 13]
    assert len(emulator.started()) == 2


def test_an_export_is_made_once_while_its_files_are_there(emulator: BigQueryEmulator) -> None:
    emulator.buckets.create("bucket")
    used = warehouse(emulator)
    answer(used, question())

    def there() -> bool:
        return bool(emulator.buckets.names("bucket"))

    for _ in range(2):
        used.export(TABLE, "gs://bucket/folder", "1", is_there=there)
    assert emulator.buckets.names("bucket") == ["folder/part-000000000000.parquet"]
    assert len(emulator.started("extract")) == 1


def test_the_state_of_a_table_changes_with_it(emulator: BigQueryEmulator) -> None:
    name = "public-data.sample.numbers"
    before = warehouse(emulator).state_of([name])
    assert warehouse(emulator).state_of([name]) == before
    emulator.warehouse.tables[name].modified += 1
    assert warehouse(emulator).state_of([name]) != before
    with pytest.raises(UserError, match=r"cannot look at the table public-data\.sample\.gone \(404"):
        warehouse(emulator).state_of(["public-data.sample.gone"])
