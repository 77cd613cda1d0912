"""Keep the changes of files in wanted languages and, where allowlists are given, of listed repositories.

Source: facts/dataset.md sections 4 and 5.
"""

from collections.abc import Mapping

from components.dataset.filter_commits.allowlists import load_allowlists
from components.dataset.filter_commits.extensions import LanguageMap, MapName
from themis_common.config import config, option
from themis_common.hashing import digest_of
from themis_common.schemas import COMMITS, FILTERED_COMMITS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.taxonomy import CODE_LANGUAGES


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
        help="JSON files (or folders of them) of owner/project names to keep; none: every repository",
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


def _fingerprint(config: FilterCommitsConfig) -> Mapping[str, str]:
    if not config.allowlists:
        return {}
    return {"allowlists": digest_of(sorted(load_allowlists(config.allowlists)))}


def _work(context: Context[FilterCommitsConfig], unit: str, output: UnitOutput) -> None:
    language_map = context.config.language_map()
    wanted = context.config.wanted()
    allowed = load_allowlists(context.config.allowlists) if context.config.allowlists else None
    for row in context.inputs["commits"].rows(unit):
        key = row["row_key"]
        output.read([key])
        language = language_map.language_of(row["path"])
        if language is None:
            output.drop(key, "extension_unknown", row["path"])
        elif language not in wanted:
            output.drop(key, "language_not_wanted", language)
        elif allowed is not None and allowed.isdisjoint(row["repos"]):
            output.drop(key, "repository_not_allowed", " ".join(row["repos"]))
        else:
            output.emit({**row, "language": language})


STAGE = Stage(
    name="dataset.filter_commits",
    version=1,
    config=FilterCommitsConfig,
    inputs={"commits": COMMITS},
    output=FILTERED_COMMITS,
    reasons=("extension_unknown", "language_not_wanted", "repository_not_allowed"),
    work=_work,
    fingerprint=_fingerprint,
)
