"""A seeded corpus of real code with planted near-duplicates: windows of the standard library's own sources.

Three quarters of the documents are disjoint windows of 1 to 8 KB; one quarter are mutated copies of others, with up to
30 % of their lines deleted, doubled or commented and up to 30 % of their names replaced. The sources are those of the
interpreter that runs, so numbers of two Python releases do not compare.
"""

import re
import sysconfig
from pathlib import Path
from random import Random

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_NOISE = ("# see the notes above", "# checked by the caller", "# kept for callers that pass none")
_LARGEST_SHARE = 0.3


def code_corpus(number: int, seed: int) -> list[str]:
    """`number` documents, mutated copies among the others in random order."""
    generator = Random(seed)
    originals = _windows(number - number // 4, generator)
    copies = [_mutated(generator.choice(originals), generator) for _ in range(number // 4)]
    documents = originals + copies
    generator.shuffle(documents)
    return documents


def _windows(number: int, generator: Random) -> list[str]:
    found: list[str] = []
    for file in _sources():
        lines = file.read_text("utf-8", errors="replace").splitlines(keepends=True)
        window, size, wanted = [], 0, generator.randint(1024, 8192)
        for line in lines:
            window.append(line)
            size += len(line)
            if size >= wanted:
                found.append("".join(window))
                window, size, wanted = [], 0, generator.randint(1024, 8192)
    assert len(found) >= number, f"the standard library gives {len(found)} windows only"
    return generator.sample(found, number)


def _sources() -> list[Path]:
    library = Path(sysconfig.get_path("stdlib"))
    return sorted(file for file in library.rglob("*.py") if "site-packages" not in file.parts)


def _mutated(text: str, generator: Random) -> str:
    share = generator.uniform(0.0, _LARGEST_SHARE)
    renamed = {name: f"{name}_{generator.randrange(100)}" for name in sorted(set(_NAME.findall(text)))}
    renamed = {name: new for name, new in renamed.items() if generator.random() < share / 3}
    lines: list[str] = []
    for line in text.splitlines():
        draw = generator.random()
        if draw < share / 3:
            continue
        lines.append(_NAME.sub(lambda found: renamed.get(found[0], found[0]), line))
        if draw > 1 - share / 6:
            lines.append(line)
        elif draw > 1 - share / 3:
            lines.append(generator.choice(_NOISE))
    return "\n".join(lines) + "\n"
