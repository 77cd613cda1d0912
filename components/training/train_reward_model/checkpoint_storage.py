"""PyTorch's distributed checkpoint in a store: on a disk, on a mounted bucket or in a bucket, always the same files.

    shard-<rank>-<number>.bin   tensors of one rank, one after another, as they lie in memory
    index.json                  which part of which tensor lies where; written by the first rank when all shards are

A rank reads only the rows that it needs, so a checkpoint loads at any number of ranks. Nothing in it is a pickle.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any, BinaryIO, TypeVar

import torch
from torch import Tensor
from torch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)
from torch.distributed.checkpoint.planner import (
    LoadPlan,
    LoadPlanner,
    ReadItem,
    SavePlan,
    SavePlanner,
    WriteItem,
)
from torch.distributed.checkpoint.storage import StorageReader, StorageWriter, WriteResult
from torch.futures import Future

from themis_common.errors import UserError
from themis_common.store import Store

INDEX = "index.json"
SHARD_BYTES = 1 << 30
"""A shard ends with the tensor that brings it here: what a broken upload has to send again."""
_AT_ONCE = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the bytes of one chunk of a tensor lie."""

    file: str
    start: int


class StoreWriter(StorageWriter):
    """Writes the own part of a checkpoint.

    Args:
        store: the checkpoint's folder.
        complete: called on the first rank when everything of all ranks is written.

    Raises, while writing:
        UserError: the medium is full or cannot be written.
    """

    def __init__(self, store: Store, rank: int, complete: Callable[[], None]) -> None:
        self._store = store
        self._rank = rank
        self._complete = complete

    def reset(self, _checkpoint_id: object = None) -> None:
        """Nothing is kept between saves."""

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        pass

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        return plans

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        shards = list(enumerate(_shards(plan.items)))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            written = pool.map(lambda shard: self._write_shard(shard[0], shard[1], planner), shards)
            return _finished([result for results in written for result in results])

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        places = {result.index: result.storage_data for part in results for result in part}
        self._store.write_bytes(INDEX, json.dumps(_as_json(metadata, places)).encode())
        self._complete()

    @classmethod
    def validate_checkpoint_id(cls, _checkpoint_id: object) -> bool:
        return False

    def _write_shard(
        self, number: int, items: Sequence[WriteItem], planner: SavePlanner
    ) -> list[WriteResult]:
        file = f"shard-{self._rank:05d}-{number:03d}.bin"
        results, start = [], 0
        with self._store.open_write(file) as stream:
            for item in items:
                tensor = planner.resolve_data(item)
                assert isinstance(tensor, Tensor), f"{item.index.fqn} is no tensor"
                size = stream.write(_bytes_of(tensor.detach().contiguous()))
                results.append(WriteResult(item.index, size, _Place(file, start)))
                start += size
        return results


