"""One scenario in every way to log in, against a registry in another process that checks each request."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import structlog

from reconciler.embedded import AccountKeys, EmbeddedSettings, User, running
from tests.program import Fleet, manifest
from tests.vendor.logins import (
    NAMES,
    QUICK,
    Way,
    access_key,
    fleet_of,
    in_sync,
    password,
    target,
    temporary,
    token,
    until,
    way_of,
)
from tests.vendor.served import GUARDED, PASSWORD, PROJECT, REGION, SECRET_KEY, Served, login, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One registry for the tests that do not count what it refuses; workspaces keep them apart."""
    with served(tmp_path_factory.mktemp("registry"), GUARDED) as registry:
        yield registry


def requested(fleet: Fleet) -> int:
    """How many imports were asked for, by the journal: none is ever sent without."""
    return sum(
        event["event"] == "import-requested"
        for row in fleet("history", "--output", "json").json
        for event in row["events"]
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_scenario_runs_with_every_way_to_log_in(name: str, guarded: Served, tmp_path: Path) -> None:
    """Plan, apply, a second apply that posts nothing, drift, status."""
    before = guarded.refusals()
    way = way_of(name, guarded.url)
    fleet = fleet_of(tmp_path / "repository", guarded.url, way)
    workspace = f'workspace_id = "w-{name}"'
    fleet.configure(target(guarded.url, way, more=workspace) + QUICK)
    fleet.declare("手写-a_b@1.0.0", "b@0.0.1")

    assert set(fleet("plan", "--output", "json").verdicts.values()) == {"import"}
    applied = fleet.process("apply", "--output", "json")
    assert (applied.code, set(applied.verdicts.values())) == (0, {"in-sync"})
    again = fleet("apply", "--output", "json")
    assert (again.code, set(again.verdicts.values())) == (0, {"in-sync"})
    assert requested(fleet) == 2

    fleet.commit({"models.d/b-0.0.1.yaml": manifest("b@0.0.1", description="changed")})
    drifted = fleet("plan", "--output", "json")
    assert (drifted.code, drifted.verdicts["b@0.0.1"]) == (1, "drifted")
    assert "0.0.2" in drifted.out
    assert fleet("apply").code == 1
    assert fleet("status", "--output", "json").verdicts == {"手写-a_b@1.0.0": "in-sync", "b@0.0.1": "drifted"}
    assert requested(fleet) == 2
    assert guarded.refusals() == before


WRONG: dict[str, Callable[[], Way]] = {
    "secret key": lambda: access_key("SK-canary-wrong"),
    "access key": lambda: access_key(key="AKNOBODY0000000003"),
    "temporary secret": lambda: temporary(secret="SK-canary-wrong"),  # noqa: S106 - nobody's
    "security token": lambda: temporary(token="ST-canary-wrong"),  # noqa: S106 - nobody's
    "token": lambda: token("TOKEN-canary-wrong"),
    "password": lambda: password("PW-canary-wrong"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_refused_credentials_stop_one_target_after_one_attempt(wrong: str, tmp_path: Path) -> None:
    """One clear message and exit 3; the other target goes on; five attempts would lock the key."""
    with served(tmp_path / "registry", GUARDED) as registry:
        way = WRONG[wrong]()
        fleet = fleet_of(tmp_path / "repository", registry.url, way)
        table = target(registry.url, way, "bad", "models.d/bad")
        fleet.configure(f'{table}[targets.good]\nkind = "embedded"\npath = "models.d/good"\n{QUICK}')
        fleet.declare("a@1.0.0", "b@1.0.0", "c@1.0.0", folder="models.d/bad")
        fleet.declare("g@1.0.0", folder="models.d/good")
        done = fleet("apply", "--output", "json")
        assert registry.refusals() == 1
    assert done.code == 3
    (message,) = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert "bad" in message
    assert "401" in message
    assert "check" in message
    assert done.verdicts["g@1.0.0"] == "in-sync"
    assert "canary" not in done.out + done.err


def test_a_permission_that_is_refused_stops_the_target_too(tmp_path: Path) -> None:
    """403: a token of another project; one attempt."""
    with served(
        tmp_path / "registry", GUARDED.replace(f'"{PROJECT}"', f'"{PROJECT}"\nother = "p2"')
    ) as registry:
        fleet = fleet_of(tmp_path / "repository", registry.url, token(login(registry.url)))
        text = (fleet.folder / "reconciler.toml").read_text("utf-8").replace(PROJECT, "p2")
        fleet.configure(text)
        fleet.declare("a@1.0.0")
        done = fleet("apply")
        assert (done.code, registry.refusals("ModelArts.0210")) == (3, 1)
    assert "project_id" in done.err


def test_a_secret_that_is_corrected_in_its_file_is_used_without_a_restart(tmp_path: Path) -> None:
    """The loop sends a refused key once, however often it ticks, and the new one at its next tick."""
    with served(tmp_path / "registry", GUARDED) as registry:
        fleet = fleet_of(
            tmp_path / "repository", registry.url, access_key("SK-wrong"), '[schedule]\nevery = "200ms"\n'
        )
        fleet.declare("a@1.0.0")
        with fleet.spawn("run") as loop:
            until(lambda: registry.refusals() > 0)
            time.sleep(1.0)
            assert registry.refusals() == 1
            (fleet.folder / "secrets" / "sk").write_text(SECRET_KEY, "utf-8")
            until(lambda: in_sync(fleet))
            loop.send_signal(signal.SIGTERM)
            output = "".join(loop.communicate(timeout=20))
        assert loop.returncode == 0
        assert registry.refusals() == 1
    assert "SK-wrong" not in output
    assert SECRET_KEY not in output


def test_a_secret_rotated_between_two_applies_is_used(tmp_path: Path) -> None:
    """A ready token that expired stops the target; a new one in the same file lets it go on."""
    with served(tmp_path / "registry", GUARDED.replace("[auth]", "[auth]\ntoken_lifetime = 6")) as registry:
        fleet = fleet_of(tmp_path / "repository", registry.url, token(login(registry.url)))
        fleet.declare("a@1.0.0")
        assert fleet("apply", "--no-wait").code == 0
        fleet.declare("b@1.0.0")
        time.sleep(6.0)
        expired = fleet("apply", "--no-wait")
        assert (expired.code, registry.refusals("ModelArts.0202")) == (3, 1)
        assert "expired" in expired.err
        (fleet.folder / "secrets" / "token").write_text(login(registry.url), "utf-8")
        assert fleet("apply", "--no-wait").code == 0


def test_a_login_that_expires_between_two_calls_is_renewed_once(tmp_path: Path) -> None:
    """The registry's clock leaps a day during an import: one 0202, one new login, and it ends well."""
    ahead = [0.0]
    database = tmp_path / "registry.db"
    settings = EmbeddedSettings(
        database=database,
        publish_seconds=60,
        clock=lambda: time.time() + ahead[0],
        projects={REGION: PROJECT},
        auth=AccountKeys(users=(User("robot", PASSWORD, "acme"),)),
    )
    with structlog.testing.capture_logs() as lines, running(settings) as url:
        fleet = fleet_of(tmp_path / "repository", url, password())
        fleet.declare("a@1.0.0")
        with fleet.spawn("apply") as applied:
            assert applied.stderr is not None
            assert "importing" in applied.stderr.readline()
            assert "registered as" in applied.stderr.readline()
            ahead[0] = 25 * 3600.0
            out, _ = applied.communicate(timeout=30)
    assert (applied.returncode, "in-sync" in out or "published" in out) == (0, True)
    assert sum("refused: 401 ModelArts.0202" in line["event"] for line in lines) == 1
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM tokens").fetchone() == (2,)
