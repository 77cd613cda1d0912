"""The one table of container images: what each holds and the reference that compiled pipelines carry.

A component names its image at compile time, `@dsl.component(base_image=image("data"), ...)`, and the
environment decides what that means:

    THEMIS_IMAGE_REPOSITORY    prefix, default `themis`            -> themis/data:0.1.0
    THEMIS_IMAGE_TAG           tag of every image, default this package's version
    THEMIS_IMAGE_DIGEST_DATA   `sha256:<64 hex>` of one image; it wins over the tag (clusters pin digests)
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from themis_common import __version__
from themis_common.errors import UserError

ImageName = Literal["data", "llm", "train", "evaluate", "launcher"]

IMAGE_NAMES: Final[tuple[ImageName, ...]] = get_args(ImageName)

DEFAULT_REPOSITORY: Final = "themis"

_REPOSITORY = re.compile(r"[a-z0-9]+(?:[._:/-]+[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSpec:
    """What one image is built from.

    Attributes:
        extras: Optional dependencies of pyproject.toml that its lock file resolves besides the base ones.
        gpu_extras: Those that only an image for GPUs holds.
        has_torch: Whether it holds torch, and so comes in a build for GPUs and one for CPUs.
        own_versions: Whether it may hold other versions than the tests run, because one of its packages needs them.
        needs_compiler: Whether gcc and the Python headers stay in it, because triton compiles at run time.
    """

    extras: tuple[str, ...]
    gpu_extras: tuple[str, ...] = ()
    has_torch: bool = False
    needs_compiler: bool = False
    own_versions: bool = False


IMAGES: Final[Mapping[ImageName, ImageSpec]] = {
    "data": ImageSpec(extras=("data", "llm")),
    "llm": ImageSpec(
        extras=("evaluate", "llm", "vllm"), has_torch=True, needs_compiler=True, own_versions=True
    ),
    "train": ImageSpec(
        extras=("train", "trackers"), gpu_extras=("liger",), has_torch=True, needs_compiler=True
    ),
    "evaluate": ImageSpec(extras=("evaluate", "llm"), has_torch=True),
    "launcher": ImageSpec(extras=("launcher", "kfp")),
}


def image(name: ImageName, environ: Mapping[str, str] = os.environ) -> str:
    """Return the reference of one image: `repository/name:tag`, or `repository/name@digest` if that is set.

    Raises:
        UserError: the repository, tag or digest in the environment is not one that a registry would take.
    """
    repository = _setting(environ, "THEMIS_IMAGE_REPOSITORY", DEFAULT_REPOSITORY, _REPOSITORY)
    digest_variable = f"THEMIS_IMAGE_DIGEST_{name.upper()}"
    if environ.get(digest_variable):
        return f"{repository}/{name}@{_setting(environ, digest_variable, '', _DIGEST)}"
    return f"{repository}/{name}:{_setting(environ, 'THEMIS_IMAGE_TAG', __version__, _TAG)}"


def image_references(environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Every reference that a pipeline may carry under this environment."""
    return frozenset(image(name, environ) for name in IMAGE_NAMES)


def _setting(environ: Mapping[str, str], variable: str, default: str, form: re.Pattern[str]) -> str:
    value = environ.get(variable) or default
    if not form.fullmatch(value):
        raise UserError(
            f"{variable}={value!r} is not a valid image reference part; expected the form {form.pattern}"
        )
    return value
