"""A report as JSON text, and back, exactly; equal reports give equal text."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from reconciler.engine.values import Item, Report, TargetFailure, Verdict
from reconciler.manifest.values import Reason
from reconciler.state.complaint import Unreadable


def dump(report: Report) -> str:
    """The report as one line of ASCII JSON."""
    return json.dumps(report, default=_members, separators=(",", ":"))


def load(text: str) -> Report:
    """The report that `dump` wrote.

    Raises:
        Unreadable: the text is something else.
    """
    try:
        raw = json.loads(text)
        return Report(
            commit=raw["commit"],
            digest=raw["digest"],
            items=tuple(_item(item) for item in raw["items"]),
            failures=tuple(TargetFailure(**failure) for failure in raw["failures"]),
            notes=tuple(raw["notes"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable("the last report") from error


def _members(value: object) -> dict[str, Any]:
    if not isinstance(value, Report | Item | Reason | TargetFailure):
        raise TypeError(f"a report cannot hold a {type(value).__name__}")
    return {member.name: getattr(value, member.name) for member in fields(value)}


def _item(raw: dict[str, Any]) -> Item:
    return Item(
        **raw
        | {
            "verdict": Verdict(raw["verdict"]),
            "reasons": tuple(Reason(**reason) for reason in raw["reasons"]),
            "diff": tuple(raw["diff"]),
        }
    )
