from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.embedded import EmbeddedSettings
from tests.embedded.conftest import client_of
from tests.embedded.samples import PROJECT, add, detail, request
from tests.forked import Process
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.embedded.conftest import Clock, Serve


def test_an_import_is_published_when_its_time_is_over(serve: Serve, clock: Clock) -> None:
    """In the list and the detail alike, and not a moment before."""
    client = serve(publish_seconds=10)
    model_id = add(client)
    for seconds, status in ((0, "publishing"), (9.9, "publishing"), (0.1, "published"), (9e6, "published")):
        clock.now += seconds
        assert detail(client, model_id)["model_status"] == status
        assert client.get("/models").json()["models"][0]["model_status"] == status


def test_an_import_whose_name_matches_the_pattern_fails_and_keeps_its_pair(
    serve: Serve, clock: Clock
) -> None:
    """A failed model occupies its name and version until it is deleted."""
    client = serve(publish_seconds=10, fail_pattern="bad-*")
    good, bad = add(client, "good"), add(client, "bad-one")
    assert detail(client, bad)["model_status"] == "publishing"
    assert "x_failure_reason" not in detail(client, bad)
    clock.now += 10
    assert detail(client, good)["model_status"] == "published"
    assert detail(client, bad)["model_status"] == "failed"
    assert "bad-*" in detail(client, bad)["x_failure_reason"]
    assert client.post("/models", json=request("bad-one")).status_code == 409
    client.delete(f"/models/{bad}")
    add(client, "bad-one")


@pytest.mark.parametrize(
    "fields",
    [
        {"model_type": "Image", "dependencies": [{"installer": "pip", "packages": [{"package_name": "a"}]}]},
        {"initial_config": json.dumps({"swr_location": "swr.example.com/a/b:1"})},
    ],
)
def test_what_only_the_content_shows_fails_after_the_answer(
    serve: Serve, clock: Clock, fields: dict[str, Any]
) -> None:
    """Contract case 26: the call is answered, the import fails later."""
    client = serve(publish_seconds=1)
    model_id = add(client, **fields)
    assert detail(client, model_id)["model_status"] == "publishing"
    clock.now += 1
    assert detail(client, model_id)["model_status"] == "failed"


def test_an_image_that_is_copied_is_built_first(serve: Serve, clock: Clock) -> None:
    """building, publishing, published; without a copy, no building."""
    client = serve(edition="current", publish_seconds=10)
    copied = add(client, "copied", model_type="Image")
    linked = add(client, "linked", model_type="Image", source_copy="false")
    assert detail(client, copied)["model_status"] == "building"
    assert detail(client, linked)["model_status"] == "publishing"
    clock.now += 5
    assert detail(client, copied)["model_status"] == "publishing"
    clock.now += 5
    assert detail(client, copied)["model_status"] == "published"


def test_a_build_that_fails_says_so_at_once(serve: Serve, clock: Clock) -> None:
    """building, then building_failed, without publishing between."""
    client = serve(edition="current", publish_seconds=10, fail_pattern="*")
    model_id = add(client, model_type="Image")
    clock.now += 5
    assert detail(client, model_id)["model_status"] == "building_failed"
    assert [
        item["model_id"] for item in client.get("/models?model_status=building_failed").json()["models"]
    ] == [model_id]


def test_models_and_running_imports_survive_a_restart(clock: Clock, tmp_path: Path) -> None:
    """The import goes on while the registry is down."""
    settings = EmbeddedSettings(database=tmp_path / "deep" / "r.db", publish_seconds=60, clock=clock)
    with client_of(settings, PROJECT) as client:
        model_id = add(client)
        before = detail(client, model_id)
    clock.now += 30
    with client_of(settings, PROJECT) as client:
        assert detail(client, model_id) == before
        assert client.post("/models", json=request()).status_code == 409
    clock.now += 30
    with client_of(settings, PROJECT) as client:
        assert detail(client, model_id) == before | {"model_status": "published"}


_PROGRAM = """
import sys
from pathlib import Path
from reconciler.embedded import EmbeddedSettings, serve
serve(EmbeddedSettings(database=Path(sys.argv[1])), port=0, ready=lambda url: print(url, flush=True))
print("stopped", flush=True)
"""


def _process(database: Path) -> tuple[subprocess.Popen[str], str]:
    process = Process([sys.executable, "-c", _PROGRAM, str(database)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, f"{process.stdout.readline().strip()}/v1/{PROJECT}/models"


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    """Every import that was answered before SIGKILL is there after it, once."""
    process, url = _process(tmp_path / "r.db")
    with process, httpx.Client(verify=NO_TLS) as client:
        answered = [client.post(url, json=request(f"m{number}")).json()["model_id"] for number in range(20)]
        process.send_signal(signal.SIGKILL)
    process, url = _process(tmp_path / "r.db")
    with process, httpx.Client(verify=NO_TLS) as client:
        stored = client.get(url, params={"order": "asc"}).json()["models"]
        assert [item["model_id"] for item in stored] == answered
        assert client.post(url, json=request("m7")).status_code == 409
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_stops_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """It returns to its caller, and leaves no write-ahead log behind."""
    process, url = _process(tmp_path / "r.db")
    with process, httpx.Client(verify=NO_TLS) as client:
        client.post(url, json=request())
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stdout.read() == "stopped\n"
        assert process.wait(timeout=60) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["r.db"]


def test_a_signal_right_after_start_stops_it_too(tmp_path: Path) -> None:
    """No moment in which a signal is lost or kills."""
    process, _ = _process(tmp_path / "r.db")
    with process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
