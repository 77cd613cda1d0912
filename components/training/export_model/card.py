"""The model card: what was trained, on what, how it does on held-out pairs, and how to call it.

Everything on it comes from the manifest and the metrics of the training stage, so equal runs have equal cards.
"""

from importlib import resources
from string import Template

from themis_common.datasets.reader import DatasetReader
from themis_common.markdown_table import markdown_table
from themis_common.schemas import TRAINING_METRICS

_PREFIX = "held_out/"


def model_card(name: str, max_tokens: int, trained: DatasetReader) -> str:
    """Markdown with a metadata header as model hubs read it.

    Args:
        trained: the output of the training stage.
    """
    manifest = trained.manifest
    template = Template((resources.files(__package__) / "card.md").read_text(encoding="utf-8"))
    return template.substitute(
        name=name,
        max_tokens=max_tokens,
        stage=manifest.stage,
        stage_version=manifest.stage_version,
        pairs=f"{manifest.counts.emitted:,}",
        config_hash=manifest.config_hash[:16],
        inputs=markdown_table(("input", "content digest"), sorted(manifest.inputs.items())),
        options=markdown_table(("option", "value"), sorted(manifest.config.items())),
        held_out=_held_out(trained),
    )


def _held_out(trained: DatasetReader) -> str:
    rows = [
        row for row in trained.side_rows("metrics", TRAINING_METRICS) if row["metric"].startswith(_PREFIX)
    ]
    if not rows:
        return "No pairs were held out."
    last = max(row["step"] for row in rows)
    slices: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["step"] == last:
            slices.setdefault(row["slice"], {})[row["metric"].removeprefix(_PREFIX)] = row["value"]
    lines = [
        (name, f"{values['pairs']:.0f}", f"{values['accuracy']:.3f}", f"{values['margin']:.3f}")
        for name, values in sorted(slices.items(), key=lambda item: (item[0] != "all", item[0]))
    ]
    return f"After step {last}:\n\n" + markdown_table(("slice", "pairs", "accuracy", "mean margin"), lines)
