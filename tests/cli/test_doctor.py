from __future__ import annotations

import socket
import sys
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.embedded import AccountKeys, EmbeddedSettings, running
from tests.program import EMBEDDED, manifest, modelarts
from tests.relay import Answer, relayed, said

if TYPE_CHECKING:
    from tests.program import Fleet


def _finding(fleet: Fleet, check: str) -> dict[str, Any]:
    """The finding of one check; all is told as JSON, and the worst gives the exit code."""
    done = fleet.json("doctor")
    assert done.code == max(finding["exit_code"] for finding in done.json)
    (entry,) = (finding for finding in done.json if finding["check"] == check)
    return dict(entry)


def test_all_is_well(fleet: Fleet) -> None:
    """One line a check, exit code 0."""
    done = fleet("doctor")
    assert (done.code, done.err) == (0, "")
    checks = [line.split(":")[0] for line in done.out.splitlines()]
    assert checks == [
        "ok    config",
        "ok    git",
        "ok    edition (local)",
        "ok    manifests (local)",
        "ok    state",
        "ok    registry (local)",
    ]
    assert str(fleet.folder / "reconciler.toml") in done.out
    assert ".".join(map(str, sys.version_info[:3])) in done.out


def test_all_is_well_over_http(fleet: Fleet) -> None:
    """Address, connection and clock too."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        done = fleet.json("doctor")
    assert done.code == 0
    assert [(finding["check"], finding["level"]) for finding in done.json][5:] == [
        *(("address", "ok"), ("tls", "ok"), ("clock", "ok"), ("registry", "ok"))
    ]


def test_quiet_tells_only_what_is_not_well(fleet: Fleet) -> None:
    """Nothing, when all is well."""
    assert fleet("doctor", "--quiet").out == ""
    fleet.commit({"models.d/bad.yaml": "a: 1"})
    assert len(fleet.json("doctor", "--quiet").json) == 1


@pytest.mark.parametrize("settings", ["branch = 'nowhere'", "repo = '..'", "repo = 'file:///nowhere'"])
def test_git_that_cannot_be_read(fleet: Fleet, settings: str) -> None:
    """With what to do."""
    fleet.configure(f"[source]\n{settings}\n{EMBEDDED}")
    finding = _finding(fleet, "git")
    assert (finding["level"], finding["exit_code"]) == ("error", 3)
    assert finding["remedy"]


def test_a_dirty_work_tree_is_a_warning(fleet: Fleet) -> None:
    """And no reason to fail."""
    fleet.repository.write({"models.d/new.yaml": manifest("new@1.0.0")})
    done = fleet("doctor")
    assert (done.code, "warn  git: " in done.out) == (0, True)


def test_invalid_manifests_and_a_missing_directory(fleet: Fleet) -> None:
    """Each with its own exit code and remedy."""
    fleet.commit({"models.d/bad.yaml": "a: 1"})
    finding = _finding(fleet, "manifests")
    assert (finding["exit_code"], "reconciler validate" in finding["remedy"]) == (1, True)
    fleet.configure("[targets.x]\nkind = 'embedded'\npath = 'elsewhere'\n")
    finding = _finding(fleet, "manifests")
    assert (finding["exit_code"], finding["target"], "targets.x.path" in finding["remedy"]) == (3, "x", True)


def test_a_state_that_is_not_there_is_told_apart_from_one_that_is_sound(fleet: Fleet) -> None:
    """An emptied one would look like the first."""
    assert _finding(fleet, "state")["message"].startswith("not there yet")
    fleet("apply")
    assert _finding(fleet, "state")["message"].startswith("sound, with ")


def test_a_state_that_cannot_be_used(fleet: Fleet) -> None:
    """Damaged, or no file."""
    (fleet.folder / "state.db").write_bytes(b"no database at all" * 100)
    for name in ("state.db", "models.d"):
        fleet.configure(f"[state]\nurl = 'sqlite:///{name}'\n")
        finding = _finding(fleet, "state")
        assert (finding["level"], finding["exit_code"]) == ("error", 3)


def test_an_address_that_nobody_has(fleet: Fleet) -> None:
    """A name that cannot be resolved."""
    fleet.configure(modelarts("https://nowhere.invalid"))
    finding = _finding(fleet, "address")
    assert (finding["level"], finding["exit_code"], "targets.prod.endpoint" in finding["remedy"]) == (
        "error",
        3,
        True,
    )


def test_a_registry_that_is_down(fleet: Fleet) -> None:
    """Nobody listens."""
    fleet.configure(modelarts("http://127.0.0.1:9"))
    finding = _finding(fleet, "registry")
    assert (finding["exit_code"], finding["message"]) == (3, "127.0.0.1 port 9: Connection refused")


def test_a_server_without_a_certificate(fleet: Fleet) -> None:
    """TLS is asked for, and plain HTTP answers."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url.replace("http://", "https://")))
        finding = _finding(fleet, "tls")
    assert (finding["level"], finding["exit_code"]) == ("error", 3)
    assert "certificate" in finding["remedy"]


