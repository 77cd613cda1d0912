"""Checkpoints: complete ones only, on a disk and in a bucket, for any number of ranks; none lost when one fails."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from components.training.train_reward_model.checkpoint import Checkpoints, Progress
from components.training.train_reward_model.checkpoint_storage import INDEX
from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.lease import Holder, Lease
from components.training.train_reward_model.metrics import Curves
from components.training.train_reward_model.parallel import joined_ranks
from components.training.train_reward_model.sampler import DataState
from tests.components.training.train_reward_model.outputs import outputs
from tests.components.training.train_reward_model.save_and_load import make, whole
from tests.fixtures.gcs_emulator import GcsEmulator
from themis_common.errors import UserError
from themis_common.store import Store, open_store
from themis_common.store.gcs_bucket import EMULATOR

MakeJob = Callable[..., Job]
Train = Callable[..., bool]
ROOT = Path(__file__).parents[4]
CONFIG = TrainRewardModelConfig(device="cpu")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder in a bucket that the real client talks to."""
    with GcsEmulator() as running:
        running.buckets.create("bucket")
        monkeypatch.setenv(EMULATOR, running.endpoint)
        yield "gs://bucket/checkpoints"


def names(store: Store) -> list[str]:
    """The checkpoints that there is anything of."""
    return sorted({path.partition("/")[0] for path in store.list("step-")})


def progress(step: int) -> Progress:
    return Progress(step=step, data=DataState(seed=1, cursor=step))


def torchrun(ranks: int, *arguments: str) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)),
            *("-m", "tests.components.training.train_reward_model.save_and_load", *arguments),
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
    )


@pytest.mark.slow
def test_what_two_ranks_save_in_a_bucket_one_and_three_load(tmp_path: Path, bucket: str) -> None:
    torchrun(2, "save", bucket, str(tmp_path / "saved"))
    saved = torch.load(tmp_path / "saved", weights_only=True)
    for ranks in (1, 3):
        torchrun(ranks, "load", bucket, str(tmp_path / "loaded"))
        loaded = torch.load(tmp_path / "loaded", weights_only=True)
        assert loaded.keys() == saved.keys()
        for name, tensor in saved.items():
            assert torch.equal(loaded[name], tensor), name
            assert loaded[name].dtype == tensor.dtype


def test_a_run_with_checkpoints_in_a_bucket_goes_on_to_the_same_bytes(
    make_job: MakeJob, train: Train, bucket: str
) -> None:
    undisturbed, stopped = make_job(), make_job(checkpoints=bucket)
    train(undisturbed)
    assert not train(stopped, stop_after=3)
    assert names(open_store(bucket)) == ["step-00000002.0000", "step-00000003.0000"]
    assert train(stopped)
    assert outputs(stopped) == outputs(undisturbed)


def test_only_complete_checkpoints_count_and_old_ones_go(make_job: MakeJob, train: Train) -> None:
    undisturbed, job = make_job(), make_job(keep_checkpoints=1)
    train(undisturbed)
    train(job, stop_after=3)
    folder = Path(job.checkpoints)
    assert names(open_store(folder)) == ["step-00000003.0000"]
    # a newer one that a killed process has left unfinished: all of it is there but for the last file
    shutil.copytree(folder / "step-00000003.0000", folder / "step-00000004.0000")
    (folder / "step-00000004.0000" / "checkpoint.json").unlink()
    train(job)
    assert outputs(job) == outputs(undisturbed)


def test_a_checkpoint_of_another_run_is_refused(make_job: MakeJob, train: Train) -> None:
    mine, other = make_job(identity="mine"), make_job(identity="other")
    train(mine, stop_after=2)
    shutil.copytree(mine.checkpoints, other.checkpoints, dirs_exist_ok=True)
    with pytest.raises(UserError, match="belongs to a run with another configuration"):
        train(other)


