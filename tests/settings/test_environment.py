"""What `RECONCILER_…` variables say: the same as a file would, key by key, and nothing in silence."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import ConfigurationError
from reconciler.settings import PasswordAuth, load

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.settings import Settings

VALUES: dict[str, tuple[str, ...]] = {
    "source.repo": (".", "5", "[1]", '{"a": 1}', "null"),
    "source.branch": ("main", "true"),
    "source.timeout": ("5s", "7"),
    "schedule.every": ("1h30m", "250ms"),
    "guards.max_imports_per_cycle": ("0", "12"),
    "guards.allow_empty": ("true", "false"),
    "web.webhook_secret": ("canary", '["canary"]'),
    "log.level": ("debug", "error"),
    "targets.prod.kind": ("embedded",),
    "targets.prod.path": ("models.d/prod", "m"),
    "targets.prod.in_flight": ("3",),
}
"""Keys of the file, and texts that are right for each."""

CLOUD = {"kind": "modelarts", "endpoint": "https://x.example.org", "project_id": "123"}

answers = st.fixed_dictionaries({}, optional={key: st.sampled_from(texts) for key, texts in VALUES.items()})


def _loaded(folder: Path, text: str = "", **variables: str) -> Settings:
    file = folder / "reconciler.toml"
    file.write_text(text)
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("RECONCILER_")}
    with mock.patch.dict(os.environ, clean | variables, clear=True):
        return load(file, cwd=folder).settings


def _refusal(folder: Path, text: str = "", **variables: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        _loaded(folder, text, **variables)
    return str(refused.value)


def _written(given: dict[str, str]) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items())


def _named(given: dict[str, str]) -> dict[str, str]:
    return {f"RECONCILER_{key.replace('.', '__').upper()}": value for key, value in given.items()}


def _tables(given: dict[str, str]) -> dict[str, Any]:
    """The same as one JSON value for each table."""
    nested: dict[str, Any] = {}
    for key, value in given.items():
        *tables, last = key.split(".")
        inner = nested
        for table in tables:
            inner = inner.setdefault(table, {})
        inner[last] = value
    return nested


def _usable(given: dict[str, str]) -> dict[str, str]:
    """A target has a kind."""
    prod = any(key.startswith("targets.prod.") for key in given)
    return given | ({"targets.prod.kind": "embedded"} if prod else {})


@given(given=answers)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_variable_says_what_the_same_key_of_the_file_says(tmp_path: Path, given: dict[str, str]) -> None:
    """As variables for single keys, as one for each table in JSON, and as a file: the same settings."""
    said = _usable(given)
    by_file = _loaded(tmp_path, _written(said))
    by_table = {f"RECONCILER_{name.upper()}": json.dumps(table) for name, table in _tables(said).items()}
    assert _loaded(tmp_path, **_named(said)) == by_file
    assert _loaded(tmp_path, **by_table) == by_file


@given(lower=answers, higher=answers)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_environment_wins_key_by_key(
    tmp_path: Path, lower: dict[str, str], higher: dict[str, str]
) -> None:
    """What only the file says, stays; and a variable for one key wins over the one for its table."""
    under, over = _usable(lower), _usable(higher)
    expected = _loaded(tmp_path, _written(under | over))
    assert _loaded(tmp_path, _written(under), **_named(over)) == expected
    by_table = {f"RECONCILER_{name.upper()}": json.dumps(table) for name, table in _tables(under).items()}
    for variables in (by_table | _named(over), _named(over) | by_table):
        assert _loaded(tmp_path, **variables) == expected


@pytest.mark.parametrize(
    "variables",
    [
        {"RECONCILER_TARGETS__PROD__AUTH": json.dumps({"method": "token", "token_command": ["cat", "x"]})},
        {
            "RECONCILER_TARGETS__PROD__AUTH": '{"method": "token"}',
            "RECONCILER_TARGETS__PROD__AUTH__TOKEN_COMMAND": '["cat", "x"]',
        },
        {
            "reconciler_targets__prod__auth__method": "token",
            "Reconciler_Targets__Prod__Auth__Token_Command": '["cat", "x"]',
        },
        {
            "RECONCILER_TARGETS": json.dumps(
                {"prod": {"auth": {"method": "token", "token_command": ["cat", "x"]}}}
            )
        },
    ],
    ids=["table", "list-in-table", "small-letters", "all"],
)
def test_tables_and_lists_are_written_as_json_at_any_depth(tmp_path: Path, variables: dict[str, str]) -> None:
    """Names count without regard to case, and what the file says beside them stays."""
    text = "[targets.prod]\n" + _written(CLOUD)
    target = _loaded(tmp_path, text, **variables).targets["prod"]
    assert target.model_dump()["auth"]["token_command"] == ("cat", "x")
    assert target.model_dump()["project_id"] == "123"


@pytest.mark.parametrize("password", ["123", "true", "null", '{"a": 1}', '["a"]', '"a"', "", " ", "{"])
def test_a_secret_is_taken_as_it_is(tmp_path: Path, password: str) -> None:
    """Even where it looks like JSON; an empty one is none."""
    auth = {"METHOD": "password", "IAM_ENDPOINT": "https://i", "USERNAME": "u", "DOMAIN": "d", "SCOPE": "s"}
    variables = {f"RECONCILER_TARGETS__PROD__AUTH__{key}": value for key, value in auth.items()}
    variables["RECONCILER_TARGETS__PROD__AUTH__PASSWORD"] = password
    text = "[targets.prod]\n" + _written(CLOUD)
    if not password:
        assert "auth.password: is empty" in _refusal(tmp_path, text, **variables)
        return
    loaded_auth = _loaded(tmp_path, text, **variables).targets["prod"].model_copy().auth
    assert isinstance(loaded_auth, PasswordAuth)
    assert loaded_auth.password is not None
    assert loaded_auth.password.get_secret_value() == password


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"reconciler_sorce__repo": "x"},
            "reconciler_sorce__repo: no such setting; did you mean RECONCILER_SOURCE__REPO?",
        ),
        *(
            ({variable: "canary"}, f"{variable}: no such setting; did you mean {meant}?")
            for variable, meant in (
                ("RECONCILER_CONFG", "RECONCILER_CONFIG"),
                ("RECONCILER_config", "RECONCILER_CONFIG"),
                ("RECONCILER_CONFIG_FILE", "RECONCILER_CONFIG"),
                ("RECONCILER_STATE_ULR", "RECONCILER_STATE__URL"),
                ("RECONCILER_STAT__URL", "RECONCILER_STATE__URL"),
                ("RECONCILER__STATE__URL", "RECONCILER_STATE__URL"),
                ("RECONCILER_GUARDS_MAX_IMPORTS_PER_CYCLE", "RECONCILER_GUARDS__MAX_IMPORTS_PER_CYCLE"),
                ("RECONCILER_SOURCE_VERIFY_MODE", "RECONCILER_SOURCE__VERIFY__MODE"),
                ("RECONCILER_TARGET__PROD__TOKEN", "RECONCILER_TARGETS__NAME__AUTH__TOKEN"),
                ("RECONCILER_TARGETS_PROD_AUTH_TOKEN", "RECONCILER_TARGETS__NAME__AUTH__TOKEN"),
            )
        ),
        ({"RECONCILER_X": "x"}, "RECONCILER_X: no such setting; one is written RECONCILER_TABLE__KEY, or"),
        (
            {"RECONCILER_STATE__ULR": "x"},
            "RECONCILER_STATE__ULR: state.ulr: unknown key; did you mean 'url'?",
        ),
        (
            {"RECONCILER_TARGETS__LOCAL__TOKN": "x"},
            "TOKN: targets.local.tokn: unknown key; did you mean 'token' of targets.NAME.auth or web?",
        ),
        (
            {"RECONCILER_TARGETS__LOCAL__TOKEN": "x"},
            "TOKEN: targets.local.token: unknown key here; it belongs to targets.NAME.auth or web",
        ),
        (
            {"RECONCILER_NOTIFY": '[{"kind": "webhook", "url": "https://a/x", "modles": ["a"]}]'},
            "RECONCILER_NOTIFY: notify.0.modles: unknown key; did you mean 'models'?",
        ),
        (
            {"RECONCILER_BRANCH": "x"},
            "RECONCILER_BRANCH: no such setting; did you mean RECONCILER_SOURCE__BRANCH?",
        ),
        ({"RECONCILER_SOURCE__SOURCE": "x"}, "source.source: unknown key here; it belongs to the top"),
        ({"RECONCILER_": "x"}, "RECONCILER_: no such setting"),
        ({"RECONCILER_SOURCE_REPO": "x"}, "RECONCILER_SOURCE_REPO: no such setting"),
        ({"RECONCILER_SOURCE__": "x"}, "RECONCILER_SOURCE__: source.: unknown key"),
        ({"RECONCILER_SOURCE": ""}, "RECONCILER_SOURCE: expected a table of keys, written as JSON"),
        ({"RECONCILER_SOURCE": "null"}, "RECONCILER_SOURCE: source: expected a table of keys"),
        ({"RECONCILER_SOURCE": "9" * 5000}, "RECONCILER_SOURCE: expected a table of keys"),
        (
            {"RECONCILER_SOURCE__REPO": "x", "RECONCILER_SOURCE__REPO__X": "y"},
            "RECONCILER_SOURCE__REPO__X: another variable says this is no table of keys",
        ),
        (
            {"RECONCILER_TARGETS": "true", "RECONCILER_TARGETS__LOCAL__PATH": "y"},
            "RECONCILER_TARGETS__LOCAL__PATH: another variable says this is no table of keys",
        ),
        ({"RECONCILER_LOG" + "__X" * 30_000: "y"}, "__…: log.x: unknown key"),
        (
            {"RECONCILER_LOG" + "__X" * 30_000 + last: "y" for last in ("__A", "__B")},
            "RECONCILER_…: a value is nested too deeply",
        ),
    ],
)
def test_nothing_is_passed_over_in_silence(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    """A variable counts, or it is a mistake."""
    assert expected in _refusal(tmp_path, **variables)


def test_every_variable_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    """Each on a line of its own, of whichever kind its mistake is."""
    variables = {
        "RECONCILER_BOGUS__X": "1",
        "RECONCILER_SCHEDUL__EVERY": "5m",
        "RECONCILER_STATE": "no table",
        "RECONCILER_SOURCE__REPO": ".",
        "RECONCILER_SOURCE__REPO__X": "y",
    }
    lines = _refusal(tmp_path, **variables).splitlines()
    names = variables.keys() - {"RECONCILER_SOURCE__REPO"}
    assert len(lines) == len(names)
    assert all(any(f"{name}:" in line for line in lines) for name in names)


def test_a_table_of_a_misspelt_target_is_told_as_such(tmp_path: Path) -> None:
    """Else it would be one more target, which has no kind."""
    text = "[targets.prod]\n" + _written(CLOUD)
    variables = {"RECONCILER_TARGETS__PRD__AUTH__TOKEN": "canary"}
    said = _refusal(tmp_path, text, **variables)
    assert "targets.prd.kind: missing, and required; did you mean 'prod'?" in said
    assert "canary" not in said


def test_the_variable_of_the_command_line_is_no_setting(tmp_path: Path) -> None:
    """`RECONCILER_CONFIG` says where the file is."""
    assert _loaded(tmp_path, RECONCILER_CONFIG="elsewhere") == _loaded(tmp_path)


def test_the_default_target_is_refined_however_that_is_written(tmp_path: Path) -> None:
    """The kind of `local` need not be said again; that of any other target has to be."""
    assert _loaded(tmp_path, RECONCILER_TARGETS__LOCAL__PATH="m").targets["local"].path == "m"
    assert _loaded(tmp_path, RECONCILER_TARGETS__LOCAL='{"path": "m"}').targets["local"].path == "m"
    assert "targets.prod.kind: missing" in _refusal(tmp_path, RECONCILER_TARGETS__PROD__PATH="m")
    both = {"RECONCILER_TARGETS__LOCAL__PATH": "m", "RECONCILER_TARGETS__PROD__KIND": "embedded"}
    assert "targets.local.kind: missing" in _refusal(tmp_path, **both)


def test_tables_of_the_file_are_written_in_small_letters(tmp_path: Path) -> None:
    """TOML tells `[Source]` from `[source]`, and so do we: of two, none is dropped."""
    assert "Source: unknown key; did you mean 'source'?" in _refusal(tmp_path, "[Source]\nbranch = 'x'\n")
