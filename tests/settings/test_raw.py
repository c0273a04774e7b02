"""What is written in file and environment is read without the settings, and says when these are others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import BaseModel, SecretStr

from reconciler.settings import Settings, load
from reconciler.settings.raw import SECRET_KEYS, raw_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.settings.raw import RawConfiguration

_FILE = """
[targets.prod]
kind = "modelarts"
endpoint = "http://127.0.0.1:9"
project_id = "project"
auth = { method = "token", token = "first" }
"""
_AUTH = "RECONCILER_TARGETS__PROD__AUTH"


def _raw(folder: Path, text: str = _FILE) -> RawConfiguration:
    (folder / "reconciler.toml").write_text(text, "utf-8")
    return raw_configuration(None, folder)


def test_every_key_of_a_secret_is_known(tmp_path: Path) -> None:
    """Those of the tables, wherever they are."""

    def keys(kind: Any) -> Iterator[str]:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, field in kind.model_fields.items():
                if SecretStr in (field.annotation, *get_args(field.annotation)):
                    yield name
                yield from keys(field.annotation)
        for part in get_args(kind):
            yield from keys(part)

    assert set(keys(Settings)) == SECRET_KEYS
    assert load(None, cwd=tmp_path).fingerprint == raw_configuration(None, tmp_path).fingerprint()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('token = "first"', 'token = "second"'),
        ("[targets.prod]", "# about prod\n[targets.prod]"),
        ('kind = "modelarts"\n', 'kind   =   "modelarts"\n'),
    ],
)
def test_a_secret_and_what_means_nothing_change_nothing(tmp_path: Path, before: str, after: str) -> None:
    """Nothing that is kept is made of a secret."""
    assert _raw(tmp_path, _FILE.replace(before, after)).fingerprint() == _raw(tmp_path).fingerprint()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"project"', '"other"'),
        ("first", 'first", token_file = "x'),
        ("[targets.prod]", "[targets.token]"),
        ('"first"', "1"),
        ("[targets.prod]", '[source]\nbranch = "x"\n[targets.prod]'),
    ],
)
def test_a_setting_that_is_another_changes_it(tmp_path: Path, before: str, after: str) -> None:
    """Wherever it stands."""
    assert _raw(tmp_path, _FILE.replace(before, after)).fingerprint() != _raw(tmp_path).fingerprint()


@pytest.mark.parametrize(
    ("name", "values", "is_secret"),
    [
        (f"{_AUTH}__TOKEN", ("a", "b"), True),
        ("RECONCILER_SOURCE__REPO", ("https://u:a@host/x", "https://u:b@host/x"), True),
        ("RECONCILER_SOURCE", ('{"repo": "https://a@host/x"}', '{"repo": "https://b@host/x"}'), True),
        (f"{_AUTH}__TOKEN", ('{"a": 1}', '{"a": 2}'), True),
        (_AUTH, ('{"method": "token", "token": "a"}', '{"method": "token", "token": "b"}'), True),
        ("RECONCILER_NOTIFY", (' [{"url": "a"}]', ' [{"url": "b"}]'), True),
        ("RECONCILER_TARGETS__TOKEN", ('{"path": "a"}', '{"path": "b"}'), False),
        ("RECONCILER_SOURCE__VERIFY__AUTHORS__TOKEN", ('["ada"]', '["eve"]'), False),
        (_AUTH, ('{"method": "token"}', '{"method": "aksk"}'), False),
        ("reconciler_source__branch", ("a", "b"), False),
        ("RECONCILER_SOURCE__REPO", ("https://u:a@host/x", "https://u:a@host/y"), False),
        ("RECONCILER_SOURCE__BRANCH", ("{a", "{b"), False),
    ],
)
def test_a_variable_changes_it_unless_it_is_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, values: tuple[str, str], is_secret: bool
) -> None:
    """Whether it is for one key, or as JSON for a table."""
    prints = [_raw(tmp_path).fingerprint()]
    for value in values:
        monkeypatch.setenv(name, value)
        prints.append(_raw(tmp_path).fingerprint())
    assert len(set(prints)) == (2 if is_secret else 3)


def test_a_file_that_was_given_is_another_than_the_same_that_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret of the environment is sent with the one, and not with the other."""
    fingerprint = _raw(tmp_path).fingerprint()
    assert raw_configuration(tmp_path / "reconciler.toml", tmp_path).fingerprint() != fingerprint
    monkeypatch.setenv("RECONCILER_CONFIG", "reconciler.toml")
    assert _raw(tmp_path).fingerprint() == fingerprint


def test_a_table_is_what_the_settings_hold_or_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text of the environment wins; what may be JSON, or stands for a table around, is not read here."""
    keys = ("targets", "prod", "auth")
    assert _raw(tmp_path).table(*keys) == {"method": "token", "token": "first"}
    assert _raw(tmp_path).table("targets", "prod", "auth", "none") == {}
    assert _raw(tmp_path, "targets = 1").table(*keys) == {}
    monkeypatch.setenv(f"{_AUTH.lower()}__Token", "of the environment")
    assert _raw(tmp_path).table(*keys) == {"method": "token", "token": "of the environment"}
    for name, value in (
        (f"{_AUTH}__TOKEN_COMMAND", '["cat", "x"]'),
        (f"{_AUTH}__A__B", "deeper"),
        (_AUTH, "{}"),
        ("RECONCILER_TARGETS", "{}"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert _raw(tmp_path).table(*keys) is None


def test_a_variable_is_for_the_target_that_the_settings_give_it_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of variables are told apart by nothing but their letters; those of targets by case as well."""
    text = _FILE + _FILE.replace("prod", "Prod").replace('"first"', '"second"')
    monkeypatch.setenv(f"{_AUTH}__TOKEN", "of the environment")
    raw = _raw(tmp_path, text)
    given = [raw.table("targets", name, "auth") for name in ("prod", "Prod")]
    assert [(table or {})["token"] for table in given] == ["of the environment", "second"]


def test_a_text_is_what_the_settings_hold_or_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable wins; one for a table around is not read here."""
    keys = ("targets", "prod", "endpoint")
    assert _raw(tmp_path).text(*keys) == "http://127.0.0.1:9"
    assert _raw(tmp_path).text("targets", "prod", "none") is None
    assert _raw(tmp_path).text("targets", "prod") is None
    monkeypatch.setenv("reconciler_targets__PROD__Endpoint", "http://127.0.0.1:8")
    assert _raw(tmp_path).text(*keys) == "http://127.0.0.1:8"
    monkeypatch.setenv("RECONCILER_TARGETS__PROD", "{}")
    assert _raw(tmp_path).text(*keys) is None


def test_what_is_written_is_not_shown(tmp_path: Path) -> None:
    """It holds secrets."""
    raw = _raw(tmp_path, _FILE.replace("first", "canary"))
    assert "canary" not in f"{raw!r} {raw} {load(None, cwd=tmp_path)!r}"
