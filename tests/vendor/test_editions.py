"""Each edition end to end: its fields are sent, accepted by a registry of that edition, and never drift."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract import EDITIONS
from reconciler.embedded import EmbeddedSettings, running
from tests.contract.documents import TEMPLATE, VENDOR_EXAMPLE, minimal
from tests.vendor.logins import NOBODY, QUICK, fleet_of, target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.program import Fleet

_HEALTH = {"url": "/health", "protocol": "http", "initial_delay_seconds": "12", "timeout_seconds": "10"}
_API = {"url": "/", "protocol": "https", "method": "post"}

OWN: dict[str, dict[str, dict[str, Any]]] = {
    "seed-2019": {
        "example": VENDOR_EXAMPLE,
        "caffe": minimal(model_type="Caffe", runtime="python3.6", description="a < b & c"),
    },
    "cn-2021": {
        "edge": minimal(install_type=["edge", "batch"], runtime="tf1.13-python3.7-cpu", apis=[_API]),
        "template": minimal(model_type="Template", template=TEMPLATE),
    },
    "otc-2024": {
        "batch": minimal(install_type=["batch"], model_algorithm="image_classification"),
        "image": minimal(model_type="Image", source_location="swr.eu-de.otc.t-systems.com/group/image:1"),
    },
    "current": {
        "image": minimal(
            model_type="Image",
            source_location="swr.cn-north-4.myhuaweicloud.com/group/image:1",
            source_copy="false",
            cmd="/home/run.sh",
            install_type=["real-time"],
            initial_config={"protocol": "http", "port": 8080, "health": _HEALTH},
        ),
        "template": minimal(model_type="Template", template=TEMPLATE, source_location=...),
        "constraints": minimal(deployment_constraints={"request_mode": "sync", "cpu_type": "x86"}),
    },
}


@contextmanager
def registered(tmp_path: Path, edition: str) -> Iterator[tuple[Fleet, Path]]:
    """A repository whose target is a registry of the edition, and that registry's database."""
    database = tmp_path / "registry.db"
    with running(EmbeddedSettings(edition=edition, publish_seconds=0.1, database=database)) as url:
        fleet = fleet_of(tmp_path / "repository", url, NOBODY)
        fleet.configure(target(url, NOBODY, more=f'edition = "{edition}"') + QUICK)
        yield fleet, database


def sent(database: Path) -> dict[str, dict[str, Any]]:
    """What the registry received, by model name."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT model_name, request FROM models").fetchall()
    return {name: json.loads(request) for name, request in rows}


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_editions_own_fields_go_all_the_way(edition: str, tmp_path: Path) -> None:
    """Validated without errors, imported, published, and found equal when compared in full."""
    documents = {name: document | {"model_name": name} for name, document in OWN[edition].items()}
    with registered(tmp_path, edition) as (fleet, database):
        fleet.commit({f"models.d/{name}.json": json.dumps(d) for name, d in documents.items()})
        assert fleet("validate").code == 0
        applied = fleet("apply", "--output", "json")
        assert (applied.code, set(applied.verdicts.values())) == (0, {"in-sync"}), applied.out + applied.err
        compared = fleet("plan", "--refresh", "--output", "json")
        assert (compared.code, set(compared.verdicts.values())) == (0, {"in-sync"}), compared.out
        received = sent(database)
    assert {name: set(body) for name, body in received.items()} == {
        name: set(document) for name, document in documents.items()
    }


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_fields_of_another_edition_are_refused_before_anything_is_sent(
    edition: str, tmp_path: Path
) -> None:
    """The message names the editions that have the field; `current` has them all, but not each value."""
    foreign = minimal(cmd="run") if edition != "current" else minimal(install_type=["edge"])
    with registered(tmp_path, edition) as (fleet, database):
        fleet.commit({"models.d/m.json": json.dumps(foreign)})
        done = fleet("apply")
        assert (done.code, sent(database)) == (1, {})
        validated = fleet("validate")
    assert (validated.code, "cmd" in validated.out or "edge" in validated.out) == (1, True)


def test_extra_fields_are_sent_as_they_stand_and_warned_of(tmp_path: Path) -> None:
    """On purpose, unchecked, and never compared: the registry does not show them."""
    extra = {"prebuild": True, "install_type": ["batch"], "nested": {"a": [1, "1.10"]}}
    with registered(tmp_path, "seed-2019") as (fleet, database):
        fleet.commit({"models.d/m.json": json.dumps(minimal() | {"extra": extra})})
        validated = fleet("validate", "--output", "json")
        assert (validated.code, validated.json["errors"], validated.json["warnings"]) == (0, 0, 3)
        messages = [problem["message"] for problem in validated.json["problems"]]
        assert all("sent unchecked, because extra asks for it" in message for message in messages)
        assert fleet("apply").code == 0
        (received,) = sent(database).values()
        assert received == minimal() | extra
        assert "extra" not in received
        assert fleet("plan", "--refresh").code == 0


def test_a_known_field_cannot_hide_under_extra(tmp_path: Path) -> None:
    """It would escape the rules."""
    with registered(tmp_path, "seed-2019") as (fleet, database):
        fleet.commit({"models.d/m.json": json.dumps(minimal() | {"extra": {"description": "x"}})})
        assert (fleet("apply").code, sent(database)) == (1, {})
        assert "move it out of extra" in fleet("validate").out
