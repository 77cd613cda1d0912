"""A launcher in a process of its own, to be told to stop and killed: `python -m tests.gpu.launch_job JOB`."""

import sys
from pathlib import Path

from components.training.train_reward_model.job import Job
from components.training.train_reward_model.launch import run_job

if __name__ == "__main__":
    file = Path(sys.argv[1])
    run_job(Job.read(file), file, 1)
