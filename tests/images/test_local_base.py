"""Finding the package mirror of this machine, in both forms that apt reads."""

from pathlib import Path

import pytest

from images.local_base import find_mirror
from themis_common.errors import UserError

OTHER = "Types: deb\nURIs: https://other.example/x\nSuites: nodistro\nComponents: main\n"
STANZAS = f"""{OTHER}
Types: deb
# a comment
URIs: http://mirror.example/debian http://second.example
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://security.example
Suites: bookworm-security
"""


def test_stanza_form(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "a.sources").write_text(OTHER)
    (folder / "debian.sources").write_text(STANZAS)
    assert find_mirror(tmp_path) == "http://mirror.example/debian"


@pytest.mark.parametrize("options", ["", "[signed-by=/usr/share/k.gpg arch=amd64] "])
def test_one_line_form(options: str, tmp_path: Path) -> None:
    text = (
        "# deb http://old.example bookworm main\n"
        "deb http://s.example bookworm-security main\n"
        f"deb {options}http://m.example bookworm main\n"
    )
    (tmp_path / "sources.list").write_text(text)
    assert find_mirror(tmp_path) == "http://m.example"


def test_no_mirror_is_a_user_error_that_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://m.example trixie main\n")
    with pytest.raises(UserError, match=f"{tmp_path} names no mirror of Debian bookworm"):
        find_mirror(tmp_path)
