"""The note that lets `apply` do nothing: what makes it void, and that it holds no secret."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from reconciler.app.noop import NOOP_MARK, noop_check
from reconciler.settings.raw import raw_configuration
from tests.program import EMBEDDED, Fleet, modelarts
from tests.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.app.noop import NoopNote


def _settings() -> NoReturn:
    raise AssertionError("the settings were read")


def _note(fleet: Fleet, target: str | None = None, file: Path | None = None) -> NoopNote | None:
    """The note, where it holds; the settings are not read for it."""
    return noop_check(raw_configuration(file, fleet.folder), target, _settings)[0]


def _kept(fleet: Fleet, change: Callable[[str], str] = str) -> str:
    """The note as the state keeps it, and makes it another."""
    with closing(sqlite3.connect(fleet.folder / ".reconciler" / "state.db")) as state, state:
        note: str = state.execute("SELECT value FROM mark WHERE name = ?", (NOOP_MARK,)).fetchone()[0]
        state.execute("UPDATE mark SET value = ? WHERE name = ?", (change(note), NOOP_MARK))
    return note


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A repository of which everything is imported, with a note that says so."""
    fleet = Fleet(tmp_path_factory.mktemp("idle") / "fleet")
    fleet.configure(EMBEDDED)
    fleet.declare("a@1.0.0")
    for _ in range(2):
        assert fleet("apply").code == 0
    shutil.copytree(fleet.folder, fleet.folder.with_name("kept"), symlinks=True)
    return fleet


@pytest.fixture
def fleet(made: Fleet) -> Iterator[Fleet]:
    """The same at the start of each test, in the same place."""
    yield made
    shutil.rmtree(made.folder)
    shutil.copytree(made.folder.with_name("kept"), made.folder, symlinks=True)


def test_the_note_is_believed_while_nothing_moved(fleet: Fleet) -> None:
    """Without reading the settings; for all targets, or for the one there is."""
    assert _note(fleet) is not None
    assert _note(fleet, "local") is not None
    assert _note(fleet, "other") is None


def _commit(fleet: Fleet) -> None:
    fleet.commit({"README": "another"})


def _change_a_setting(fleet: Fleet) -> None:
    fleet.configure(EMBEDDED + "[schedule]\nevery = '31s'\n")


def _add_a_target(fleet: Fleet) -> None:
    fleet.configure(EMBEDDED + "[targets.more]\nkind = 'embedded'\n")


def _use_the_registry(fleet: Fleet) -> None:
    os.utime(fleet.folder / ".reconciler" / "registry-local.db", ns=(1, 1))


def _lose_the_branch(fleet: Fleet) -> None:
    (fleet.folder / ".git" / "HEAD").write_text("ref: refs/heads/none\n", "ascii")


def _lose_the_repository(fleet: Fleet) -> None:
    shutil.rmtree(fleet.folder / ".git")


def _retry(fleet: Fleet) -> None:
    with closing(sqlite3.connect(fleet.folder / ".reconciler" / "state.db")) as state, state:
        state.execute("UPDATE journal SET seq = seq + 1000")


@pytest.mark.parametrize(
    "move",
    [
        _commit,
        _change_a_setting,
        _add_a_target,
        _use_the_registry,
        _lose_the_branch,
        _lose_the_repository,
        _retry,
    ],
)
def test_whatever_moved_makes_the_note_void(fleet: Fleet, move: Callable[[Fleet], None]) -> None:
    """Git, settings, registry, journal."""
    move(fleet)
    assert _note(fleet) is None


def test_a_variable_or_another_way_to_the_file_makes_the_note_void(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was given is trusted more than the same that was found."""
    assert _note(fleet, file=fleet.folder / "reconciler.toml") is None
    monkeypatch.setenv("RECONCILER_LOG__LEVEL", "debug")
    assert _note(fleet) is None


def _without(key: str) -> Callable[[str], str]:
    return lambda text: json.dumps({name: value for name, value in json.loads(text).items() if name != key})


def _with(key: str, value: Any) -> Callable[[str], str]:
    return lambda text: json.dumps(json.loads(text) | {key: value})


def test_a_note_that_cannot_be_understood_means_the_full_way(fleet: Fleet) -> None:
    """Each part is needed, and of its kind; a cycle then writes a new note."""
    whole = _kept(fleet)
    changes: list[Callable[[str], str]] = [_without(key) for key in json.loads(whole)]
    changes += [_with("folder", ["x"]), _with("numbers", {"none": 1}), _with("services", {"local": 1})]
    changes += [_with("until", "2020-01-01T00:00:00+00:00"), _with("at", "2999-01-01T00:00:00+00:00")]
    changes += [_with("at", "2020-01-01T00:00:00"), _with("until", "2999-01-01T00:00:00")]
    changes += [_with("files", {"a\0b": [1]}), _with("services", {"local": [[], 1, 2, 3, 4, 5, 6, 7]})]
    changes += [lambda _: "", lambda _: "[]", lambda _: "{", lambda text: text[:-1]]
    for change in changes:
        _kept(fleet, change)
        assert _note(fleet) is None, _kept(fleet)
        _kept(fleet, lambda _: whole)
    _kept(fleet, lambda _: "")
    assert fleet("apply").out.startswith("Nothing to do: 1 model in sync.")
    assert _note(fleet) is not None


@pytest.mark.parametrize("where", ["file", "variable"])
def test_the_note_holds_no_secret_and_the_list_is_asked_for_with_it_all_the_same(
    tmp_path: Path, where: str
) -> None:
    """It is read where it stands, so that another one is sent at once, and nothing is made of it."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.declare("a@1.0.0")

    def say(relay_url: str, token: str) -> None:
        given = f'auth = {{ method = "token", token = "{token}" }}' if where == "file" else ""
        fleet.configure(modelarts(relay_url, more=given))
        if where == "variable":
            auth = "RECONCILER_TARGETS__PROD__AUTH__"
            fleet.environment |= {f"{auth}METHOD": "token", f"{auth}TOKEN": token}
            fleet.environment["RECONCILER_TARGETS__PROD__ENDPOINT"] = relay_url

    with relayed() as relay:
        say(relay.url, "canary-the-first")
        for _ in range(2):
            assert fleet("apply").code == 0
        note = _kept(fleet)
        relay.requests.clear()
        say(relay.url, "canary-the-second")
        assert fleet("apply").out.startswith("Nothing to do: 1 model in sync.")
    assert [request.headers["X-Auth-Token"] for request in relay.requests] == ["canary-the-second"]
    assert "canary" not in note
    assert _kept(fleet) == note


def test_a_secret_goes_nowhere_but_where_the_configuration_says(tmp_path: Path) -> None:
    """Whatever the note says, which lies where others may write."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.declare("a@1.0.0")
    with relayed() as relay, relayed() as other:
        fleet.configure(modelarts(relay.url, more='auth = { method = "token", token = "canary" }'))
        for _ in range(2):
            assert fleet("apply").code == 0
        _kept(fleet, lambda text: text.replace(relay.url, other.url))
        assert other.url in _kept(fleet)
        _kept(fleet, lambda text: text.replace(relay.url, other.url))
        assert fleet("apply").out.startswith("Nothing to do: 1 model in sync.")
        assert other.requests == []
