"""Which texts are folders, which are URLs, and which are refused; and what of a URL may be shown."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ConfigurationError
from reconciler.remote import parse_remote
from reconciler.source.errors import explain
from tests.effort import examples


@pytest.mark.parametrize(
    ("url", "scheme", "shown"),
    [
        ("file:///srv/models.git", "file", "file:///srv/models.git"),
        ("https://host.example/team/models.git", "https", "https://host.example/team/models.git"),
        ("https://user:s3cret@host:8443/m.git", "https", "https://host:8443/m.git"),
        ("https://t0ken@host/m.git", "https", "https://host/m.git"),
        ("ssh://git@host:2222/m.git", "ssh", "ssh://git@host:2222/m.git"),
        ("ssh://git:s3cret@host/m.git", "ssh", "ssh://git@host/m.git"),
        ("git@host:team/m.git", "ssh", "git@host:team/m.git"),
        ("git@[::1]:m.git", "ssh", "git@[::1]:m.git"),
        ("http://127.0.0.1:8000/m.git", "http", "http://127.0.0.1:8000/m.git"),
        ("http://localhost/m.git", "http", "http://localhost/m.git"),
        ("http://[::1]:80/m.git", "http", "http://[::1]:80/m.git"),
    ],
)
def test_a_url_is_recognised_and_shown_without_secrets(url: str, scheme: str, shown: str) -> None:
    """Credentials and queries never reach a message."""
    remote = parse_remote(url)
    assert remote is not None
    assert (remote.url, remote.scheme, remote.shown) == (url, scheme, shown)
    assert "s3cret" not in remote.redact(f"fatal: {url}")
    if "s3cret" in url:
        assert "s3cret" not in remote.redact("fatal: s3cret is wrong")
    assert "s3cret" not in repr(remote)


@pytest.mark.parametrize("path", [".", "repo", "/srv/models", "../x", "a:b/c", "~/x", "C:\\x", "a/b@c:d", ""])
def test_anything_without_a_scheme_is_a_folder(path: str) -> None:
    """Also what merely has a colon in it."""
    assert parse_remote(path) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ext::sh -c touch% /tmp/x", "remote helper 'ext'"),
        ("fd::7", "remote helper 'fd'"),
        ("::x", "remote helper ''"),
        ("transport::https://host/x", "remote helper"),
        ("ext://x", "scheme 'ext' is refused"),
        ("git://host/x", "scheme 'git' is refused"),
        ("ftp://host/x", "scheme 'ftp' is refused"),
        ("http://host.example/x", "http is refused except for loopback"),
        ("https://host/m.git?private_token=s3cret", "a query or fragment is refused"),
        ("https://host/m.git#s3cret", "a query or fragment is refused"),
        ("https://user:s3cret%0aurl=x@host/m.git", "has a control character"),
        ("http://127.0.0.1.evil.example/x", "http is refused except for loopback"),
        ("http://user@localhost:x@evil/x", "cannot be read|http is refused"),
        ("--upload-pack=touch /tmp/x", "begins with '-'"),
        ("-oProxyCommand=x", "begins with '-'"),
        ("ssh://-oProxyCommand=x/y", "must not begin with '-'"),
        ("ssh://-l@host/y", "must not begin with '-'"),
        ("-l@host:path", "must not begin with '-'"),
        ("git@-oProxyCommand=x:path", "must not begin with '-'"),
        ("git@host:-x", "must not begin with '-'"),
        ("file://host/path", "without a host"),
        ("file:relative/../x://", None),
        ("https:///path", "has no host"),
        ("https://ho st/path", "blank or a control character"),
        ("https://host/pa\nth", "blank or a control character"),
        ("git@host:pa\x1bth", "blank or a control character"),
        ("https://[::1/x", "cannot be read"),
        ("https://host:99999/x", "cannot be read"),
    ],
)
def test_a_url_that_could_start_something_is_refused(url: str, why: str | None) -> None:
    """Before git sees it."""
    if why is None:
        assert parse_remote(url) is None
        return
    with pytest.raises(ConfigurationError, match=why) as caught:
        parse_remote(url)
    assert not set(str(caught.value)) & set("\n\x1b")


@given(st.text(max_size=40), st.sampled_from(["", "https://", "ssh://", "git@host:", "file:///", "ext::"]))
@settings(max_examples=examples(300), deadline=None)
def test_any_text_is_a_folder_a_url_or_a_clear_refusal(rest: str, start: str) -> None:
    """Nothing else is raised, and what is accepted has no option and no helper in it."""
    try:
        remote = parse_remote(start + rest)
    except ConfigurationError:
        return
    if remote is not None:
        assert remote.scheme in ("file", "ssh", "https", "http")
        assert not re.match(r"[A-Za-z0-9+.-]*::", remote.url)
        assert len(remote.digest(None)) == 32


@given(
    st.from_regex(r"[a-zA-Z0-9%~.]{4,12}", fullmatch=True).filter(lambda text: unquote(text).isprintable())
)
@settings(max_examples=examples(100), deadline=None)
def test_a_password_never_survives_redaction(password: str) -> None:
    """Neither as written nor percent-decoded, wherever it stands."""
    remote = parse_remote(f"https://u:{password}@host/x")
    assert remote is not None
    assert password not in remote.redact(f"a {password} b https://u:{password}@host/x")


def test_a_changed_password_keeps_the_mirror() -> None:
    """The folder's name tells URL and branch apart, and nothing else."""
    one, two = parse_remote("https://u:1@host/x"), parse_remote("https://u:2@host/x")
    assert one is not None
    assert two is not None
    assert one.digest("main") == two.digest("main") != one.digest(None)


