"""Make a base image where no registry can be reached: `python -m images.local_base`.

debootstrap builds the same Debian release with the same Python version as the registry's python:3.11-slim-bookworm
from the package mirror that this machine itself uses. Needs root, podman and debootstrap; takes about a minute once,
nothing when the image is there.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from themis_common.errors import UserError

RELEASE: Final = "bookworm"
TAG: Final = f"localhost/themis-base:{RELEASE}"
PACKAGES: Final = ("ca-certificates", "git", "python3", "python3-venv")
APT_FOLDER: Final = Path("/etc/apt")


def ensure_local_base() -> str:
    """Make the base image unless it exists; return its tag.

    Raises:
        UserError: a tool is missing or the machine has no mirror of the release.
        subprocess.CalledProcessError: a tool failed; it has said why.
    """
    for tool in ("podman", "debootstrap"):
        if not shutil.which(tool):
            raise UserError(f"{tool} is not installed; apt-get install podman runc conmon debootstrap")
    if subprocess.run(["podman", "image", "exists", TAG], check=False).returncode == 0:
        return TAG
    with tempfile.TemporaryDirectory() as folder:
        root, archive = Path(folder, "root"), Path(folder, "root.tar")
        include = f"--include={','.join(PACKAGES)}"
        mirror = find_mirror(APT_FOLDER)
        subprocess.run(["debootstrap", "--variant=minbase", include, RELEASE, str(root), mirror], check=True)
        leave_out = ["--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*"]
        subprocess.run(
            ["tar", "--create", f"--file={archive}", f"--directory={root}", *leave_out, "."], check=True
        )
        subprocess.run(["podman", "import", "--quiet", str(archive), TAG], check=True)
    return TAG


def find_mirror(apt_folder: Path) -> str:
    """Return the mirror of the release that apt uses, from sources in either of apt's two forms.

    Raises:
        UserError: no source names the release.
    """
    for file in sorted(apt_folder.rglob("*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            fields = dict(re.findall(r"^(\w[\w-]*):[ \t]*(.+)$", stanza, re.MULTILINE))
            if RELEASE in fields.get("Suites", "").split():
                return str(fields["URIs"].split()[0])
    one_line = re.compile(rf"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+{RELEASE}\s", re.MULTILINE)
    for file in [apt_folder / "sources.list", *sorted(apt_folder.rglob("*.list"))]:
        if file.is_file() and (match := one_line.search(file.read_text())):
            return match[1]
    raise UserError(f"{apt_folder} names no mirror of Debian {RELEASE}; build with --base-image instead")


if __name__ == "__main__":
    print(ensure_local_base())
