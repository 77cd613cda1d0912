"""Where repositories are on a server: one address with a place for the name of the repository.

Names come from tables that anybody can write to, so an address takes in nothing but names of a strict form; what
is neither scheme, host, path nor place is refused. Source: facts/dataset.md section 16.4.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import urljoin, urlsplit

from themis_common.errors import UserError
from themis_common.git.locations import NAME

Scheme = Literal["https", "http", "ssh", "file"]

_PLACE = "{repo}"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
_PATH = r"/[A-Za-z0-9._~+@/-]*"
_FORMS = {
    "https": re.compile(f"https://{_HOST}{_PATH}"),
    "http": re.compile(f"http://{_HOST}{_PATH}"),
    "ssh": re.compile(f"ssh://(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?{_HOST}{_PATH}"),
    "file": re.compile(f"file://{_PATH}"),
}

_ASKED_FIRST = "/info/refs?service=git-upload-pack"
"""What git asks a repository over HTTP first, and what a redirect that git understands ends with."""

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class RemoteTemplate:
    """An address such as `https://github.com/{repo}.git`; see `parse`."""

    text: str
    scheme: Scheme

    @classmethod
    def parse(cls, text: str) -> "RemoteTemplate":
        """Check an address.

        Raises:
            UserError: it has no place for the name or several, another scheme than https, http, ssh and file, a
                password, or characters that addresses of git servers do not have.
        """
        scheme = text.partition("://")[0]
        if scheme not in get_args(Scheme):
            raise UserError(
                f"{text!r} is no address of git repositories: write https://, http://, ssh:// or file:///, "
                f"for example https://github.com/{_PLACE}.git or ssh://git@host/{_PLACE}.git"
            )
        if text.count(_PLACE) != 1:
            raise UserError(f"{text!r} must hold {_PLACE} once, where the name of the repository goes")
        # paths may hold a tilde, hosts and users may not
        if not _FORMS[scheme].fullmatch(text.replace(_PLACE, "~")):
            raise UserError(
                f"{text!r} is no address of git repositories: expected {scheme}://HOST/PATH with {_PLACE} in PATH, "
                "of letters, digits and ._~+@/-, and no password (name a variable with token_env instead)"
            )
        return cls(text, cast(Scheme, scheme))

    def url(self, name: str) -> str | None:
        """The address of the repository `name`, or None where that is no name of a repository."""
        if name.startswith("-") or not NAME.fullmatch(name):
            return None
        return self.text.replace(_PLACE, name)

    def redirected(self, url: str, location: str) -> str | None:
        """Where the repository at `url` is when its HTTP server answers with a redirect to `location`.

        Returns:
            an address of this scheme, on this host or another one; None where it leads to another scheme, or to
            something that is no repository.
        """
        try:
            target = urljoin(url + _ASKED_FIRST, location)
        except ValueError:
            return None
        address = target.removesuffix(_ASKED_FIRST)
        if address == target or not _FORMS[self.scheme].fullmatch(address):
            return None
        return address

    def is_home(self, url: str) -> bool:
        """Whether `url` is on the scheme, host and port of this address: the only place that may see a token."""
        try:
            return _origin(url) == _origin(self.text)
        except ValueError:
            return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
