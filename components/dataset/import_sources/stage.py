"""Imports preference pairs that others made, for the first training stage or beside our own code pairs.

Columns and values are known under several spellings (`pair.py`). Published schema: facts/dataset.md section
12.1.
"""

from collections.abc import Mapping

from components.dataset.import_sources.config import ImportSourcesConfig
from components.dataset.import_sources.files import source_files
from components.dataset.import_sources.pair import Pair, pair_of
from themis_common.hashing import row_key
from themis_common.schemas import PAIRS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole

UNSPLIT = "train"
"""The split of imported pairs until `dataset.assemble_preferences` draws one."""


def work(context: Context[ImportSourcesConfig], unit: str, output: UnitOutput) -> None:
    """Import all files as one unit, because duplicates are looked for over all of them."""
    first_seen: dict[str, str] = {}
    files = source_files(context.config.path)
    if not files:
        context.progress.say("no path is set, so nothing is imported")
    for file in files:
        for number, row in file.rows():
            pair = pair_of(row, context.config, f"{file.location}: row {number}", file.title)
            place = f"{file.name} row {number}"
            source_key = row_key(file.name, number)
            output.read([source_key])
            key = pair_key(pair)
            if not (pair.input.strip() and pair.chosen.strip() and pair.rejected.strip()):
                output.drop(source_key, "empty_text", place)
            elif pair.chosen == pair.rejected:
                output.drop(source_key, "chosen_equals_rejected", place)
            elif key in first_seen:
                output.drop(source_key, "duplicate", f"{place} repeats {first_seen[key]}")
            else:
                first_seen[key] = place
                output.emit(_row(key, pair), sources=[source_key])
            context.progress.update(number, unit=f"rows of {file.name}")


def fingerprint(config: ImportSourcesConfig) -> Mapping[str, str]:
    """SHA-256 of every file, by its name."""
    return {file.name: file.sha256() for file in source_files(config.path)}


def pair_key(pair: Pair) -> str:
    """What identifies a pair: all that a model sees of it, its language and criterion; not its source."""
    system = ["system", pair.system] if pair.system is not None else []
    return row_key(
        "pair", pair.input, pair.chosen, pair.rejected, pair.language.key, pair.criterion.key, *system
    )


def _row(key: str, pair: Pair) -> dict[str, str | None]:
    return {
        "row_key": key,
        "system": pair.system,
        "input": pair.input,
        "chosen": pair.chosen,
        "rejected": pair.rejected,
        "language": pair.language.key,
        "criterion": pair.criterion.key,
        "source": pair.source,
        "split": UNSPLIT,
        **pair.provenance,
    }


STAGE = Stage(
    name="dataset.import_sources",
    version=1,
    config=ImportSourcesConfig,
    output=PAIRS,
    reasons=("empty_text", "chosen_equals_rejected", "duplicate"),
    work=work,
    plan=plan_whole,
    fingerprint=fingerprint,
)
