"""A seeded synthetic history: many files, many commits, most of which change one file by a line or two."""

from pathlib import Path
from random import Random

from tests.fixtures.git_repositories import RepositoryBuilder

MULTI_FILE_SHARE = 0.3
_FOLDERS = 12


def write_history(path: Path, *, files: int, commits: int, lines: int, seed: int) -> list[str]:
    """Make a bare repository; returns the ids of its commits after the first, oldest first.

    Args:
        files: at all times.
        commits: after the first one, which adds the files; most change one file.
        lines: of each file.
    """
    generator = Random(seed)
    builder = RepositoryBuilder(path)
    contents = {
        f"package/part{number % _FOLDERS}/module{number}.py": [
            f"value_{number}_{line} = compute({generator.randrange(10**6)}, {generator.randrange(10**6)})"
            for line in range(lines)
        ]
        for number in range(files)
    }
    builder.commit({name: _file(text) for name, text in contents.items()}, "Add all files of the project")
    for number in range(commits):
        touched = generator.sample(
            sorted(contents), generator.choice([2, 3, 5]) if _is_multi(generator) else 1
        )
        for name in touched:
            place = generator.randrange(lines)
            contents[name][place] = f"value_{place} = repaired({generator.randrange(10**6)}, {number})"
        builder.commit(
            {name: _file(contents[name]) for name in touched},
            f"Fix the value of case {number} in the computation\n\nIt was wrong since case {number // 2}.",
        )
    return builder.build(bare=True)[1:]


def _is_multi(generator: Random) -> bool:
    return generator.random() < MULTI_FILE_SHARE


def _file(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
