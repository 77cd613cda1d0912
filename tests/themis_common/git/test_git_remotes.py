"""Which addresses of servers are taken, and which names of repositories."""

import pytest

from themis_common.errors import UserError
from themis_common.git import RemoteTemplate


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("https://github.com/{repo}.git", "https"),
        ("https://git.example.test:8443/scm/{repo}", "https"),
        ("http://127.0.0.1:80/{repo}.git", "http"),
        ("http://[::1]:80/{repo}.git", "http"),
        ("ssh://git@github.com/{repo}.git", "ssh"),
        ("ssh://host:22/srv/git/{repo}.git", "ssh"),
        ("file:///mirror/{repo}.git", "file"),
        ("file:///mirror/{repo}/.git", "file"),
    ],
)
def test_addresses_of_git_servers_are_taken(text: str, scheme: str) -> None:
    template = RemoteTemplate.parse(text)
    assert template.scheme == scheme
    assert template.url("acme/shop") == text.replace("{repo}", "acme/shop")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no address"),
        ("git@github.com:{repo}.git", "ssh://git@host"),
        ("git://github.com/{repo}.git", "is no address"),
        ("ext::sh -c touch% pwned {repo}", "is no address"),
        ("/mirror/{repo}.git", "file:///"),
        ("https://github.com/acme.git", "must hold {repo} once"),
        ("https://github.com/{repo}/{repo}.git", "must hold {repo} once"),
        ("https://{repo}/git", "expected https://HOST/PATH"),
        ("https://ann:secret@github.com/{repo}.git", "token_env"),
        ("https://github.com/{repo}.git?x=1", "expected https://HOST/PATH"),
        ("https://github.com/{repo}.git\nHost: x", "expected https://HOST/PATH"),
        ("https://git hub.com/{repo}.git", "expected https://HOST/PATH"),
        ("ssh://-oProxyCommand=touch/{repo}.git", "expected ssh://HOST/PATH"),
        ("ssh://-oProxyCommand=x@host/{repo}.git", "expected ssh://HOST/PATH"),
        ("ssh://host/$(touch pwned)/{repo}", "expected ssh://HOST/PATH"),
        ("file://host/{repo}", "expected file://HOST/PATH"),
    ],
)
def test_everything_else_is_one_line_of_error(text: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        RemoteTemplate.parse(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        *("", "-x", "--upload-pack=touch pwned", "-owner/name", "owner/name/more", "/owner/name", "owner/"),
        *("../name", "owner/..", "owner/.", "owner/na me", "owner/name;x", "owner/name\n", "owner/$(x)"),
        *("owner\\name", "owner/name?x", "owner/name#x", "owner/n\u00e4me", "https://evil.test/owner"),
    ],
)
def test_what_is_no_name_has_no_address(name: str) -> None:
    assert RemoteTemplate.parse("https://github.com/{repo}.git").url(name) is None


@pytest.mark.parametrize("name", ["acme/shop", "a/b.js", "a_1/-dash", "acme/.github", "shop"])
def test_names_have_one(name: str) -> None:
    assert RemoteTemplate.parse("file:///m/{repo}").url(name) == f"file:///m/{name}"


REFS = "/info/refs?service=git-upload-pack"


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        (f"https://github.com/new/name.git{REFS}", "https://github.com/new/name.git"),
        (f"/new/name{REFS}", "https://github.com/new/name"),
        (f"//mirror.test:8443/x.git{REFS}", "https://mirror.test:8443/x.git"),
        (f"http://github.com/new/name.git{REFS}", None),
        (f"file:///etc{REFS}", None),
        (f"ext::touch%20pwned{REFS}", None),
        (f"https://user:word@github.com/x.git{REFS}", None),
        (f"https://github.com@evil.test/x.git{REFS}", None),
        (f"https://evil.test\\@github.com/x.git{REFS}", None),
        (f"https://github.com/a b{REFS}", None),
        (f"https://[::1/x.git{REFS}", None),
        ("https://github.com/login", None),
        ("", "https://github.com/old/name.git"),
    ],
)
def test_redirects_lead_to_addresses_of_the_same_scheme(location: str, leads_to: str | None) -> None:
    template = RemoteTemplate.parse("https://github.com/{repo}.git")
    assert template.redirected("https://github.com/old/name.git", location) == leads_to


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("https://github.com/other/place.git", True),
        ("https://GitHub.com:443/x.git", True),
        ("https://github.com:8443/x.git", False),
        ("https://github.com:99999/x.git", False),
        ("http://github.com/x.git", False),
        ("https://github.com.evil.test/x.git", False),
        ("https://evil.test/github.com/x.git", False),
        ("https://api.github.com/x.git", False),
    ],
)
def test_home_is_one_scheme_host_and_port(url: str, home: bool) -> None:
    assert RemoteTemplate.parse("https://github.com/{repo}.git").is_home(url) is home
