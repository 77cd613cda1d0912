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


def schema_of(name: str, version: int, *columns: pa.Field) -> Schema:
    """A table of these columns after its `row_key`."""
    return Schema(name, version, pa.schema([pa.field("row_key", pa.string(), nullable=False), *columns]))


def required(name: str, kind: pa.DataType) -> pa.Field:
    """A column that has a value in every row."""
    return pa.field(name, kind, nullable=False)


def optional(name: str, kind: pa.DataType) -> pa.Field:
    """A column that may be null."""
    return pa.field(name, kind, nullable=True)


_COMMIT_COLUMNS = (
    required("commit", pa.string()),
    required("parent", pa.string()),
    required("repos", pa.list_(pa.string())),
    required("licenses", pa.list_(pa.string())),
    required("subject", pa.string()),
    required("message", TEXT),
    required("path", pa.string()),
    required("old_blob", pa.string()),
    required("new_blob", pa.string()),
    required("unix_time", pa.int64()),
)

COMMITS = schema_of("commits", 1, *_COMMIT_COLUMNS)
"""One single-file change; `repos` are all repositories that hold it, sorted; `unix_time` in seconds (committer)."""

_FILTERED_COLUMNS = (*_COMMIT_COLUMNS, required("language", pa.string()))

FILTERED_COMMITS = schema_of("filtered_commits", 1, *_FILTERED_COLUMNS)
"""A change in a wanted language (`Language.key`)."""

_CHANGE_COLUMNS = (
    *_FILTERED_COLUMNS,
    required("repo", pa.string()),
    required("old_contents", TEXT),
    required("new_contents", TEXT),
)

CHANGES = schema_of("changes", 1, *_CHANGE_COLUMNS)
"""A change with both versions of its file; `repo` is the repository that served them."""

_CLASSIFIED_COLUMNS = (
    *_CHANGE_COLUMNS,
    required("criteria", pa.list_(pa.string())),
    required("terms", pa.list_(pa.string())),
)

CLASSIFIED_CHANGES = schema_of("classified_changes", 1, *_CLASSIFIED_COLUMNS)
"""A change with the criteria (`Criterion.key`, multi-label) that its message speaks of and the terms that say so."""

_RATED_COLUMNS = (
    *_CHANGE_COLUMNS,
    required("criterion", pa.string()),
    required("ratings", pa.list_(pa.int64())),
    required("rating", pa.float64()),
    required("summary", TEXT),
    required("style", pa.string()),
    required("instruction", TEXT),
    required("engine", pa.string()),
)

RATED_CHANGES = schema_of("rated_changes", 1, *_RATED_COLUMNS)
"""A change rated 1..5 on one criterion, with an instruction that either version of the file answers."""

JUDGED_CHANGES = schema_of(
    "judged_changes",
    1,
    *_RATED_COLUMNS,
    required("num_matches", pa.int64()),
    required("num_contradictions", pa.int64()),
    required("num_ties", pa.int64()),
    required("num_errors", pa.int64()),
)
"""A rated change with the votes of the pairwise judge; the four counts sum to the number of responses."""

PAIRS = schema_of(
    "preference_pairs",
    1,
    optional("system", TEXT),
    required("input", TEXT),
    required("chosen", TEXT),
    required("rejected", TEXT),
    required("language", pa.string()),
    required("criterion", pa.string()),
    required("source", pa.string()),
    required("split", pa.string()),
    optional("repo", pa.string()),
    optional("commit", pa.string()),
    optional("path", pa.string()),
    optional("license", pa.string()),
)
"""A preference pair as the trainer takes it; `split` is train or held_out; provenance is null where there is none."""

TOKENISED_PAIRS = schema_of(
    "tokenised_pairs",
    1,
    required("prefix_ids", pa.list_(pa.int32())),
    required("chosen_ids", pa.list_(pa.int32())),
    required("rejected_ids", pa.list_(pa.int32())),
    required("prompt_tokens", pa.int32()),
    required("truncated", pa.bool_()),
    required("language", pa.string()),
    required("criterion", pa.string()),
    required("split", pa.string()),
)
"""A pair as token ids: the longest common token prefix once, then what is left of either side."""

TRAINING_METRICS = schema_of(
    "training_metrics",
    1,
    required("step", pa.int64()),
    required("metric", pa.string()),
    required("slice", pa.string()),
    required("value", pa.float64()),
)
"""One number of a training run in long form; `slice` is "all", a criterion, a language or a bin's ends ("-1..0")."""

MODEL_FILES = schema_of(
    "model_files",
    1,
    required("path", pa.string()),
    required("bytes", pa.int64()),
    required("sha256", pa.string()),
)
"""The files of a model; the files themselves lie beside the table under `files/`."""

BENCHMARK = schema_of(
    "benchmark",
    1,
    required("prompt", TEXT),
    required("chosen", TEXT),
    required("rejected", TEXT),
    required("language", pa.string()),
    required("aspect", pa.string()),
    required("subset", pa.string()),
    required("id", pa.string()),
)
"""CodeRewardBench as published, plus the row key (the hash of `id`)."""

CELLS = schema_of(
    "cells",
    3,
    required("cell", pa.string()),
    required("architecture", pa.string()),
    required("model", pa.string()),
    required("prompt_mode", pa.string()),
    required("group", pa.string()),
    required("pods", pa.int32()),
    required("replicas", pa.int32()),
)
"""What is to be scored: one reward model; `model` is a task of the run, a location, or empty for a baseline.

`group` says on which image and how many GPUs a pod scores it, `pods` how many of these share it, `replicas` how many
copies of the model each holds; imported scores are no model's, and `model` is where they are.
"""

SCORES = schema_of(
    "scores",
    1,
    required("cell", pa.string()),
    required("id", pa.string()),
    optional("chosen_score", pa.float64()),
    optional("rejected_score", pa.float64()),
    required("language", pa.string()),
    required("aspect", pa.string()),
    required("subset", pa.string()),
    optional("failure", pa.string()),
)
"""Both scores of one benchmark row; where one is missing, `failure` names its type."""

RESULTS = schema_of(
    "results",
    1,
    required("cell", pa.string()),
    required("group", pa.string()),
    required("slice", pa.string()),
    required("metric", pa.string()),
    required("value", pa.float64()),
    optional("low", pa.float64()),
    optional("high", pa.float64()),
    required("rows", pa.int64()),
)
"""Statistics in long form; groups, slices and metrics are listed in the README of `evaluation.summarise`. In the group
`versus` the slice names the reference cell; the interval is 95 %."""

_REPUTATION_COLUMNS = (
    required("repo", pa.string()),
    optional("language", pa.string()),
    optional("stars", pa.int64()),
    optional("issues", pa.int64()),
    optional("contributors", pa.int64()),
)

LISTED_REPOSITORIES = schema_of("listed_repositories", 1, *_REPUTATION_COLUMNS, required("list", pa.string()))
"""A repository that an allowlist (`files/<list>.json`) names, with its counts; null: too many contributors to count."""

REPOSITORY_AUDIT = schema_of("repository_audit", 1, *_REPUTATION_COLUMNS, optional("reason", pa.string()))
"""The counts of every repository that was looked at, and why it is in no list; null where it is in one."""

REJECTED = schema_of(
    "rejected",
    1,
    required("reason", pa.string()),
    required("detail", pa.string()),
)
"""The side table of a stage: every dropped input key with its reason."""

LINEAGE = schema_of("lineage", 1, required("source_key", pa.string()))
"""The side table of a stage whose rows have other keys than their inputs: which input rows each row came from."""