@pytest.mark.parametrize(
    ("complaint", "meaning"),
    [
        ("fatal: detected dubious ownership in repository at '/x'", "belongs to another user"),
        (
            "Host key verification failed.\nfatal: Could not read from remote repository.",
            "host key is not known",
        ),
        (
            "git@host: Permission denied (publickey).\nfatal: Could not read from remote",
            "credentials were refused",
        ),
        (
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            "credentials were refused",
        ),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "cannot be reached"),
        ("ssh: connect to host h port 22: Connection refused", "cannot be reached"),
        (
            "fatal: unable to access 'https://h/': server certificate verification failed",
            "renew it if it has",
        ),
        (
            "fatal: unable to access 'https://h/': certificate subject name (x) does not match target host",
            "certificate is for another host",
        ),
        ("fatal: repository 'https://h/x/' not found", "no git repository"),
        ("fatal: transport 'file' not allowed", "partial clone"),
        ("fatal: write error: No space left on device", "disk is full"),
        ("error: inflate: data stream error\nfatal: loose object 1 is corrupt", "missing or damaged"),
        ('error: open("a"): Permission denied', "check their permissions"),
        ("fatal: something\x1b[31m new", r"git says: something\\x1b\[31m new"),
        ("", "git says: nothing"),
    ],
)
def test_complaints_of_git_become_advice(complaint: str, meaning: str) -> None:
    """What went wrong and what to do, with git's own words, without control characters."""
    text = explain(complaint, "/x")
    assert re.search(meaning, text), text
    assert "\x1b" not in text


def test_a_long_complaint_is_cut() -> None:
    """A message stays a message."""
    assert len(explain("fatal: " + "x" * 10_000, "/x")) < 400


@pytest.mark.parametrize(
    "text", ["https:/u:s3cret@host/x", " https://u:s3cret@host/x", "u:s3cret@host:x", "a/u:s3cret@h"]
)
def test_what_only_looks_like_a_url_with_a_password_is_refused_and_not_repeated(text: str) -> None:
    """As a folder it would stand in the message about what is not there."""
    with pytest.raises(ConfigurationError) as refused:
        parse_remote(text)
    assert "s3cret" not in str(refused.value)
