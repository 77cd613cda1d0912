"""Build an image: `python -m images.build data`, or `train --torch cpu --torch-wheels FOLDER_OR_URL`.

Prints the image's id and size. The tag is what compiled pipelines name (themis_common/images.py).
"""

import argparse
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from images.lock import ROOT, TORCH_VERSION, Torch, lock_file
from themis_common.errors import UserError
from themis_common.images import IMAGE_NAMES, IMAGES, ImageName, image

ENGINES: Final = ("docker", "podman")


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image on this machine."""

    tag: str
    id: str
    bytes: int


def build(
    name: ImageName,
    *,
    engine: str,
    tag: str | None = None,
    base_image: str | None = None,
    network: str | None = None,
    volumes: Sequence[str] = (),
    torch: Torch = "cuda",
    torch_wheels: str = "",
) -> BuiltImage:
    """Build one image from this checkout.

    Args:
        name: Which image; its folder holds the lock.
        engine: `docker` or `podman`.
        tag: Repository and tag of the result; by default what `image(name)` says.
        base_image: Instead of the base that the Dockerfile names.
        network: Network of the build's commands, e.g. `host`.
        volumes: Mounts during the build, `SOURCE:TARGET:ro`; podman only.
        torch: The build of torch, in images that hold it.
        torch_wheels: Folder (as seen during the build) or page that lists the CPU build of torch.

    Raises:
        UserError: the image has no lock, docker is asked to mount, or nobody says where torch's CPU build is.
        subprocess.CalledProcessError: the build failed; the engine has said why.
    """
    lock = lock_file(name, torch)
    if not lock.is_file():
        locked = ", ".join(other for other in IMAGE_NAMES if lock_file(other, torch).is_file())
        raise UserError(f"image {name} has no lock file; there are: {locked}")
    if volumes and engine == "docker":
        raise UserError("docker cannot mount during a build; use podman, or a base image that has the files")
    tag = tag or default_tag(name)
    arguments = {"LOCK": str(lock.relative_to(ROOT))}
    if IMAGES[name].needs_compiler:
        arguments["COMPILER"] = "gcc g++ python3-dev"
    if IMAGES[name].has_torch and torch == "cpu":
        if not torch_wheels:
            raise UserError(
                f"image {name} for CPUs: say where the wheel torch-{TORCH_VERSION}+cpu is with --torch-wheels"
            )
        arguments |= {"CPU_TORCH": TORCH_VERSION, "TORCH_WHEELS": torch_wheels}
    command = [engine, "build", "--file", str(ROOT / "images" / "Dockerfile"), "--tag", tag]
    command += [part for item in arguments.items() for part in ("--build-arg", "=".join(item))]
    if base_image:
        command += ["--build-arg", f"BASE_IMAGE={base_image}"]
    if network:
        command += ["--network", network]
    for volume in volumes:
        command += ["--volume", volume]
    subprocess.run([*command, str(ROOT)], check=True)
    inspect = [engine, "image", "inspect", "--format", "{{.Id}} {{.Size}}", tag]
    identifier, size = subprocess.run(inspect, check=True, capture_output=True, text=True).stdout.split()
    return BuiltImage(tag=tag, id=identifier, bytes=int(size))


def default_tag(name: ImageName) -> str:
    """Return the tag that pipelines name; a digest is known only after a push, so it plays no part."""
    return image(name, {key: value for key, value in os.environ.items() if "_DIGEST_" not in key})


def find_engine() -> str:
    """Return the container engine of this machine.

    Raises:
        UserError: there is none.
    """
    for engine in ENGINES:
        if shutil.which(engine):
            return engine
    raise UserError("neither docker nor podman is installed")


def main() -> None:
    """Build the named image and print what came out."""
    parser = argparse.ArgumentParser(description="Build a container image of Themis.")
    parser.add_argument("image", choices=IMAGE_NAMES)
    parser.add_argument("--engine", choices=ENGINES, help="default: docker if it is installed, else podman")
    parser.add_argument("--tag", help="repository and tag of the result")
    parser.add_argument("--base-image", help="instead of the base that the Dockerfile names")
    parser.add_argument("--network", help="network of the build's commands, e.g. host")
    parser.add_argument("--volume", action="append", default=[], help="mount during the build (podman)")
    parser.add_argument(
        "--torch", choices=("cuda", "cpu"), default="cuda", help="build of torch, where there is one"
    )
    parser.add_argument("--torch-wheels", default="", help="folder or page that lists the CPU build of torch")
    options = parser.parse_args()
    try:
        built = build(
            options.image,
            engine=options.engine or find_engine(),
            tag=options.tag,
            base_image=options.base_image,
            network=options.network,
            volumes=options.volume,
            torch=options.torch,
            torch_wheels=options.torch_wheels,
        )
    except UserError as error:
        parser.error(str(error))
    print(f"{built.tag} {built.id} {built.bytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
