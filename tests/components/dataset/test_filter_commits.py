"""Filtering by language and by allowlist."""

import json
import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.dataset.filter_commits.allowlists import load_allowlists
from components.dataset.filter_commits.extensions import LanguageMap
from components.dataset.filter_commits.stage import STAGE, FilterCommitsConfig
from tests.components.dataset.mined import commit_row
from tests.components.dataset.written import write_dataset
from tests.fixtures.shared import shared
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import COMMITS, FILTERED_COMMITS
from themis_common.stages import run_stage
from themis_common.taxonomy import Language

PATHS = ["a.py", "b.js", "c.hpp", "d.rs", "README", "e.R", ".bashrc", "dir.py/f", "g.tar.gz", "h.CPP"]


def keep(folder: Path, rows: Sequence[dict[str, Any]], shards: int = 1, **options: Any) -> DatasetReader:
    folder.mkdir(exist_ok=True)
    source = write_dataset(folder / "in", COMMITS, rows, shards)
    report = run_stage(STAGE, FilterCommitsConfig(**options), {"commits": source}, str(folder / "out"))
    return DatasetReader(report.uri, FILTERED_COMMITS)


def language_of(path: str, known: LanguageMap) -> str | None:
    (language,) = known.languages_of(pa.array([path])).to_pylist()
    return language


def languages(dataset: DatasetReader) -> dict[str, str]:
    return {row["path"]: row["language"] for row in dataset.rows()}


def test_files_in_wanted_languages_are_kept_under_the_key_of_the_language(tmp_path: Path) -> None:
    dataset = keep(tmp_path, [commit_row(path, path=path) for path in PATHS])
    assert languages(dataset) == {"a.py": "Python", "b.js": "JavaScript", "c.hpp": "Cpp", "h.CPP": "Cpp"}
    assert {(row["reason"], row["detail"]) for row in dataset.rejected()} == {
        ("language_not_wanted", "Rust"),
        ("language_not_wanted", "R"),
        ("extension_unknown", "README"),
        ("extension_unknown", ".bashrc"),
        ("extension_unknown", "dir.py/f"),
        ("extension_unknown", "g.tar.gz"),
    }


def test_the_published_map_knows_no_header_of_cpp_and_no_upper_case(tmp_path: Path) -> None:
    rows = [commit_row(path, path=path) for path in PATHS]
    dataset = keep(tmp_path, rows, extensions="published", match_case=True, languages=("Python", "C++", "R"))
    assert languages(dataset) == {"a.py": "Python"}


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.C", "Cpp"),
        ("a.c", "C"),
        ("a.h", "C"),
        ("a.H", "Cpp"),
        ("a.PY", "Python"),
        ("x/y.z/a.tsx", "TypeScript"),
    ],
)
def test_extensions_are_folded_unless_their_case_tells(path: str, language: str) -> None:
    assert language_of(path, LanguageMap("extended", match_case=False)) == language


@given(st.text(alphabet="ab./cyCpP\n", max_size=12))
def test_extensions_are_those_of_the_standard_library(path: str) -> None:
    known = LanguageMap("extended", match_case=True)
    extension = posixpath.splitext(path)[1]
    assert language_of(path, known) == (language_of(f"x{extension}", known) if extension else None)


def test_languages_outside_the_eight_can_be_asked_for(tmp_path: Path) -> None:
    rows = [commit_row(path, path=path) for path in PATHS]
    assert languages(keep(tmp_path, rows, languages=("Rust", "c++"))) == {
        "c.hpp": "Cpp",
        "d.rs": "Rust",
        "h.CPP": "Cpp",
    }


def test_the_published_map_is_the_published_one() -> None:
    document = json.loads(shared("data", "programming_languages_ext_map.json").read_bytes())
    published = LanguageMap("published", match_case=True)
    assert sum(len(extensions) for extensions in document.values()) == 33
    assert len(published.languages) == len(document) == 26
    for language, extensions in document.items():
        for extension in extensions:
            assert language_of(f"a{extension}", published) == published.parse(language)


def test_every_trained_language_has_an_extension() -> None:
    for name in ("published", "extended"):
        known = LanguageMap(name, match_case=False)  # type: ignore[arg-type]
        assert {language.key for language in Language} - {"NL"} <= set(known.languages)


def test_a_row_passes_when_any_of_its_repositories_is_listed(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('["acme/shop", "acme/tool"]')
    rows = [
        commit_row("one", repos=["a/b", "acme/shop"]),
        commit_row("two", repos=["a/b"]),
        commit_row("three", repos=["Acme/Shop"]),
    ]
    dataset = keep(tmp_path, rows, allowlists=(str(tmp_path / "list.json"),))
    assert [row["commit"] for row in dataset.rows()] == ["one"]
    assert {row["detail"] for row in dataset.rejected()} == {"a/b", "Acme/Shop"}
    assert dataset.manifest.counts.dropped == {"repository_not_allowed": 2}


def test_another_allowlist_makes_a_finished_output_another_one(tmp_path: Path) -> None:
    allowlist = tmp_path / "list.json"
    allowlist.write_text('["acme/shop"]')
    rows = [commit_row("one")]
    keep(tmp_path, rows, allowlists=(str(allowlist),))
    allowlist.write_text('["acme/other"]')
    with pytest.raises(UserError, match="other inputs"):
        keep(tmp_path, rows, allowlists=(str(allowlist),))


def test_the_published_allowlists_are_read_whole() -> None:
    folder = shared("data", "allowlists")
    names = load_allowlists([str(folder)])
    assert (len(names), len({name.lower() for name in names.to_pylist()})) == (342_755, 342_753)
    assert len(load_allowlists([str(folder / "assembly.json")])) == 1517


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "must be a JSON array"),
        ("[1]", "1 is no owner/project name"),
        ('["shop"]', "'shop' is no owner/project name"),
        ("[", "is not JSON"),
        (None, "cannot read"),
    ],
)
def test_a_broken_allowlist_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "list.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        load_allowlists([str(file)])
    assert str(file) in str(caught.value)


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(UserError, match=r"language 'Pyton'.*Python"):
        load_config(FilterCommitsConfig, {"languages": ["Pyton"]}, where="recipe.yaml: filter_commits")


def test_sharding_changes_nothing_and_output_changes_only_with_a_new_version(tmp_path: Path) -> None:
    rows = [commit_row(path, path=path) for path in PATHS]
    digests = {keep(tmp_path / str(shards), rows, shards).digest[:16] for shards in (1, 3, 16)}
    assert (STAGE.version, digests) == (1, {"8f848ebc0a17bc3d"})


def test_a_large_shard_is_judged_as_a_whole_and_handed_on_in_order(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('["acme/shop"]')
    paths = [f"{number}{['.py', '.rs', ''][number % 3]}" for number in range(1200)]
    rows = [
        commit_row(path, path=path, repos=["acme/shop"] if number % 2 else ["a/b", "c/d"])
        for number, path in enumerate(paths)
    ]
    dataset = keep(tmp_path, rows, allowlists=(str(tmp_path / "list.json"),))
    assert [row["path"] for row in dataset.rows()] == paths[3::6]
    assert dataset.manifest.counts.dropped == {
        "extension_unknown": 400,
        "language_not_wanted": 400,
        "repository_not_allowed": 200,
    }
