from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Fleet, Program

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-7f3a"
CLOUD = """
[targets.prod]
kind = "modelarts"
endpoint = "https://127.0.0.1:9"
project_id = "p"
"""


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("[sorce]\n", "sorce", "unknown key; did you mean 'source'?"),
        ("[source]\nrepos = '.'\n", "source.repos", "unknown key; did you mean 'repo'?"),
        ("[auth]\nmethod = 'token'\n", "auth", "unknown key here; it belongs to targets.NAME"),
        ("[source]\nrepo = 5\n", "source.repo", "expected a text"),
        ("[schedule]\nevery = '30 parsecs'\n", "schedule.every", "expected a duration such as 30s"),
        ("[schedule]\nevery = '0s'\n", "schedule.every", "longer than 0s"),
        ("[schedule]\nevery = '99999999999d'\n", "schedule.every", "between 0s and ten years"),
        (
            "[guards]\nmax_imports_per_cycle = 'many'\n",
            "guards.max_imports_per_cycle",
            "expected a whole number",
        ),
        ("[targets]\n", "targets", "at least one"),
        ("targets = 5\n", "targets", "table of keys"),
        ("[targets.a]\npath = 'x'\n", "targets.a.kind", "missing, and required"),
        ("[targets.a]\nkind = 'embeded'\n", "targets.a.kind", "did you mean 'embedded'?"),
        ("[targets.a]\nkind = 'embedded'\npath = '../x'\n", "targets.a.path", "inside the repository"),
        ("[targets.'../a']\nkind = 'embedded'\n", "targets.../a", "expected a name"),
        ("[targets.a]\nkind = 'embedded'\nedition = 'seed'\n", "targets.a.edition", "'seed-2019'"),
        (CLOUD + "auth = { method = 'tokens' }\n", "targets.prod.auth.method", "did you mean 'token'?"),
        (CLOUD + "auth = { method = 'token' }\n", "targets.prod.auth", "token is missing: give token_file"),
        ("[state]\nurl = 'mysql://host/x'\n", "state.url", "expected sqlite:///"),
        ("[web]\nlisten = '8321'\n", "web.listen", "expected HOST:PORT"),
        ("[log]\nformat = 'xml'\n", "log.format", "'console' or 'json'"),
    ],
)
def test_a_mistake_is_told_with_file_line_key_and_what_was_expected(
    tmp_path: Path, text: str, key: str, expected: str
) -> None:
    """One line, exit code 2, nothing made."""
    program = Program(tmp_path)
    program.configure(text)
    done = program("plan")
    assert (done.code, done.out) == (2, "")
    assert re.match(rf"error: {tmp_path}/reconciler\.toml:\d+: {re.escape(key)}: ", done.err)
    assert expected in done.err
    assert list(program.files()) == ["reconciler.toml"]


