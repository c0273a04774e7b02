"""`reconciler registry serve`: every switch in a file, the usual ones as options, and nothing secret told."""

from __future__ import annotations

import re
import signal
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.embedded import EmbeddedSettings
from reconciler.embedded.toml_settings import RegistryFile, read_settings
from reconciler.errors import ConfigurationError
from tests.embedded.samples import request
from tests.plain_http import NO_TLS
from tests.program import Program
from tests.vendor.served import GUARDED, PASSWORD, PROJECT, SECRET_KEY, SECURITY_TOKEN, served

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLE = Path(__file__).parents[2] / "docs" / "registry.toml"

SWITCHES: Mapping[str, Any] = {
    "database": "models.db",
    "edition": "current",
    "publish_seconds": 2.5,
    "fail_pattern": "bad-*",
    "in_use_pattern": "live-*",
    "pending_status": "building",
    "offset_mode": "item",
    "sparse_items": True,
    "total_count": "zero",
    "exact_match": "equal",
    "config_keys": "added",
    "install_spelling": "realtime",
    "unique_within": "project",
    "strict": True,
    "zero_version": "refused",
    "field_codes": "0104",
    "type_code": "3053",
    "content_errors": "at-once",
    "malformed_id": 400,
    "cascade_order": "newest",
    "quota": 7,
    "projects": {"region": "p-1"},
}


