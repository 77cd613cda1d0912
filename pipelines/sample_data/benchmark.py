"""The sample benchmark: instances of the held-out templates, in the columns of CodeRewardBench."""

import random
import uuid

import pyarrow as pa

from pipelines.sample_data.change import fill, render
from pipelines.sample_data.templates.catalogue import FRAGMENTS, benchmark_changes
from pipelines.sample_data.words import BENCHMARK_PROJECTS, draw_words
from themis_common.hashing import rng

COLUMNS = pa.schema(
    [
        pa.field("prompt", pa.large_string(), nullable=False),
        pa.field("chosen", pa.large_string(), nullable=False),
        pa.field("rejected", pa.large_string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("aspect", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
    ]
)
"""As published (facts/dataset.md section 13): `language` and `aspect` hold the keys of the taxonomy.

`subset` holds the template: its instances are near copies of each other, and statistics have to count templates.
"""


def benchmark_table(rows: int, seed: int) -> pa.Table:
    """`rows` pairs, every held-out template as often as every other (+-1); both sides answer the prompt."""
    templates = benchmark_changes()
    pairs = []
    for number in range(rows):
        template, round_ = templates[number % len(templates)], number // len(templates)
        random = rng(seed, f"benchmark/{template.id}/{round_}", "words")
        project = BENCHMARK_PROJECTS[round_ % len(BENCHMARK_PROJECTS)]
        words = draw_words(project, round_ // len(BENCHMARK_PROJECTS), random)
        versions = render(template, words, FRAGMENTS[template.language], random)
        subset = f"SAMPLE/{template.id}"
        pairs.append(
            {
                "prompt": fill(template.instruction, words),
                "chosen": versions.after,
                "rejected": versions.before,
                "language": template.language.key,
                "aspect": template.criterion.key,
                "subset": subset,
                "id": f"{subset}_{_uuid4(random)}",
            }
        )
    return pa.Table.from_pylist(pairs, schema=COLUMNS)


def _uuid4(random: random.Random) -> uuid.UUID:
    return uuid.UUID(int=random.getrandbits(128), version=4)
