"""Git joined with the journal, as JSON."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from reconciler.views.as_json import template
from reconciler.views.history import detail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.engine.values import Event
    from reconciler.views.history import HistoryRow

_ROW = template(
    ("target", "model_name", "model_version", "path", "commit", "author", "authored_at", "subject", "events"),
    "\n  ",
)
_EVENT = template(
    ("at", "event", "cycle_id", "commit", "model_id", "request_id", "detail"),
    "\n      ",
)


def texts(history: Iterable[HistoryRow]) -> Iterator[str]:
    """The objects of the list that `history --output json` prints; times are ISO 8601 with an offset."""
    return map(_row_text, history)


def _row_text(row: HistoryRow) -> str:
    authored_at = None if row.authored_at is None else row.authored_at.isoformat()
    facts = (row.target, *row.pair, row.path, row.commit, row.author, authored_at, row.subject)
    events = ",\n      ".join(map(_event_text, row.events))
    return _ROW % (*map(_text, facts), f"[\n      {events}\n    ]" if events else "[]")


def _event_text(event: Event) -> str:
    at, words = event.at.isoformat(), detail(event)
    facts = (at, event.kind, event.cycle_id, event.commit, event.model_id, event.request_id, words)
    return _EVENT % tuple(map(_text, facts))


def _text(fact: str | None) -> str:
    return "null" if fact is None else encode_basestring(fact)
