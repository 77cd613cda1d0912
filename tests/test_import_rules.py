"""Who may import whom (architecture section 1), and what `themis --help` must not load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def imported_modules(file: Path) -> Iterator[str]:
    """Every module named in an import statement of the file, wherever it stands."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide which room is entered"
            yield node.module or ""


def violations(file: Path) -> list[str]:
    """Imports of a file that the rules of its room forbid."""
    parts = file.relative_to(ROOT).parts
    found = []
    for module in imported_modules(file):
        target = module.split(".")
        if parts[0] == "themis_common" and target[0] in {"components", "pipelines", "tests"}:
            found.append(f"{file}: {module}")
        if parts[0] == "components":
            own = len(parts) > 3 and target[:3] == list(parts[:3])
            if target[0] in {"pipelines", "tests"} or (target[0] == "components" and not own):
                found.append(f"{file}: {module}")
        if parts[0] == "pipelines" and target[0] == "tests":
            found.append(f"{file}: {module}")
    return found


def sources() -> list[Path]:
    return sorted(
        file for room in ("themis_common", "components", "pipelines") for file in (ROOT / room).rglob("*.py")
    )


def test_rooms_import_only_what_they_may() -> None:
    assert len(sources()) > 30
    assert [violation for file in sources() for violation in violations(file)] == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("themis_common/made_up.py", "import components.dataset"),
        ("components/dataset/a/made_up.py", "from components.dataset.b.stage import STAGE"),
        ("components/dataset/a/made_up.py", "import pipelines.settings"),
    ],
)
def test_the_check_can_fail(tmp_path: Path, path: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(line)
    assert len(violations(file)) == 1


def test_only_the_store_knows_object_store_schemes() -> None:
    allowed = ROOT / "themis_common" / "store"
    naming = [file for file in sources() if '"gs://' in file.read_text() and allowed not in file.parents]
    assert naming == []


def test_no_source_starts_a_shell_or_unpickles() -> None:
    forbidden = ("shell=True", "os.system(", "import pickle", "trust_remote_code=True", "weights_only=False")
    # the sample data shows bad code on purpose, as text
    code = [file for file in sources() if "sample_data" not in file.parts]
    found = [(file, word) for file in code for word in forbidden if word in file.read_text()]
    assert found == []


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["config", "show", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; sys.argv = ['themis', *sys.argv[1:]]\n"
        "from pipelines.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'kfp', 'pyarrow', 'duckdb', 'transformers', 'datasketch', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: themis" in done.stdout