@pytest.mark.parametrize(
    ("text", "command", "expected"),
    [
        ("\n[log]\n\nlevel = 'loud'\n", "plan", ":4: log.level: "),
        ("[source]\n'b r' = 1\n", "plan", ":2: source.b r: unknown key"),
        ("[targets.a]\npath = 'x'\n", "plan", ":1: targets.a.kind: missing"),
        (
            CLOUD + "[targets.prod.auth]\nmethod = 'token'\ntoken_command = [\n'x', 5]\n",
            "plan",
            ":9: targets.prod",
        ),
        (
            CLOUD + "\nauth = {method = 'aksk', access_key = 5}\n",
            "plan",
            ":7: targets.prod.auth.access_key: ",
        ),
        ("\nlog.level = 'loud'", "plan", ":2: log.level: "),
        ("\nsource = {repo = 'ext::sh'}\n", "plan", ":2: source.repo: repository URL"),
        ("[schedule]\ncron = '1 2'\n", "plan", ":2: schedule.cron: '1 2' has 2 fields"),
        (CLOUD.replace('"p"', '"p.q"'), "plan", ":5: targets.prod.project_id: "),
        (CLOUD.replace(":9", ":9/?x"), "plan", ":4: targets.prod: endpoint has"),
        (
            CLOUD + "[targets.prod.auth]\nmethod = 'password'\nusername = 'u'\ndomain = 'd'\nscope = 's'\n"
            "password = 'p'\niam_endpoint = 'http://example.com'\n",
            "plan",
            ":12: targets.prod.auth.iam_endpoint: would send credentials unencrypted",
        ),
    ],
)
def test_every_kind_of_mistake_names_its_line(tmp_path: Path, text: str, command: str, expected: str) -> None:
    """An unknown key, a type, a value, a missing key, and what only the other rooms know to be wrong."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.declare("a@1.0.0")
    fleet.configure(text)
    done = fleet(command)
    assert done.code == 2
    assert done.err.startswith(f"error: {fleet.folder}/reconciler.toml{expected}")


def test_a_wrong_value_of_another_room_names_its_variable(fleet: Fleet) -> None:
    """As those that the settings themselves refuse."""
    assert (
        "environment RECONCILER_SOURCE__REPO: source.repo: "
        in fleet("plan", RECONCILER_SOURCE__REPO="ext::x").err
    )


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """One a line."""
    program = Program(tmp_path)
    program.configure("[source]\nrepos = '.'\n[log]\nlevel = 'loud'\n")
    assert len(program("plan").err.splitlines()) == 2


@pytest.mark.parametrize("key", ["verdicts = ['no']", "targets = [7]", "models = [7]"])
def test_a_list_of_refused_values_is_not_called_empty_too(tmp_path: Path, key: str) -> None:
    """One mistake, one line."""
    program = Program(tmp_path)
    program.configure(f"[[notify]]\nkind = 'webhook'\nurl = 'https://example.org/x'\n{key}\n")
    done = program("plan")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert f"notify.0.{key.partition(' ')[0]}.0: expected " in done.err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[source\n", ":1:8: not valid TOML"),
        (b"\nx = CANARY\n", ":2:5: not valid TOML"),
        (b"x = 1\n\n\xff\xfe\x00", ":3: not UTF-8 text"),
        (b"x = [\n1,\n", ":3: not valid TOML"),
        (b"x = 1\ny = " + b"9" * 5000, ":2: not valid TOML: a number or a date that cannot be"),
        (b"x = 1\ny = " + b"[" * 50_000, ":2: not valid TOML: nested too deeply"),
        (b"x = '''\n'''\n" + b"a." * 20 + b"b = 1", ":3: a key of more than 16 parts"),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path, content: bytes, expected: str) -> None:
    """And with its column where the parser knows it; exit code 2."""
    (tmp_path / "reconciler.toml").write_bytes(content)
    done = Program(tmp_path)("plan")
    assert done.code == 2
    assert f"{tmp_path}/reconciler.toml{expected}" in done.err


@pytest.mark.parametrize("arguments", [["--config", "nope.toml"], ["--config", "."]])
def test_an_explicit_file_must_be_one(tmp_path: Path, arguments: list[str]) -> None:
    """Exit code 2; nothing else is looked for."""
    program = Program(tmp_path)
    program.configure(EMBEDDED)
    done = program("plan", *arguments)
    assert (done.code, "no such configuration file" in done.err) == (2, True)


def test_the_environment_wins_over_the_file(fleet: Fleet) -> None:
    """One key of a table."""
    fleet.configure(EMBEDDED + "[source]\nbranch = 'nowhere'\n")
    assert fleet("plan").code == 3
    assert fleet("plan", RECONCILER_SOURCE__BRANCH="main").code == 0


def test_the_environment_alone_is_enough(fleet: Fleet) -> None:
    """Without any file, also to refine the target that is there by default."""
    (fleet.folder / "reconciler.toml").unlink()
    fleet.declare("c@1.0.0", folder="other")
    assert list(fleet.json("plan", RECONCILER_TARGETS__LOCAL__PATH="other").verdicts) == ["c@1.0.0"]
    own = {"RECONCILER_TARGETS__MINE__KIND": "embedded", "RECONCILER_TARGETS__MINE__PATH": "other"}
    assert {item["target"] for item in fleet.json("plan", **own).json["items"]} == {"mine"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RECONCILER_SORCE", "x", "no such setting; did you mean RECONCILER_SOURCE?"),
        ("RECONCILER_SORCE__REPO", "x", "no such setting; did you mean RECONCILER_SOURCE__REPO?"),
        ("RECONCILER_SOURCE", "x", "table of keys, written as JSON"),
        ("RECONCILER_SOURCE__REPOS", "x", "source.repos: unknown key; did you mean 'repo'?"),
        ("RECONCILER_SOURCE__REPO__X", "x", "source.repo: expected a text"),
        ("RECONCILER_TARGETS", "{", "table of keys, written as JSON"),
        ("RECONCILER_SCHEDULE__EVERY", "x", "schedule.every: expected a duration"),
        ("RECONCILER_TARGETS__LOCAL__PUBLISH_SECONDS", "-1", "expected 0 or more"),
        ("RECONCILER_TARGETS__PROD__ENDPOINT", CANARY, "targets.prod.kind: missing, and required"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path, name: str, value: str, expected: str) -> None:
    """Exit code 2, whatever the file says."""
    done = Program(tmp_path)("plan", **{name: value})
    assert (done.code, done.out) == (2, "")
    assert name in done.err
    assert expected in done.err
    assert CANARY not in done.err


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://modelarts.example.com", "write https"),
        ("http://192.168.0.1", "write https"),
        ("ftp://example.com", "write https://host"),
        ("example.com", "write https://host"),
        (f"https://user:{CANARY}@example.com", "carries credentials"),
    ],
)
def test_an_endpoint_that_would_give_secrets_away_is_refused(
    fleet: Fleet, endpoint: str, expected: str
) -> None:
    """Plain http to another machine above all, by any command; file and key are named."""
    fleet.configure(CLOUD.replace("https://127.0.0.1:9", endpoint))
    for command in ("validate", "plan", "apply", "status", "doctor", "run"):
        done = fleet(command)
        assert done.code == 2
        assert f"{fleet.folder}/reconciler.toml:4: targets.prod.endpoint: " in done.out + done.err
        assert expected in done.out + done.err
        assert CANARY not in done.out + done.err


@pytest.mark.parametrize(
    "text",
    [
        CLOUD + f"auth = {{ method = 'token', token = '{CANARY}', tokn = 5 }}\n",
        CLOUD + f"auth = {{ method = 'token', token = ['{CANARY}'] }}\n",
        CLOUD + f"auth = {{ method = 'tokens', token = '{CANARY}' }}\n",
        CLOUD + f"auth = '{CANARY}'\n",
        CLOUD
        + f"auth = {{ method = 'aksk', access_key = 'AK', secret_key = '{CANARY}', secret_key_env = 'X' }}\n",
        CLOUD + f"auth = {{ method = 'aksk', access_key = 'AK', secret_key = '{CANARY}' }}\n",
        CLOUD + f"auth = {{ method = 'token', token = '{CANARY}' }}\n",
        EMBEDDED + f"[source]\nrepo = 'https://robot:{CANARY}@127.0.0.1:9/x.git'\n",
        EMBEDDED + f"[source]\nrepo = 'https://{CANARY}@127.0.0.1:9/x.git'\n",
        EMBEDDED + f"[source]\nrepo = 'http://robot:{CANARY}@example.com/x.git'\n",
        EMBEDDED + f"[state]\nurl = 'mysql://robot:{CANARY}@127.0.0.1/x'\n",
        EMBEDDED + f"[state]\nurl = 'postgresql+psycopg://robot:{CANARY}@127.0.0.1:9/x'\n",
        EMBEDDED + f"[web]\nwebhook_secret = ['{CANARY}']\n",
    ],
)
def test_secrets_are_never_shown(fleet: Fleet, text: str) -> None:
    """Neither in an error about them, nor in one about something else."""
    fleet.configure(text)
    for command in ("apply", "doctor"):
        done = fleet(command, "--verbose")
        assert done.code in (2, 3)
        assert CANARY not in done.out + done.err
    kept = [path for path in fleet.folder.rglob(".reconciler/**/*") if path.is_file()]
    assert not any(CANARY.encode() in path.read_bytes() for path in kept)


def test_a_secret_that_cannot_be_read_stops_its_target(fleet: Fleet) -> None:
    """The file or the variable is named, exit code 3."""
    for way, named in (("token_file = 'nope'", "nope"), ("token_env = 'NOPE'", "NOPE")):
        fleet.configure(CLOUD + f"auth = {{ method = 'token', {way} }}\n")
        done = fleet("plan")
        assert (done.code, named in done.err) == (3, True)