def test_a_checkpoint_that_was_cut_short_is_named(make_job: MakeJob, train: Train) -> None:
    job = make_job()
    train(job, stop_after=2)
    (shard,) = (Path(job.checkpoints) / "step-00000002.0000").glob("shard-*")
    with shard.open("r+b") as file:
        file.truncate(shard.stat().st_size - 1)
    with pytest.raises(UserError, match=r"shard-00000-000.bin is shorter .*: delete this checkpoint"):
        train(job)


def test_a_checkpoint_holds_no_pickle(make_job: MakeJob, train: Train) -> None:
    job = make_job()
    train(job, stop_after=2)
    (folder,) = Path(job.checkpoints).glob("step-*")
    assert {path.suffix for path in folder.iterdir()} == {".bin", ".json", ".jsonl"}
    size = sum(
        torch.Size(chunk["sizes"]).numel() * getattr(torch, tensor["dtype"]).itemsize
        for tensor in json.loads((folder / INDEX).read_bytes())["tensors"].values()
        for chunk in tensor["chunks"]
    )
    assert sum(path.stat().st_size for path in folder.glob("*.bin")) == size


def test_what_is_saved_is_what_was_there_and_the_buffers_are_kept(alone: None, tmp_path: Path) -> None:
    with joined_ranks(CONFIG) as ranks:
        checkpoints = Checkpoints(open_store(tmp_path), "job", 2, ranks, lease=None)
        model, optimizer = make(1)
        expected, buffers = [], []
        for step in (1, 2):
            expected.append(whole(model, optimizer))
            checkpoints.save(progress(step), model, optimizer, Curves())
            checkpoints.wait_for_copy()
            buffers.append(_buffers(checkpoints))
            # training goes on while the checkpoint is written
            optimizer.step()
        checkpoints.finish()
        assert buffers[0] == buffers[1]
        assert buffers[0]
        for step, saved in zip((1, 2), expected, strict=True):
            checkpoints.load(f"step-{step:08d}.0000", model, optimizer)
            for name, tensor in whole(model, optimizer).items():
                assert torch.equal(tensor, saved[name]), name
        checkpoints.close()


def _buffers(checkpoints: Checkpoints) -> set[int]:
    """Where the copies lie: the stager keeps them by the storage that they copy."""
    cached = checkpoints._stager._state_dict_stager._cached_storage_mapping
    return {storage.data_ptr() for storage in cached.values()}


def test_a_full_disk_ends_the_run_with_one_line_and_the_checkpoint_before_stays(
    alone: None, tmp_path: Path
) -> None:
    with joined_ranks(CONFIG) as ranks:
        checkpoints = Checkpoints(open_store(tmp_path), "job", 1, ranks, lease=None)
        model, optimizer = make(1)
        checkpoints.save(progress(1), model, optimizer, Curves())
        checkpoints.finish()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            # fails a write as a full disk does, with its own number and advice
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
            checkpoints.save(progress(2), model, optimizer, Curves())
            with pytest.raises(
                UserError,
                match=r"cannot write .*step-00000002.0000/shard-00000-000.bin: file too large; raise",
            ):
                checkpoints.finish()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert checkpoints.latest() == "step-00000001.0000"
        checkpoints.close()
        again = Checkpoints(open_store(tmp_path), "job", 1, ranks, lease=None)
        assert names(open_store(tmp_path)) == ["step-00000001.0000"]
        again.close()


def test_who_has_lost_the_lease_publishes_nothing(alone: None, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    time = [0.0]
    leases = [
        Lease(store, Holder(name=name, process=""), clock=lambda: time[0], sleep=lambda seconds: None)
        for name in ("first", "second")
    ]
    with joined_ranks(CONFIG) as ranks:
        leases[0].acquire(0, print)
        checkpoints = Checkpoints(store, "job", 1, ranks, leases[0])
        model, optimizer = make(1)
        store.write_bytes("lease-00000002.json", store.read_bytes("lease-00000001.json"))
        time[0] += 60
        checkpoints.save(progress(1), model, optimizer, Curves())
        with pytest.raises(UserError, match="taken over by another training run"):
            checkpoints.finish()
        assert checkpoints.latest() is None
        checkpoints.close()
