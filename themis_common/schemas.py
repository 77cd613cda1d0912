"""Every table that crosses a stage boundary, declared once.

A schema has a name, a version (raised when columns change) and its columns. The first column is always
`row_key`, the hash of what identifies the row. Readers and writers check tables against these declarations.
Source of the published columns: facts/dataset.md sections 2 and 12, facts/evaluation.md section 1.1.
"""

from dataclasses import dataclass

import pyarrow as pa

TEXT = pa.large_string()
"""Contents of files and turns of conversations: 64-bit offsets, because a shard may hold more than 2 GiB."""


@dataclass(frozen=True)
class Schema:
    """A named and versioned list of columns."""

    name: str
    version: int
    columns: pa.Schema

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return list(self.columns.names)


def _schema(name: str, version: int, *columns: pa.Field) -> Schema:
    return Schema(name, version, pa.schema([pa.field("row_key", pa.string(), nullable=False), *columns]))


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


def _optional(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=True)


_COMMIT_COLUMNS = (
    _required("commit", pa.string()),
    _required("parent", pa.string()),
    _required("repos", pa.list_(pa.string())),
    _required("licenses", pa.list_(pa.string())),
    _required("subject", pa.string()),
    _required("message", TEXT),
    _required("path", pa.string()),
    _required("old_blob", pa.string()),
    _required("new_blob", pa.string()),
    _required("unix_time", pa.int64()),
)

COMMITS = _schema("commits", 1, *_COMMIT_COLUMNS)
"""One single-file change; `repos` are all repositories that hold it, sorted; `unix_time` in seconds (committer)."""

_FILTERED_COLUMNS = (*_COMMIT_COLUMNS, _required("language", pa.string()))

FILTERED_COMMITS = _schema("filtered_commits", 1, *_FILTERED_COLUMNS)
"""A change in a wanted language (`Language.key`)."""

_CHANGE_COLUMNS = (
    *_FILTERED_COLUMNS,
    _required("repo", pa.string()),
    _required("old_contents", TEXT),
    _required("new_contents", TEXT),
)

CHANGES = _schema("changes", 1, *_CHANGE_COLUMNS)
"""A change with both versions of its file; `repo` is the repository that served them."""

_CLASSIFIED_COLUMNS = (
    *_CHANGE_COLUMNS,
    _required("criteria", pa.list_(pa.string())),
    _required("terms", pa.list_(pa.string())),
)

CLASSIFIED_CHANGES = _schema("classified_changes", 1, *_CLASSIFIED_COLUMNS)
"""A change with the criteria (`Criterion.key`, multi-label) that its message speaks of and the terms that say so."""

_RATED_COLUMNS = (
    *_CHANGE_COLUMNS,
    _required("criterion", pa.string()),
    _required("ratings", pa.list_(pa.int64())),
    _required("rating", pa.float64()),
    _required("summary", TEXT),
    _required("style", pa.string()),
    _required("instruction", TEXT),
    _required("engine", pa.string()),
)

RATED_CHANGES = _schema("rated_changes", 1, *_RATED_COLUMNS)
"""A change rated 1..5 on one criterion, with an instruction that either version of the file answers."""

JUDGED_CHANGES = _schema(
    "judged_changes",
    1,
    *_RATED_COLUMNS,
    _required("num_matches", pa.int64()),
    _required("num_contradictions", pa.int64()),
    _required("num_ties", pa.int64()),
    _required("num_errors", pa.int64()),
)
"""A rated change with the votes of the pairwise judge; the four counts sum to the number of responses."""

PAIRS = _schema(
    "preference_pairs",
    1,
    _optional("system", TEXT),
    _required("input", TEXT),
    _required("chosen", TEXT),
    _required("rejected", TEXT),
    _required("language", pa.string()),
    _required("criterion", pa.string()),
    _required("source", pa.string()),
    _required("split", pa.string()),
    _optional("repo", pa.string()),
    _optional("commit", pa.string()),
    _optional("path", pa.string()),
    _optional("license", pa.string()),
)
"""A preference pair as the trainer takes it; `split` is train or held_out; provenance is null where there is none."""