def test_a_server_that_says_nothing_about_the_time(fleet: Fleet) -> None:
    """A warning; the connection is closed without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.listen(1)
        port = silent.getsockname()[1]
    fleet.configure(modelarts(f"http://127.0.0.1:{port}"))
    assert _finding(fleet, "registry")["exit_code"] == 3


@pytest.mark.parametrize(("seconds", "level"), [(120, "warning"), (1200, "error")])
def test_a_clock_that_is_wrong(fleet: Fleet, seconds: int, level: str) -> None:
    """A minute is noted; a quarter of an hour makes every signature worthless."""
    import time  # noqa: PLC0415

    with relayed() as relay:
        relay.clock = lambda: formatdate(time.time() - seconds, usegmt=True)
        fleet.configure(modelarts(relay.url))
        finding = _finding(fleet, "clock")
    assert (finding["level"], "clock" in finding["remedy"]) == (level, True)


def test_credentials_that_are_refused(fleet: Fleet) -> None:
    """The registry does not let this key in."""
    letting_in = AccountKeys(access_keys={"AK": "right"})
    with running(EmbeddedSettings(auth=letting_in)) as url:
        fleet.configure(
            modelarts(url, more="auth = { method = 'aksk', access_key = 'AK', secret_key = 'wrong' }")
        )
        finding = _finding(fleet, "credentials")
    assert (finding["level"], finding["exit_code"]) == ("error", 3)
    assert "targets.prod.auth" in finding["remedy"]


def test_an_answer_that_is_no_registry(fleet: Fleet) -> None:
    """A login page, or an unknown project."""
    with relayed() as relay:
        fleet.configure(modelarts(relay.url))
        relay.meddle = lambda *_: Answer(200, b"<html>Log in</html>", "text/html")
        assert _finding(fleet, "registry")["exit_code"] == 3
        relay.meddle = lambda *_: said(404, {"error_code": "ModelArts.0104", "error_msg": "no such project"})
        assert _finding(fleet, "registry")["exit_code"] == 3


def _warnings(fleet: Fleet, **environment: str) -> list[str]:
    """What lies more open than it needs to; never a reason to fail by itself."""
    findings = fleet.json("doctor", **environment).json
    said = [finding for finding in findings if finding["check"] in ("secrets", "web", "state")]
    assert all(
        finding["exit_code"] == 0 and finding["remedy"] for finding in said if finding["level"] == "warning"
    )
    return [finding["message"] for finding in said if finding["level"] == "warning"]


def test_a_secret_in_the_file_itself_is_a_warning(fleet: Fleet) -> None:
    """With its line, and without the secret; one of the environment or of a file of its own is none."""
    auth = "\nauth = {method = 'aksk', access_key = 'AK', secret_key = 'canary'}"
    fleet.configure(modelarts("http://127.0.0.1:9", more=auth) + "[web]\nwebhook_secret = 'canary'\n")
    web, key = _warnings(fleet)
    assert web.startswith(
        f"{fleet.folder}/reconciler.toml:14: web.webhook_secret: the secret itself is in the file"
    )
    assert key.startswith(f"{fleet.folder}/reconciler.toml:8: targets.prod.auth.secret_key: ")
    assert "canary" not in web + key
    fleet.configure(modelarts("http://127.0.0.1:9"))
    assert _warnings(fleet, RECONCILER_WEB__WEBHOOK_SECRET="canary") == []  # noqa: S106 - nobody's


def test_a_page_token_that_run_would_refuse_is_an_error(fleet: Fleet) -> None:
    """With the words and the exit code of `run`."""
    (fleet.folder / "token").write_text("short")
    fleet.configure("[targets.local]\nkind = 'embedded'\n[web]\ntoken_file = 'token'\n")
    done, ended = fleet("doctor"), fleet("run")
    assert (done.code, ended.code) == (2, 2)
    assert "web.token: there is none, or one of less than 16 characters" in done.out
    assert "web.token: there is none, or one of less than 16 characters" in ended.err


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_secret_file_that_others_may_read_is_a_warning(fleet: Fleet, mode: int, warns: bool) -> None:
    """A group may be meant."""
    file = fleet.folder / "sk"
    file.write_text("canary")
    file.chmod(mode)
    auth = "auth = {method = 'aksk', access_key = 'AK', secret_key_file = 'sk'}"
    fleet.configure(modelarts("http://127.0.0.1:9", more=auth))
    said = f"{file} can be read by every user of this machine (mode {mode:04o})"
    assert _warnings(fleet) == [f"targets.prod.auth.secret_key_file: {said}"] * warns


@pytest.mark.parametrize(
    ("listen", "warns"),
    [
        ("127.0.0.1:1", False),
        ("[::1]:1", False),
        ("localhost:1", False),
        ("0.0.0.0:1", True),
        ("10.0.0.7:1", True),
    ],
)
def test_listening_beyond_loopback_is_a_warning(fleet: Fleet, listen: str, warns: bool) -> None:
    """Everybody who can reach the port can read the page."""
    fleet.configure(f"{EMBEDDED}[web]\nlisten = '{listen}'\n")
    assert [listen in message for message in _warnings(fleet)] == [True] * warns


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("postgresql+psycopg://u@db.invalid/x", True),
        ("postgresql+psycopg://u@db.invalid/x?sslmode=disable", True),
        ("postgresql+psycopg://u@db.invalid/x?sslmode=verify-full", False),
        ("postgresql+psycopg://u@127.0.0.1:9/x", False),
        ("postgresql+psycopg:///x?host=/nowhere", False),
    ],
)
def test_a_database_that_is_reached_in_the_clear_is_a_warning(fleet: Fleet, url: str, warns: bool) -> None:
    """Over the network, `sslmode` has to say that it is not."""
    fleet.configure(f"{EMBEDDED}[state]\nurl = '{url}'\n")
    assert ["sslmode" in message for message in _warnings(fleet)] == [True] * warns


def test_a_password_in_a_url_of_the_file_is_a_warning(fleet: Fleet) -> None:
    """Of git or of the database."""
    fleet.configure(f"{EMBEDDED}[source]\nrepo = 'https://robot:canary@127.0.0.1:9/x.git'\n")
    (message,) = _warnings(fleet)
    assert message == f"{fleet.folder}/reconciler.toml:10: source.repo: a password is in the URL"


def test_one_target_can_be_chosen(fleet: Fleet) -> None:
    """The broken one is not looked at."""
    fleet.configure(EMBEDDED.replace("[follow]", "[targets.bad]\nkind = 'embedded'\npath = 'x'\n[follow]"))
    assert [fleet("doctor").code, fleet("doctor", "--target", "local").code] == [3, 0]


def test_a_webhook_secret_that_cannot_be_read_is_told_with_its_key(fleet: Fleet) -> None:
    """The loop starts, refuses every delivery, and sends whoever reads the answer here."""
    fleet.configure("[targets.local]\nkind = 'embedded'\n[web]\nwebhook_secret_env = 'NOT_SET_HERE'\n")
    done = fleet("doctor")
    assert done.code == 2
    assert "web.webhook_secret: environment variable NOT_SET_HERE is not set" in done.out
