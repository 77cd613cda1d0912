"""The options of the stage."""

from themis_common.config import config, option
from themis_common.taxonomy import Criterion, Language


@config
class ImportSourcesConfig:
    """Which files to import, and what holds for files that do not say."""

    # The digests of the files identify the input; where they lie does not matter.
    path: str = option(
        default="",
        help="a .parquet or .jsonl file of preference pairs, or a folder of them; empty imports nothing",
        affects_result=False,
        shared="general_pairs",
    )
    criterion: str = option(
        default="", help="criterion of rows in files without a criterion or aspect column; any known spelling"
    )
    language: str = option(
        default="NL", help="language of rows in files without a language column; any known spelling"
    )

    def __post_init__(self) -> None:
        if self.criterion:
            Criterion.parse(self.criterion)
        Language.parse(self.language)
