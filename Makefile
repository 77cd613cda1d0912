# Everything a new machine needs: `make demo` and `make test`. Each target installs what it needs into .venv once;
# later calls find it there and work offline.
#
#   TORCH=cpu|cuda   cuda: Liger's kernels, too (default cpu)
#   TORCH_INDEX=URL  the index to take torch from, where pip's own has another build of it than is wanted
#   PYTHON=...       the interpreter to make .venv with (3.11 is what the lock was resolved for)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH ?= cpu
TORCH_INDEX ?=
TORCH_VERSION := 2.13.0
TORCH_REQUIREMENT := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==$(TORCH_VERSION)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-$(TORCH)
LOCK := images/development.lock
VLLM_VENV := .venv-vllm
VLLM_LOCK := images/llm/cpu.lock

.PHONY: demo test test-all lint bench gpu liger vllm lock-tools lock lock-vllm clean

demo: $(INSTALLED)
	$(BIN)/themis demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -m "not slow and not container and not browser"

# Also the slow ones, containers, the browser and vLLM, as .ci/run does; timed benchmarks are `make bench`.
test-all: $(INSTALLED)
	$(BIN)/python -m pytest --ignore tests/benchmarks

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python -m pytest tests/benchmarks -m "" -s

# The proof on one GPU, in whatever environment has PyTorch for CUDA; call it again until it exits with 0.
GPU_PYTHON ?= $(or $(wildcard $(BIN)/python),python3)
GPU_RESULTS ?= tests/benchmarks/results/$(shell date +%F)-h200.md

gpu:
	$(GPU_PYTHON) -m tests.gpu --results $(GPU_RESULTS)

# torch comes first and by exact version, so that nothing below asks an index for another build of it. For Linux PyPI
# has the CUDA build alone.
$(INSTALLED): pyproject.toml $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(TORCH_REQUIREMENT)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $(LOCK)
ifeq ($(TORCH),cuda)
	$(BIN)/python -m pip install --quiet "liger-kernel>=0.8.5,<0.9"
endif
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# Liger's kernels on the CPU, in Triton's interpreter, for the test that runs them; versions as in images/train.
liger: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps liger-kernel==0.8.5 triton==3.7.1

# vLLM on the CPU, for the tests that run it; in an environment of its own (see images/llm/cpu.in). What its lock leaves
# out must not stay behind from an earlier one: the CUDA builds of torchvision and its kin keep vLLM from starting.
vllm: $(VLLM_VENV)/.installed

$(VLLM_VENV)/.installed: pyproject.toml $(VLLM_LOCK)
	$(PYTHON) -m venv --clear $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip install --quiet $(TORCH_REQUIREMENT)
	$(VLLM_VENV)/bin/python -m pip install --quiet --no-deps --require-hashes -r $(VLLM_LOCK)
	$(VLLM_VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# Name the writer, and drop the end, where pip-compile lists torch all the same: the build that this machine has.
FINISH_LOCK = sed -i -e '1i \# Written by: make $@' -e '/^$$/d' -e '/^\# The following packages are considered/,$$d'

# What resolves locks; only who changes dependencies needs it.
lock-tools: $(INSTALLED)
	$(BIN)/python -m pip install --quiet "pip-tools>=7.6,<8"

# Resolve the extras again, for every platform's wheels, and write the lock. torch is left out: see above.
lock: lock-tools
	$(BIN)/python -m piptools compile --generate-hashes --allow-unsafe --strip-extras --quiet --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --unsafe-package torch \
	  --extra data --extra llm --extra train --extra trackers --extra evaluate --extra launcher --extra kfp --extra dev \
	  --output-file $(LOCK) pyproject.toml
	$(FINISH_LOCK) $(LOCK)

lock-vllm: lock-tools
	$(BIN)/python -m piptools compile --generate-hashes --allow-unsafe --strip-extras --quiet --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --unsafe-package torch \
	  --unsafe-package torchaudio --unsafe-package torchcodec --unsafe-package torchvision \
	  --extra evaluate --extra llm --output-file $(VLLM_LOCK) pyproject.toml images/llm/cpu.in
	$(FINISH_LOCK) $(VLLM_LOCK)

clean:
	rm -rf $(VENV) $(VLLM_VENV) runs dist build *.egg-info
