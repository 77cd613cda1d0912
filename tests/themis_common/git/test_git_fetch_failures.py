"""What the words of git and of servers mean; most are as git 2.39 and GitHub write them."""

import pytest

from themis_common.git.fetch_failures import classify

URL = "https://github.com/acme/429-rate limit-not-found.git"
SSH_END = (
    "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n"
)


@pytest.mark.parametrize(
    ("errors", "kind", "message"),
    [
        (f"fatal: repository '{URL}/' not found\n", "gone", f"repository '{URL}/' not found"),
        (f"remote: Not Found\nfatal: repository '{URL}/' not found\n", "gone", None),
        (f"ERROR: Repository not found.\n{SSH_END}", "gone", "ERROR: Repository not found."),
        (
            f"remote: Repository unavailable due to DMCA takedown.\nfatal: unable to access '{URL}/': "
            "The requested URL returned error: 451",
            "gone",
            "remote: Repository unavailable due to DMCA takedown.",
        ),
        (f"fatal: '/srv/x.git' does not appear to be a git repository\n{SSH_END}", "gone", None),
        (
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "password_required",
            None,
        ),
        (f"git@github.com: Permission denied (publickey).\n{SSH_END}", "password_required", None),
        (f"fatal: Authentication failed for '{URL}/'", "password_required", None),
        (
            f"fatal: unable to access '{URL}/': The requested URL returned error: 403",
            "password_required",
            None,
        ),
        (
            "remote: You have exceeded a secondary rate limit.\n"
            f"fatal: unable to access '{URL}/': The requested URL returned error: 403",
            "busy",
            "remote: You have exceeded a secondary rate limit.",
        ),
        ("error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429", "busy", None),
        (f"error: Server does not allow request for unadvertised object {'a' * 40}", "refused", None),
        (f"fatal: remote error: want {'a' * 40} not valid", "refused", None),
        (
            "error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec transferred",
            "timed_out",
            None,
        ),
        (f"fatal: unable to access '{URL}/': The requested URL returned error: 503", "passing", None),
        (
            f"fatal: unable to access '{URL}/': Failed to connect to github.com port 443 after 21 ms: Connection "
            "refused",
            "passing",
            f"unable to access '{URL}/': Failed to connect to github.com port 443: Connection refused",
        ),
        ("fatal: Out of memory, malloc failed (tried to allocate 4294967041 bytes)", "too_large", None),
        ("remote: fatal: Out of memory, malloc failed\nfatal: early EOF", "passing", None),
        (
            "error: index-pack died of signal 25\nfatal: fetch-pack: invalid index-pack output",
            "too_large",
            None,
        ),
        ("fetch-pack: unexpected disconnect\nfatal: early EOF\nfatal: fetch-pack: bad", "passing", None),
        ("", "passing", "no message"),
        ("remote: \x1b[31mred\x07\n", "passing", "remote:  [31mred "),
    ],
)
def test_every_failure_is_of_some_kind(errors: str, kind: str, message: str | None) -> None:
    failure = classify(errors, URL)
    assert failure.kind == kind
    if message is not None:
        assert failure.message == message


def test_the_missing_id_is_named() -> None:
    failure = classify(f"fatal: remote error: upload-pack: not our ref {'b' * 40}", URL)
    assert (failure.kind, failure.missing) == ("missing", "b" * 40)


@pytest.mark.parametrize(
    ("trace", "seconds"),
    [
        ("", 60.0),
        ("12:00:00.0 http.c:1 <= Recv header: HTTP/1.1 429\n... <= Recv header: Retry-After: 7\n", 7.0),
        ("... <= Recv header: retry-after: 7\n... <= Recv header: retry-after: 9\n", 9.0),
        ("... => Send header: retry-after: 7\n", 60.0),
    ],
)
def test_how_long_a_busy_server_wants_to_be_left_alone(trace: str, seconds: float) -> None:
    assert classify("error: RPC failed; HTTP 429", URL, trace).wait_seconds == seconds


def test_a_redirect_tells_where_it_leads_and_no_secret() -> None:
    errors = f"fatal: unable to access '{URL}/': The requested URL returned error: 301"
    trace = "... <= Recv header: Location: https://x/sesame\n... <= Recv header: Server: y\n"
    failure = classify(errors, URL, trace, secrets=("sesame",))
    assert (failure.kind, failure.location) == ("redirected", "https://x/***")
    assert failure.message == "redirected to 'https://x/***', which is not followed"
    assert classify(errors, URL).location == ""


def test_secrets_are_left_out_before_anything_is_cut() -> None:
    failure = classify(f"fatal: {'x' * 195} sesame", URL, secrets=("sesame",))
    assert "ses" not in failure.message
