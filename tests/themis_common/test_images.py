"""The image table: one reference per image, decided by the environment alone."""

import tomllib
from pathlib import Path

import pytest

from themis_common import __version__
from themis_common.errors import UserError
from themis_common.images import IMAGE_NAMES, IMAGES, image, image_references

DIGEST = "sha256:" + "0123456789abcdef" * 4
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_default_is_the_local_name_with_this_version() -> None:
    assert image("data", {}) == f"themis/data:{__version__}"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"THEMIS_IMAGE_REPOSITORY": "localhost:5000/team/themis"},
            f"localhost:5000/team/themis/data:{__version__}",
        ),
        ({"THEMIS_IMAGE_TAG": "2026.1-rc2"}, "themis/data:2026.1-rc2"),
        ({"THEMIS_IMAGE_DIGEST_DATA": DIGEST, "THEMIS_IMAGE_TAG": "x"}, f"themis/data@{DIGEST}"),
        ({"THEMIS_IMAGE_DIGEST_TRAIN": DIGEST}, f"themis/data:{__version__}"),
        ({"THEMIS_IMAGE_TAG": "", "THEMIS_IMAGE_DIGEST_DATA": ""}, f"themis/data:{__version__}"),
    ],
)
def test_environment_decides(environ: dict[str, str], expected: str) -> None:
    assert image("data", environ) == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("THEMIS_IMAGE_REPOSITORY", "Registry/Upper"),
        ("THEMIS_IMAGE_REPOSITORY", "r/x; rm -rf"),
        ("THEMIS_IMAGE_TAG", "a b"),
        ("THEMIS_IMAGE_TAG", "-x"),
        ("THEMIS_IMAGE_DIGEST_DATA", "sha256:12"),
    ],
)
def test_bad_setting_is_a_user_error_that_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(UserError, match=variable):
        image("data", {variable: value})


def test_every_image_has_its_own_reference() -> None:
    assert len(image_references({})) == len(IMAGE_NAMES) == len(IMAGES)


def test_extras_of_the_table_are_declared_by_the_package() -> None:
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    for name, spec in IMAGES.items():
        assert set(spec.extras) <= set(declared), name
