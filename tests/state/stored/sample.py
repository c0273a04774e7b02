"""What is in every stored state: a model of each phase, with texts that are hard to keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import Event, EventKind, ModelState, Report, Stage, TargetFailure, Verdict
from reconciler.manifest.values import Reason

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
TARGET_IDENTITIES = {
    "prod": "modelarts https://modelarts.example.org project p workspace 0",
    "dev": "embedded",
}


def _event(minute: int, kind: EventKind, name: str, target: str = "prod", **facts: Any) -> Event:
    moment = NOON + timedelta(minutes=minute)
    return Event(moment, kind, target, ModelKey(name, "1.0.0"), f"cycle-{minute}", **facts)


def _intent(minute: int, name: str, target: str = "prod") -> Event:
    return _event(
        minute, EventKind.IMPORT_REQUESTED, name, target, operation_id=f"operation-{minute}", digest="d" * 64,
        commit="c" * 40, path="models.d/b\udcff\\u0041.yaml", line=7, author="Ada 'é' <ada@example.org>",
    )  # fmt: skip


_PUBLISHING = {"model_status": "publishing", "stage": Stage.PENDING}
_PUBLISHED = {"model_status": "published", "stage": Stage.PUBLISHED}
EVENTS = [
    _intent(0, "published"),
    _event(1, EventKind.IMPORTED, "published", model_id="id-1", request_id="r-1", **_PUBLISHING),
    _event(2, EventKind.PUBLISHED, "published", model_id="id-1", **_PUBLISHED),
    _intent(3, "vanished"),
    _event(4, EventKind.IMPORTED, "vanished", model_id="id-2", **_PUBLISHED),
    _event(5, EventKind.MISSING, "vanished", model_id="id-2", commit="c" * 40),
    _intent(6, "rejected", "dev"),
    _event(7, EventKind.REJECTED, "rejected", "dev", code="ModelArts.0203", detail="quotes ' and \\ and \0"),
    _intent(8, "postponed"),
    _event(9, EventKind.POSTPONED, "postponed", code="503", not_before=NOON + timedelta(hours=1)),
    _intent(10, "open", "dev"),
]
REPORT = Report(
    "c" * 40,
    "d" * 64,
    (
        ModelState(
            "prod", Verdict.INVALID, path="models.d/\udcff.yaml", reasons=(Reason("bad", "so", "x", 1, 2),)
        ),
        ModelState("prod", Verdict.WAITING, "postponed", "1.0.0", reasons=(Reason("postponed", "503"),)),
        ModelState("prod", Verdict.IN_SYNC, "published", "1.0.0", model_id="id-1", digest="d" * 64),
    ),
    (TargetFailure("dev", "target dev: it does not answer"),),
    ("the work tree is dirty",),
)
MARKS = {("prod", "standing"): "c" * 40, ("", "reconciled-commit"): "c" * 40}
