"""Where the files of a benchmark are: a file or folder of any store, or a data set of the hub at a commit."""

from collections.abc import Mapping

from themis_common.datasets.manifest import DATA, MANIFEST
from themis_common.errors import UserError
from themis_common.hashing import stream_digest
from themis_common.hub import HubSource, fetch_hub_folder, hub_source
from themis_common.store import Store, open_store

_SUFFIX = ".parquet"


def locate(benchmark: str) -> tuple[Store, list[str]]:
    """The folder of a benchmark and its parquet files in name order; from the hub they are fetched first.

    Raises:
        UserError: there is no such file, or the hub does not give it.
    """
    on_hub = hub_source(benchmark)
    location = _fetched(on_hub) if on_hub else benchmark.rstrip("/")
    if location.endswith(_SUFFIX):
        folder, _, file = location.rpartition("/")
        store = open_store(folder or ".")
        if not store.exists(file):
            raise UserError(
                f"{benchmark}: no such file; set benchmark to a .parquet file or a folder of them"
            )
        return store, [file]
    store = open_store(location)
    # a dataset of ours has other tables beside its rows
    rows = f"{DATA}/" if store.exists(MANIFEST) else ""
    files = [name for name in store.list(rows) if name.endswith(_SUFFIX)]
    if not files:
        raise UserError(
            f"{benchmark} holds no .parquet file; set benchmark to a .parquet file, a folder of them, or "
            "OWNER/NAME@COMMIT on the Hugging Face hub"
        )
    return store, files


def file_digests(benchmark: str) -> Mapping[str, str]:
    """SHA-256 of every file of a benchmark, by its name."""
    store, files = locate(benchmark)
    return {file: _sha256(store, file) for file in files}


def _fetched(source: HubSource) -> str:
    wanted = source.path if source.path.endswith(_SUFFIX) else f"{source.path}/*{_SUFFIX}".lstrip("/")
    return str(fetch_hub_folder(source, "dataset", [wanted]) / source.path)


def _sha256(store: Store, file: str) -> str:
    with store.open_read(file) as stream:
        return stream_digest(stream)
