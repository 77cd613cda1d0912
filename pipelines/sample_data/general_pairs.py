"""General preference pairs in natural language, on which a reward model is pre-trained."""

import string

import pyarrow as pa

from pipelines.sample_data.general_template import GeneralTemplate
from pipelines.sample_data.harmlessness import HARMLESSNESS
from pipelines.sample_data.helpfulness import HELPFULNESS
from themis_common.hashing import rng
from themis_common.taxonomy import Criterion, Language

SOURCE = "sample"

COLUMNS = pa.schema(
    [
        pa.field("input", pa.large_string(), nullable=False),
        pa.field("chosen", pa.large_string(), nullable=False),
        pa.field("rejected", pa.large_string(), nullable=False),
        pa.field("criterion", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)
"""`criterion` and `language` hold the keys of the taxonomy."""


def general_pairs_table(rows: int, seed: int) -> pa.Table:
    """`rows` pairs, the two criteria by turns, every template used once before any is used twice."""
    pools = {
        Criterion.HELPFULNESS: _pairs(HELPFULNESS, seed, Criterion.HELPFULNESS),
        Criterion.HARMLESSNESS: _pairs(HARMLESSNESS, seed, Criterion.HARMLESSNESS),
    }
    pairs = []
    for number in range(rows):
        criterion = (Criterion.HELPFULNESS, Criterion.HARMLESSNESS)[number % 2]
        pairs.append(pools[criterion][number // 2])
    return pa.Table.from_pylist(pairs, schema=COLUMNS)


def _pairs(templates: tuple[GeneralTemplate, ...], seed: int, criterion: Criterion) -> list[dict[str, str]]:
    """All instances of the templates: the first fill of each, then the second of each, and so on."""
    pairs = []
    for round_ in range(max(len(template.fills) for template in templates)):
        group = [template for template in templates if round_ < len(template.fills)]
        rng(seed, f"{criterion.key}/{round_}", "order of general pairs").shuffle(group)
        for template in group:
            words = template.fills[round_]
            pairs.append(
                {
                    "input": string.Template(template.input).substitute(words),
                    "chosen": string.Template(template.chosen).substitute(words),
                    "rejected": string.Template(template.rejected).substitute(words),
                    "criterion": criterion.key,
                    "language": Language.NL.key,
                    "source": SOURCE,
                }
            )
    return pairs