TOKENISED_PAIRS = _schema(
    "tokenised_pairs",
    1,
    _required("prefix_ids", pa.list_(pa.int32())),
    _required("chosen_ids", pa.list_(pa.int32())),
    _required("rejected_ids", pa.list_(pa.int32())),
    _required("prompt_tokens", pa.int32()),
    _required("truncated", pa.bool_()),
    _required("language", pa.string()),
    _required("criterion", pa.string()),
    _required("split", pa.string()),
)
"""A pair as token ids: the longest common token prefix once, then what is left of either side."""

TRAINING_METRICS = _schema(
    "training_metrics",
    1,
    _required("step", pa.int64()),
    _required("metric", pa.string()),
    _required("slice", pa.string()),
    _required("value", pa.float64()),
)
"""One number of a training run in long form; `slice` is "all", a criterion, a language or a bin's ends ("-1..0")."""

MODEL_FILES = _schema(
    "model_files",
    1,
    _required("path", pa.string()),
    _required("bytes", pa.int64()),
    _required("sha256", pa.string()),
)
"""The files of a model; the files themselves lie beside the table under `files/`."""

BENCHMARK = _schema(
    "benchmark",
    1,
    _required("prompt", TEXT),
    _required("chosen", TEXT),
    _required("rejected", TEXT),
    _required("language", pa.string()),
    _required("aspect", pa.string()),
    _required("subset", pa.string()),
    _required("id", pa.string()),
)
"""CodeRewardBench as published, plus the row key (the hash of `id`)."""

CELLS = _schema(
    "cells",
    3,
    _required("cell", pa.string()),
    _required("architecture", pa.string()),
    _required("model", pa.string()),
    _required("prompt_mode", pa.string()),
    _required("group", pa.string()),
    _required("pods", pa.int32()),
    _required("replicas", pa.int32()),
)
"""What is to be scored: one reward model; `model` is a task of the run, a location, or empty for a baseline.

`group` says on which image and how many GPUs a pod scores it, `pods` how many of these share it, `replicas` how many
copies of the model each holds; imported scores are no model's, and `model` is where they are.
"""

SCORES = _schema(
    "scores",
    1,
    _required("cell", pa.string()),
    _required("id", pa.string()),
    _optional("chosen_score", pa.float64()),
    _optional("rejected_score", pa.float64()),
    _required("language", pa.string()),
    _required("aspect", pa.string()),
    _required("subset", pa.string()),
    _optional("failure", pa.string()),
)
"""Both scores of one benchmark row; where one is missing, `failure` names its type."""

RESULTS = _schema(
    "results",
    1,
    _required("cell", pa.string()),
    _required("group", pa.string()),
    _required("slice", pa.string()),
    _required("metric", pa.string()),
    _required("value", pa.float64()),
    _optional("low", pa.float64()),
    _optional("high", pa.float64()),
    _required("rows", pa.int64()),
)
"""Statistics in long form; groups, slices and metrics are listed in the README of `evaluation.summarise`. In the group
`versus` the slice names the reference cell; the interval is 95 %."""

_REPUTATION_COLUMNS = (
    _required("repo", pa.string()),
    _optional("language", pa.string()),
    _optional("stars", pa.int64()),
    _optional("issues", pa.int64()),
    _optional("contributors", pa.int64()),
)

LISTED_REPOSITORIES = _schema("listed_repositories", 1, *_REPUTATION_COLUMNS, _required("list", pa.string()))
"""A repository that an allowlist (`files/<list>.json`) names, with its counts; null: too many contributors to count."""

REPOSITORY_AUDIT = _schema("repository_audit", 1, *_REPUTATION_COLUMNS, _optional("reason", pa.string()))
"""The counts of every repository that was looked at, and why it is in no list; null where it is in one."""

REJECTED = _schema(
    "rejected",
    1,
    _required("reason", pa.string()),
    _required("detail", pa.string()),
)
"""The side table of a stage: every dropped input key with its reason."""

LINEAGE = _schema("lineage", 1, _required("source_key", pa.string()))
"""The side table of a stage whose rows have other keys than their inputs: which input rows each row came from."""
