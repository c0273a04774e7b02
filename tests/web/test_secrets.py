"""The secrets of page and notes are read as those of a registry are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.app.credentials import page_tokens, push_url, webhook_secret
from reconciler.errors import ConfigurationError
from reconciler.redaction import concealed
from reconciler.settings import AuditSettings, WebSettings

if TYPE_CHECKING:
    from pathlib import Path

_WRONG: dict[str, tuple[dict[str, str], str]] = {
    "no such file": ({"_file": "absent"}, r"secret file .*absent cannot be read: No such file or directory"),
    "not text": ({"_file": "binary"}, r"secret file .*binary is not UTF-8 text"),
    "too long": ({"_file": "long"}, r"secret file .*long is larger than 65536 bytes"),
    "empty": ({"_file": "empty"}, r"secret file .*empty is empty"),
    "unset": ({"_env": "NOT_SET_HERE"}, r"environment variable NOT_SET_HERE is not set"),
}


def _keys(name: str, ways: dict[str, str]) -> dict[str, Any]:
    return {f"{name}{way}": value for way, value in ways.items()}


@pytest.mark.parametrize("wrong", _WRONG)
def test_a_secret_that_cannot_be_read_is_an_error_with_its_key_and_the_reason(
    tmp_path: Path, wrong: str
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "long").write_text("x" * 70_000)
    (tmp_path / "empty").write_text("\n")
    ways, said = _WRONG[wrong]
    with pytest.raises(ConfigurationError, match=rf"^web\.token: {said}"):
        page_tokens(tmp_path, WebSettings(**_keys("token", ways)))
    with pytest.raises(ConfigurationError, match=rf"^web\.webhook_secret: {said}"):
        webhook_secret(tmp_path, WebSettings(**_keys("webhook_secret", ways)))()
    with pytest.raises(ConfigurationError, match=rf"^audit\.push_url: {said}"):
        push_url(tmp_path, AuditSettings(**_keys("push_url", ways)))


def test_what_is_not_given_is_none(tmp_path: Path) -> None:
    assert page_tokens(tmp_path, WebSettings()) is None
    assert webhook_secret(tmp_path, WebSettings())() is None
    assert push_url(tmp_path, AuditSettings()) is None


def test_two_secrets_stand_on_two_lines(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("new-one\nold-one\n")
    assert (
        webhook_secret(tmp_path, WebSettings(**_keys("webhook_secret", {"_file": "hook"})))()
        == "new-one\nold-one"
    )


def test_the_url_that_notes_are_pushed_to_is_named_in_messages(tmp_path: Path) -> None:
    """It is often `source.repo` too; only its credential is a secret, and the page's secrets are."""
    url = "https://git.example.com/team/models.git"
    assert push_url(tmp_path, AuditSettings.model_validate({"push_url": url})) == url
    of_page = "for-the-webhook-of-this-test"
    webhook_secret(tmp_path, WebSettings.model_validate({"webhook_secret": of_page}))()
    assert concealed(f"{url} {of_page}") == f"{url} ***"