def toml(value: object) -> str:
    """A value in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    return repr(value)


def written(tmp_path: Path, text: str) -> Path:
    """The text in a file."""
    file = tmp_path / "registry.toml"
    file.write_text(text, "utf-8")
    return file


def test_every_switch_of_the_registry_can_be_set_in_the_file(tmp_path: Path) -> None:
    """A switch that is added to the registry and forgotten here is noticed; no value is the default."""
    switches = {field.name for field in fields(EmbeddedSettings)}
    assert set(SWITCHES) == switches - {"clock", "auth", "faults"}
    assert set(RegistryFile.model_fields) == switches - {"clock"} | {"clock_offset"}
    file = written(tmp_path, "".join(f"{name} = {toml(value)}\n" for name, value in SWITCHES.items()))
    settings, usual = read_settings(file), EmbeddedSettings()
    assert settings.database == tmp_path / "models.db"
    for name in set(SWITCHES) - {"database"}:
        assert getattr(settings, name) == SWITCHES[name] != getattr(usual, name), name


def test_an_empty_file_leaves_every_default(tmp_path: Path) -> None:
    """The defaults stand in one place."""
    assert read_settings(written(tmp_path, "")) == EmbeddedSettings()


def test_credentials_are_read_by_value_from_a_file_and_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everywhere: x, x_file or x_env, relative files beside the settings."""
    (tmp_path / "sk").write_text("secret-of-file\n", "utf-8")
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret-of-environment")
    file = written(
        tmp_path,
        """
        clock_offset = -3600
        [auth]
        token_lifetime = 10
        clock_window = 20
        lockout_after = 3
        lockout_seconds = 40
        access_keys = [
          {access_key = "AK1", secret_key = "given", security_token = "temporary"},
          {access_key = "AK2", secret_key_file = "sk"},
        ]
        users = [{name = "u", domain = "d", password_env = "REGISTRY_PASSWORD"}]
        """,
    )
    settings = read_settings(file)
    auth = settings.auth
    assert auth is not None
    assert auth.access_keys == {"AK1": "given", "AK2": "secret-of-file"}
    assert auth.security_tokens == {"AK1": "temporary"}
    assert [(u.name, u.domain, u.password) for u in auth.users] == [("u", "d", "secret-of-environment")]
    assert (auth.token_lifetime, auth.clock_window, auth.lockout_after, auth.lockout_seconds) == (
        10,
        20,
        3,
        40,
    )
    assert abs(settings.clock() + 3600 - EmbeddedSettings().clock()) < 5
    assert not any(secret in repr(settings) for secret in ("given", "temporary", "secret-of"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('editon = "x"', "editon: unknown key; did you mean 'edition'?"),
        ('edition = "2019"', "2019"),
        ("publish_seconds = true", "publish_seconds: expected a number"),
        ("publish_seconds = -1", "publish_seconds: expected 0 or more"),
        ('quota = "7"', "quota: expected a whole number"),
        ("malformed_id = 418", "malformed_id: expected 404 or 400"),
        ('offset_mode = "pages"', "offset_mode: expected 'page' or 'item'"),
        ('[projects]\nx = "a/b"', "projects.x: expected the id of a project: up to 64"),
        ("[auth]\ntokens = 1", "auth.tokens: unknown key"),
        ("[auth]\nlockout_after = 0", "auth.lockout_after: "),
        ('[[auth.access_keys]]\naccess_key = "A"', "auth.access_keys[1]: secret_key is missing: give "),
        (
            '[[auth.users]]\nname = "a"\ndomain = "b"\npassword = "CANARY"\npassword_file = "CANARY"',
            "auth.users[1]: give password in one way only, not as password and password_file",
        ),
        ('[[auth.users]]\nname = "a"\ndomain = "b"\npassword = 1234567', "auth.users[1].password: "),
        ('[[auth.users]]\nname = "a"\ndomain = "b"\npassword_file = "none"', "none: cannot be read"),
        ('[[auth.users]]\nname = "a"\ndomain = "b"\npassword_env = "NO_SUCH"', "NO_SUCH is empty or not set"),
        ("\n\neditor = 1", "registry.toml:3: editor: unknown key"),
        ("edition = ", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_told_with_file_line_and_key(
    tmp_path: Path, text: str, message: str
) -> None:
    """Exit 2, one line a mistake, no value of a secret."""
    written(tmp_path, text)
    done = Program(tmp_path)("registry", "serve", "--settings", "registry.toml", "--port", "0")
    assert done.code == 2
    assert re.match(r"error: registry\.toml:\d+:", done.err)
    assert message in done.err
    assert "CANARY" not in done.err
    assert "1234567" not in done.err


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path: Path) -> None:
    """Its name and the reason."""
    for file in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_settings(file)
    (tmp_path / "registry.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read_settings(tmp_path / "registry.toml")


def test_it_says_where_it_listens_and_stops_on_a_signal(tmp_path: Path) -> None:
    """One line to standard error, once connections are accepted; options win over the file."""
    settings = 'edition = "current"\nfail_pattern = "bad"\nstrict = true'
    with served(
        tmp_path, settings, "--edition", "cn-2021", "--lenient", "--publish-seconds", "0"
    ) as registry:
        assert httpx.get(f"{registry.url}/", verify=NO_TLS).json()["edition"] == "cn-2021"
        models = f"{registry.url}/v1/{PROJECT}/models"
        made = httpx.post(models, json=request("bad") | {"unknown": 1}, verify=NO_TLS)
        assert (
            httpx.get(f"{models}/{made.json()['model_id']}", verify=NO_TLS).json()["model_status"] == "failed"
        )
        registry.process.send_signal(signal.SIGTERM)
        assert registry.process.wait(20) == 0
    assert registry.log_text.splitlines() == [
        f"embedded registry: {registry.url} (database in memory, edition cn-2021, lets everybody in)"
    ]


def test_refused_credentials_are_logged_without_them(tmp_path: Path) -> None:
    """One line a refusal, with the request's id; secrets of either side are in no line."""
    with served(tmp_path, GUARDED) as registry:
        models = f"{registry.url}/v1/{PROJECT}/models"
        answer = httpx.get(models, headers={"X-Auth-Token": "TOKEN-canary"}, verify=NO_TLS)
        assert answer.status_code == 401
        assert httpx.get(models, verify=NO_TLS).status_code == 401
        login = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
            "name": "robot", "password": "WRONG-canary", "domain": {"name": "acme"}}}}}}  # fmt: skip
        assert httpx.post(f"{registry.url}/v3/auth/tokens", json=login, verify=NO_TLS).status_code == 401
    lines = registry.log_text.splitlines()
    assert answer.headers["X-request-id"] in lines[1]
    assert [line.partition(" refused: ")[2] for line in lines[1:]] == [
        "401 ModelArts.0203",
        "401 ModelArts.0201",
        "401 login",
    ]
    assert not any(
        secret in registry.log_text for secret in ("canary", SECRET_KEY, SECURITY_TOKEN, PASSWORD, "\x1b")
    )


def test_the_registrys_own_time_is_on_every_answer(tmp_path: Path) -> None:
    """A clock that is off shows in `Date`, as it would with a real one."""
    with served(tmp_path, "clock_offset = 86400000000") as registry:
        (date,) = httpx.get(f"{registry.url}/healthz", verify=NO_TLS).headers.get_list("date")
        assert int(date.split()[3]) > 4000


def test_the_example_of_the_documents_names_every_switch() -> None:
    """docs/registry.toml is loaded, and shows each key once, commented out or not."""
    settings = read_settings(EXAMPLE)
    assert settings.auth is not None
    assert settings.projects
    text = EXAMPLE.read_text("utf-8")
    for name in set(RegistryFile.model_fields) - {"auth", "projects"}:
        assert f"\n{name} = " in text or f"\n# {name} = " in text, name
