"""`notify test`, and what `apply` does with its messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.notify.receiving import TAKEN, header, receiving
from tests.program import EMBEDDED, Fleet, manifest
from tests.relay import Answer

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-of-a-hook"


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A repository with a manifest that is wrong."""
    made = Fleet(tmp_path / "fleet")
    made.commit({"models.d/bad.yaml": manifest("bad@01.0.0")})
    return made


def hook(url: str, more: str = "") -> str:
    return f'{EMBEDDED}[[notify]]\nkind = "webhook"\nurl = "{url}/{CANARY}"\n{more}'


def test_a_trial_message_is_sent_once_and_its_answer_is_told(fleet: Fleet) -> None:
    """By the sink's name, or its kind where it has none; what is wrong is exit code 3."""
    with receiving(TAKEN, Answer(500, b"no")) as receiver:
        fleet.configure(hook(receiver.url, 'name = "oncall"\n'))
        done = fleet("notify", "test", "oncall")
        assert (done.code, done.out) == (0, "oncall (webhook): delivered\n")
        assert receiver.bodies[0]["type"] == "model-reconciler.model.test"
        done = fleet.json("notify", "test", "oncall")
        assert done.code == 3
        assert done.json == {
            "version": 1,
            "sink": "oncall",
            "kind": "webhook",
            "delivered": False,
            "error": "HTTP 500: no",
        }
        assert "error: oncall (webhook): HTTP 500: no" in done.err


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        (hook("http://127.0.0.1:9"), "did you mean 'webhook'?"),
        (EMBEDDED, "none is configured: add a table [[notify]]"),
        (
            hook("https://x.test", 'targets = ["locl"]\n'),
            "notify.0.targets: locl: no such target; did you mean 'local'?",
        ),
        (
            hook("https://x.test", '[[notify]]\nkind = "webhook"\nurl = "https://y.test"\n'),
            "another sink is called webhook already",
        ),
        (hook("https://x.test", 'secrets = "y"\n'), "notify.0.secrets: unknown key; did you mean 'secret'?"),
        (hook("https://x.test", 'url_env = "Y"\n'), "give url in one way only"),
        (EMBEDDED + '[[notify]]\nkind = "feishu"\n', "url is missing: give url_file, url_env or url"),
        (
            EMBEDDED + '[[notify]]\nkind = "apprise"\nurl = "x"\nsecret = "y"\n',
            "nothing is signed for apprise",
        ),
        (
            EMBEDDED + '[[notify]]\nkind = "slack"\n',
            "expected 'apprise', 'webhook', 'alertmanager' or 'feishu'",
        ),
        (EMBEDDED + '[notify]\nkind = "webhook"\n', "notify: expected a list"),
    ],
)
def test_what_is_wrong_with_a_sink_is_said_with_its_key(fleet: Fleet, configuration: str, words: str) -> None:
    """Exit code 2; no value is repeated: it may be secret."""
    fleet.configure(configuration)
    done = fleet("notify", "test", "webhok")
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert CANARY not in done.err


def test_a_secret_is_read_from_its_file_or_variable_at_each_use(fleet: Fleet) -> None:
    """And a place that has none is named."""
    with receiving() as receiver:
        more = 'secret_env = "HOOK_KEY"\n'
        fleet.configure(hook(receiver.url, more).replace("url = ", "url_file = ").replace(receiver.url, "."))
        (fleet.folder / CANARY).write_text(f"{receiver.url}\n", "utf-8")
        assert "HOOK_KEY is not set" in fleet("notify", "test", "webhook").err
        fleet.environment["HOOK_KEY"] = "s"
        assert fleet("notify", "test", "webhook").code == 0
        assert header(receiver.requests[0], "webhook-signature").startswith("v1,")


def test_doctor_says_whether_the_secrets_of_a_sink_can_be_read(fleet: Fleet) -> None:
    """Nothing is sent; what is wrong is an error with what to do."""
    with receiving() as receiver:
        fleet.configure(
            hook(receiver.url) + '[[notify]]\nname = "chat"\nkind = "feishu"\nurl_file = "gone"\n'
        )
        done = fleet("doctor")
        assert done.code == 2
        assert "ok    sink webhook: webhook; `reconciler notify test webhook` tries it" in done.out
        assert "sink chat: url: secret file" in done.out
        assert receiver.requests == []


def test_sinks_may_come_from_the_environment(fleet: Fleet) -> None:
    """As a list in JSON, in place of those of the file."""
    with receiving() as receiver:
        fleet.configure(EMBEDDED)
        sinks = json.dumps([{"kind": "webhook", "url": receiver.url}])
        assert fleet("notify", "test", "webhook", RECONCILER_NOTIFY=sinks).code == 0


def test_a_timed_apply_tells_once_what_came_to_need_a_human(fleet: Fleet) -> None:
    """Also when the sink was down the first time: the next one sends what is left, and says so meanwhile."""
    with receiving(Answer(503), TAKEN) as receiver:
        fleet.configure(hook(receiver.url))
        done = fleet("apply")
        assert done.code == 1
        assert "note: sink webhook: 1 message waits: HTTP 503; the next run sends it" in done.err
        _skip_the_wait(fleet)
        for _ in range(2):
            assert "note: sink" not in fleet("apply").err
        assert len(receiver.requests) == 2
        fleet.commit({"models.d/bad.yaml": manifest("bad@1.0.0")})
        assert fleet("apply").code == 0
        assert [event["data"]["verdict"] for event in receiver.bodies] == ["invalid", "invalid", None]
    assert CANARY not in done.out + done.err


def _skip_the_wait(fleet: Fleet) -> None:
    """As if the time until the next attempt had passed."""
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(fleet.folder / ".reconciler/state.db") as state:
        state.execute("UPDATE outbox SET not_before = NULL")
    state.close()


def test_no_secret_of_a_sink_is_in_the_state_or_in_the_output(fleet: Fleet) -> None:
    """Whatever the receiver says, and in every command that prints the configuration or the state."""
    with receiving(Answer(401, json.dumps({"path": f"/{CANARY}"}).encode())) as receiver:
        fleet.configure(hook(receiver.url, f'secret = "secret-{CANARY}"\n'))
        runs = [fleet(*command.split()) for command in ("apply", "status", "doctor", "state export")]
        runs.append(fleet("notify", "test", "webhook"))
    assert CANARY not in "".join(done.out + done.err for done in runs)
    for file in (fleet.folder / ".reconciler").rglob("*"):
        assert not file.is_file() or CANARY.encode() not in file.read_bytes()
