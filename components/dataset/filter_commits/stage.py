"""Keep the changes of files in wanted languages and, where allowlists are given, of listed repositories.

Source: facts/dataset.md sections 4 and 5.
"""

from collections.abc import Mapping

import pyarrow as pa

from components.dataset.filter_commits.allowlists import load_allowlists
from components.dataset.filter_commits.extensions import LanguageMap, MapName
from components.dataset.filter_commits.verdicts import REASONS, CommitFilter, Verdicts
from themis_common.config import config, option
from themis_common.datasets.reader import DatasetReader
from themis_common.hashing import digest_of
from themis_common.schemas import COMMITS, FILTERED_COMMITS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.taxonomy import CODE_LANGUAGES

_JUDGED_BY = ("path", "repos")


@config
class FilterCommitsConfig:
    """What to keep."""

    languages: tuple[str, ...] = option(
        tuple(language.key for language in CODE_LANGUAGES),
        help="languages to keep, under any of their names",
    )
    extensions: MapName = option(
        "extended",
        help="published: the 33 extensions of the published map; extended: also those that it lacks",
    )
    match_case: bool = option(
        False, help="tell .R from .r; the published data set did, and lost nearly all R files by it"
    )
    allowlists: tuple[str, ...] = option(
        (),
        help="JSON files of owner/project names to keep, folders of them, or outputs of build_allowlists; none: any",
        shared="allowlists",
        # what the output depends on are the names, which are in the fingerprint
        affects_result=False,
    )

    def __post_init__(self) -> None:
        self.wanted()

    def language_map(self) -> LanguageMap:
        """The extension map to look files up in."""
        return LanguageMap(self.extensions, match_case=self.match_case)

    def wanted(self) -> frozenset[str]:
        """The languages to keep, as rows name them."""
        known = self.language_map()
        return frozenset(known.parse(name) for name in self.languages)

    def commit_filter(self) -> CommitFilter:
        """The rules that all of this comes to.

        Raises:
            UserError: an allowlist is missing or is none.
        """
        return CommitFilter(
            language_map=self.language_map(),
            wanted=self.wanted(),
            allowed=load_allowlists(self.allowlists) if self.allowlists else None,
        )


def _fingerprint(config: FilterCommitsConfig) -> Mapping[str, str]:
    if not config.allowlists:
        return {}
    return {"allowlists": digest_of(load_allowlists(config.allowlists).to_pylist())}


def _work(context: Context[FilterCommitsConfig], unit: str, output: UnitOutput) -> None:
    commits = context.inputs["commits"]
    verdicts = _judge(commits, unit, context.config.commit_filter())
    done = 0
    for batch in commits.batches(unit):
        of_batch = slice(done, done + batch.num_rows)
        _hand_on(batch, Verdicts(verdicts.languages[of_batch], verdicts.reasons[of_batch]), output)
        done = of_batch.stop
        context.progress.update(done, len(verdicts.reasons), "commits")


def _judge(commits: DatasetReader, unit: str, rules: CommitFilter) -> Verdicts:
    """Decide about a whole shard, of which only the columns that matter are held: some 100 bytes a row."""
    columns = pa.schema([COMMITS.columns.field(name) for name in _JUDGED_BY])
    table = pa.Table.from_batches(commits.batches(unit, _JUDGED_BY), columns).combine_chunks()
    return rules.judge(*(_one_chunk(table[name]) for name in _JUDGED_BY))


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _hand_on(batch: pa.RecordBatch, verdicts: Verdicts, output: UnitOutput) -> None:
    """Emit the kept rows of a batch and drop the others."""
    output.read(batch["row_key"].to_pylist())
    languages = verdicts.languages.filter(pa.array(verdicts.kept))
    kept = batch.filter(pa.array(verdicts.kept)).append_column(
        FILTERED_COMMITS.columns.field("language"), languages
    )
    for row in kept.to_pylist():
        output.emit(row)
    dropped = pa.record_batch(
        {
            "key": batch["row_key"],
            "path": batch["path"],
            "language": verdicts.languages,
            "repos": batch["repos"],
            "reason": pa.array(verdicts.reasons),
        }
    ).filter(pa.array(~verdicts.kept))
    for row in dropped.to_pylist():
        reason = REASONS[row["reason"]]
        output.drop(row["key"], reason, _detail(reason, row))


def _detail(reason: str, row: Mapping[str, str | list[str]]) -> str:
    """What a reader wants to know of a dropped commit."""
    match reason:
        case "extension_unknown":
            return str(row["path"])
        case "language_not_wanted":
            return str(row["language"])
        case _:
            return " ".join(row["repos"])


STAGE = Stage(
    name="dataset.filter_commits",
    version=1,
    config=FilterCommitsConfig,
    inputs={"commits": COMMITS},
    output=FILTERED_COMMITS,
    reasons=REASONS,
    work=_work,
    fingerprint=_fingerprint,
)
