"""BigQuery as a stage needs it: a query that runs once, and its result as files or as record batches.

Nothing is ever asked twice of what costs money. A job's id follows from what it does, so that whoever does it again,
after a lost answer, in a restarted pod, in another pod at the same time, finds the job and waits for it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import google.auth
from google.api_core.client_info import ClientInfo
from google.api_core.exceptions import Conflict, NotFound
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud import bigquery

import themis_common
from themis_common.errors import TransientError, UserError
from themis_common.hashing import digest_of
from themis_common.sql.warehouse_errors import PASSING_REASONS, explained, policy

if TYPE_CHECKING:
    import pyarrow as pa

EMULATOR = "BIGQUERY_EMULATOR_HOST"
"""The environment variable that Google's client, too, looks for an emulator's address in."""

Job = bigquery.QueryJob | bigquery.ExtractJob
Value = int | str | list[str]

_ATTEMPTS = 3
"""Jobs that one run starts before it gives up."""
_REMEMBERED = 100
"""Failed jobs of earlier runs, whose ids cannot be used again, that are stepped over."""
_SCOPES = ("https://www.googleapis.com/auth/bigquery",)
_LABELS = {"application": "themis"}
_SECONDS_PER_REQUEST = 60.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """A query with its values, and where its result goes.

    Attributes:
        table: PROJECT.DATASET.TABLE of the result; replaced by each run.
        version: what else the result depends on, such as the state of the tables; part of the job's id.
    """

    text: str
    parameters: Mapping[str, Value]
    table: str
    version: str

    @property
    def key(self) -> str:
        """What the ids of its jobs begin with."""
        return f"themis-{digest_of([self.text, dict(self.parameters), self.table, self.version])[:32]}"

    def typed(self) -> list[bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter]:
        """The values as BigQuery takes them."""
        typed: list[bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter] = []
        for name, value in self.parameters.items():
            if isinstance(value, list):
                typed.append(bigquery.ArrayQueryParameter(name, "STRING", value))
            else:
                kind = "INT64" if isinstance(value, int) else "STRING"
                typed.append(bigquery.ScalarQueryParameter(name, kind, value))
        return typed


@dataclass(frozen=True, kw_only=True)
class Warehouse:
    """A client that acts for one project in one location.

    Attributes:
        retry: how long and how often a request is repeated.
        poll_seconds: pause between two looks at a running job.
        now: the time, for the expiry of tables.
    """

    client: bigquery.Client
    location: str
    retry: Retry = field(default_factory=policy)
    poll_seconds: float = 2.0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep

    def state_of(self, tables: Sequence[str]) -> dict[str, str]:
        """A digest of the size and the time of the last change of each table, which costs nothing to ask."""
        found = {}
        for name in tables:
            with explained(f"look at the table {name}"):
                table = self.client.get_table(name, retry=self.retry, timeout=_SECONDS_PER_REQUEST)
            found[name] = digest_of([str(table.modified), table.num_rows, table.num_bytes])
        return found

    def bytes_of(self, question: Question) -> int:
        """The bytes that the query would scan, as a dry run tells for nothing."""
        with explained(f"try the query in project {self.client.project}"):
            job = self.client.query(
                question.text,
                job_config=bigquery.QueryJobConfig(
                    dry_run=True, use_query_cache=False, query_parameters=question.typed(), labels=_LABELS
                ),
                location=self.location,
                retry=self.retry,
                job_retry=None,
                timeout=_SECONDS_PER_REQUEST,
            )
        return int(job.total_bytes_processed or 0)

    def answer(
        self, question: Question, *, maximum_bytes_billed: int, allow: Callable[[], None]
    ) -> bigquery.QueryJob:
        """Run the query, or wait for the job of an earlier attempt; its result is in `question.table`.

        Args:
            maximum_bytes_billed: BigQuery, too, refuses the job where it would bill more.
            allow: called before a job is started, and not where there is one; raises to forbid it.

        Raises:
            UserError: the query fails whenever it is run, or has failed too often.
        """

        def start(job_id: str) -> Job:
            allow()
            config = bigquery.QueryJobConfig(
                destination=question.table,
                write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
                maximum_bytes_billed=maximum_bytes_billed,
                query_parameters=question.typed(),
                labels=_LABELS,
            )
            return self.client.query(
                question.text,
                job_config=config,
                job_id=job_id,
                location=self.location,
                retry=self.retry,
                job_retry=None,
                timeout=_SECONDS_PER_REQUEST,
            )

        job = self._done(question.key, "run the query", start, lambda: self._holds(question.table))
        assert isinstance(job, bigquery.QueryJob)
        return job

    def keep_for(self, table: str, hours: int) -> int:
        """Let BigQuery delete the table in so many hours; returns the number of its rows."""
        with explained(f"set the expiry of {table}"):
            found = self.client.get_table(table, retry=self.retry, timeout=_SECONDS_PER_REQUEST)
            found.expires = self.now() + timedelta(hours=hours)
            updated = self.client.update_table(
                found, ["expires"], retry=self.retry, timeout=_SECONDS_PER_REQUEST
            )
        return int(updated.num_rows or 0)

    def export(self, table: str, folder: str, version: str, *, is_there: Callable[[], bool]) -> None:
        """Write a table as parquet files into a folder of Google Cloud Storage.

        Args:
            folder: `gs://BUCKET/FOLDER`.
            version: what the table's content depends on; part of the job's id.
            is_there: whether the files of an earlier export are still there.

        Raises:
            UserError: the files cannot be written there.
        """

        def start(job_id: str) -> Job:
            config = bigquery.ExtractJobConfig(  # type: ignore[no-untyped-call]
                destination_format="PARQUET", compression="ZSTD"
            )
            config.labels = _LABELS
            return self.client.extract_table(
                table,
                f"{folder}/part-*.parquet",
                job_id=job_id,
                job_config=config,
                location=self.location,
                retry=self.retry,
                timeout=_SECONDS_PER_REQUEST,
            )

        key = f"themis-export-{digest_of([table, folder, version])[:32]}"
        self._done(key, f"export {table} to {folder}", start, is_there)

    def batches(self, table: str, rows: int) -> Iterator["pa.RecordBatch"]:
        """The rows of a table, page by page over HTTP, at most so many at once."""
        with explained(f"read the table {table}"):
            found = self.client.list_rows(
                table, page_size=rows, retry=self.retry, timeout=_SECONDS_PER_REQUEST
            )
            yield from found.to_arrow_iterable()

    def _done(self, key: str, what: str, start: Callable[[str], Job], is_there: Callable[[], bool]) -> Job:
        """The first job under this key that succeeded, and whose result is there; started where there is none."""
        told, started = "", 0
        for attempt in range(_REMEMBERED):
            job_id = f"{key}-{attempt}"
            job, is_new = self._found(job_id), False
            if job is None:
                if started == _ATTEMPTS:
                    break
                job, is_new = self._started(job_id, what, start)
                started += 1
            with explained(what):
                while not job.done(retry=self.retry, timeout=_SECONDS_PER_REQUEST):
                    self.sleep(self.poll_seconds)
            if job.error_result is None and is_there():
                return job
            failure = job.error_result or {"message": "its result is gone"}
            told = f"job {job_id} failed: {failure.get('message', failure)}"
            if is_new and failure.get("reason") not in PASSING_REASONS:
                raise UserError(f"cannot {what}: {told}")
        raise TransientError(f"cannot {what}: gave up after {started} more jobs; {told}")

    def _started(self, job_id: str, what: str, start: Callable[[str], Job]) -> tuple[Job, bool]:
        """The job, and whether it is ours rather than one that came into being at the same moment."""
        with explained(f"{what} in project {self.client.project}"):
            try:
                return start(job_id), True
            except Conflict:
                job = self._found(job_id)
                if job is None:
                    raise
                return job, False

    def _found(self, job_id: str) -> Job | None:
        with explained(f"look for job {job_id} in project {self.client.project}"):
            try:
                job = self.client.get_job(
                    job_id, location=self.location, retry=self.retry, timeout=_SECONDS_PER_REQUEST
                )
            except NotFound:
                return None
        assert isinstance(job, bigquery.QueryJob | bigquery.ExtractJob)
        return job

    def _holds(self, table: str) -> bool:
        with explained(f"look at the table {table}"):
            try:
                self.client.get_table(table, retry=self.retry, timeout=_SECONDS_PER_REQUEST)
            except NotFound:
                return False
        return True


def open_warehouse(project: str, location: str, emulator: str | None) -> Warehouse:
    """A warehouse with the credentials of this process.

    Args:
        project: pays for queries.
        emulator: address of an emulator, which is talked to without credentials; None for Google Cloud.

    Raises:
        UserError: there are no credentials (says how to log in), or the address is none.
    """
    if emulator and "://" not in emulator:
        raise UserError(f"{EMULATOR}={emulator} is no address; write it as http://HOST:PORT")
    credentials: Credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    if not emulator:
        with explained("log in"):
            credentials, _ = google.auth.default(scopes=_SCOPES)
    client = bigquery.Client(
        project=project,
        credentials=credentials,
        location=location,
        client_info=ClientInfo(  # type: ignore[no-untyped-call]
            user_agent=f"themis/{themis_common.__version__}"
        ),
        client_options={"api_endpoint": emulator} if emulator else None,
    )
    return Warehouse(client=client, location=location, retry=policy())