class StoreReader(StorageReader):
    """Reads a checkpoint that `StoreWriter` wrote."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: dict[MetadataIndex, _Place] = {}

    def reset(self, _checkpoint_id: object = None) -> None:
        """A reader serves one checkpoint."""

    def read_metadata(self, *_: Any, **__: Any) -> Metadata:
        metadata, self._places = _from_json(json.loads(self._store.read_bytes(INDEX)))
        self._chunks = {
            MetadataIndex(name, chunk.offsets): (chunk.sizes, stored.properties.dtype)
            for name, stored in metadata.state_dict_metadata.items()
            if isinstance(stored, TensorStorageMetadata)
            for chunk in stored.chunks
        }
        return metadata

    def set_up_storage_reader(
        self, metadata: Metadata, is_coordinator: bool, *args: Any, **kwargs: Any
    ) -> None:
        pass

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        return plans

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        def place(item: ReadItem) -> tuple[str, int]:
            found = self._places[item.storage_index]
            return found.file, found.start

        items = sorted(plan.items, key=place)
        files = [(file, list(group)) for file, group in groupby(items, lambda item: place(item)[0])]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda found: self._read_shard(found[0], found[1], planner), files):
                pass
        return _finished(None)

    @classmethod
    def validate_checkpoint_id(cls, _checkpoint_id: object) -> bool:
        return False

    def _read_shard(self, file: str, items: Sequence[ReadItem], planner: LoadPlanner) -> None:
        with self._store.open_read(file) as stream:
            for item in items:
                part = self._read_rows(stream, item)
                target = planner.resolve_tensor(item).detach()
                target.copy_(part)
                planner.commit_tensor(item, target)

    def _read_rows(self, stream: BinaryIO, item: ReadItem) -> Tensor:
        """The wanted part of a chunk; of its first dimension, nothing else is read."""
        sizes, dtype = self._chunks[item.storage_index]
        place = self._places[item.storage_index]
        first, rows = (item.storage_offsets[0], item.lengths[0]) if sizes else (0, 1)
        part = torch.empty((rows, *sizes[1:]) if sizes else (), dtype=dtype)
        stream.seek(place.start + first * prod(sizes[1:]) * dtype.itemsize)
        if stream.readinto(_bytes_of(part)) != part.nbytes:  # type: ignore[attr-defined]
            raise UserError(
                f"{self._store.uri}/{place.file} is shorter than the checkpoint's index says: delete this checkpoint, "
                "and the run goes on from the one before"
            )
        for dimension in range(1, len(sizes)):
            part = part.narrow(dimension, item.storage_offsets[dimension], item.lengths[dimension])
        return part


def _shards(items: Iterable[WriteItem]) -> Iterator[list[WriteItem]]:
    """The tensors of a rank in files of about SHARD_BYTES."""
    shard: list[WriteItem] = []
    filled = 0
    for item in items:
        assert item.tensor_data is not None, f"{item.index.fqn} is no tensor"
        shard.append(item)
        filled += prod(item.tensor_data.chunk.sizes) * item.tensor_data.properties.dtype.itemsize
        if filled >= SHARD_BYTES:
            yield shard
            shard, filled = [], 0
    if shard:
        yield shard


def _bytes_of(tensor: Tensor) -> memoryview:
    """The memory of a contiguous CPU tensor."""
    # bfloat16 is no type of numpy's, bytes are
    return tensor.view(-1).view(torch.uint8).numpy().data


def _finished(value: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(value)
    return future


def _as_json(metadata: Metadata, places: dict[MetadataIndex, _Place]) -> dict[str, Any]:
    tensors = {}
    for name, stored in metadata.state_dict_metadata.items():
        assert isinstance(stored, TensorStorageMetadata), f"{name} is no tensor"
        chunks = [(chunk, places[MetadataIndex(name, chunk.offsets)]) for chunk in stored.chunks]
        tensors[name] = {
            "dtype": str(stored.properties.dtype).removeprefix("torch."),
            "size": list(stored.size),
            "chunks": [
                {
                    "offsets": list(chunk.offsets),
                    "sizes": list(chunk.sizes),
                    "file": place.file,
                    "start": place.start,
                }
                for chunk, place in chunks
            ],
        }
    return {"tensors": tensors}


def _from_json(document: dict[str, Any]) -> tuple[Metadata, dict[MetadataIndex, _Place]]:
    tensors, places = {}, {}
    for name, stored in document["tensors"].items():
        chunks = []
        for found in stored["chunks"]:
            offsets = torch.Size(found["offsets"])
            chunks.append(ChunkStorageMetadata(offsets=offsets, sizes=torch.Size(found["sizes"])))
            places[MetadataIndex(name, offsets)] = _Place(found["file"], found["start"])
        tensors[name] = TensorStorageMetadata(
            properties=TensorProperties(dtype=getattr(torch, stored["dtype"])),
            size=torch.Size(stored["size"]),
            chunks=chunks,
        )
    return Metadata(state_dict_metadata={**tensors}), places
