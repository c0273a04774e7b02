"""Git joined with the journal: who declared a model, when, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract import version_key
from reconciler.contract.pair import Pair
from reconciler.engine.values import Event, EventKind
from reconciler.views.clean import clean
from reconciler.views.colour import painter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from reconciler.engine.values import Touch
    from reconciler.views.colour import Tone

_Key = tuple[str, Pair]

_TONES: dict[EventKind, Tone] = {
    EventKind.IMPORTED: "good",
    EventKind.ADOPTED: "good",
    EventKind.PUBLISHED: "good",
    EventKind.REJECTED: "bad",
    EventKind.FAILED: "bad",
    EventKind.DRIFTED: "warning",
    EventKind.MISSING: "warning",
    EventKind.UNKNOWN: "warning",
}
_EVENT_WIDTH = max(len(kind) for kind in EventKind)


class Declared(NamedTuple):
    """One model that a manifest declares now, and the commits that touched that manifest, newest first."""

    target: str
    pair: Pair
    touches: Sequence[Touch]


class Row(NamedTuple):
    """One commit of one model, or, without a commit, a model that only the journal remembers.

    Attributes:
        touch: what the commit did to the manifest.
        events: what the journal tells about this declaration, oldest first.
    """

    target: str
    pair: Pair
    touch: Touch | None = None
    events: tuple[Event, ...] = ()


def rows(models: Iterable[Declared], events: Iterable[Event]) -> tuple[Row, ...]:
    """Joins the commits of each model with its events.

    An event stands with the commit it names. One that names none of them stands with the newest commit not
    later than itself, else with the newest of all. A model that has events, but no commit any more, is one
    row whose git fields are None. Sorted by target, name and version (as numbers), then newest commit first.
    """
    journal: defaultdict[_Key, list[Event]] = defaultdict(list)
    for event in events:
        journal[event.target, event.pair].append(event)
    touches = {(model.target, model.pair): model.touches for model in models if model.touches}
    joined: list[Row] = []
    for key in sorted(touches.keys() | journal.keys(), key=_order):
        joined += _of_one_model(key, touches.get(key, ()), sorted(journal.get(key, ()), key=lambda e: e.at))
    return tuple(joined)


def as_json(found: Iterable[Row]) -> list[dict[str, Any]]:
    """The list that `history --output json` prints; times are ISO 8601 with an offset."""
    return [
        {
            "target": row.target,
            "model_name": row.pair.model_name,
            "model_version": row.pair.model_version,
            **_touch_as_json(row.touch),
            "events": [_event_as_json(event) for event in row.events],
        }
        for row in found
    ]


def text(found: Iterable[Row], *, colour: bool = False) -> str:
    """For a terminal: a heading a model, a line a commit, and what became of it below."""
    paint = painter(colour=colour)
    lines: list[str] = []
    heading = None
    for row in found:
        if (row.target, row.pair) != heading:
            heading = (row.target, row.pair)
            lines += [
                *([""] if lines else []),
                f"{paint(clean(str(row.pair)), 'bold')}  ({clean(row.target)})",
            ]
        lines.append(_commit_line(row.touch))
        lines += [f"      {event_line(event, colour=colour)}" for event in row.events]
    lines.append("")  # every line ends with a line break, and no history is no text
    return "\n".join(lines)


def event_line(event: Event, *, colour: bool = False) -> str:
    """When, what, and the ids it can be traced by, in one line."""
    word = f"{event.kind.value:<{_EVENT_WIDTH}}"
    painted = painter(colour=colour)(word, _TONES.get(event.kind, "busy"))
    known = {"id": event.model_id, "request": event.request_id, "cycle": event.cycle_id}
    facts = [f"{name} {clean(value)}" for name, value in known.items() if value]
    detail = [clean(told)] if (told := _detail(event)) else []
    return "  ".join([_utc(event.at), painted, *facts, *detail])


def _order(key: _Key) -> tuple[Any, ...]:
    target, (name, version) = key
    return target, name, version_key(version), version


def _of_one_model(key: _Key, touches: Sequence[Touch], events: Sequence[Event]) -> list[Row]:
    if not events:
        return [Row(*key, touch) for touch in touches]
    if not touches:
        return [Row(*key, events=tuple(events))]
    attached: defaultdict[int, list[Event]] = defaultdict(list)
    for event in events:
        attached[_position(event, touches)].append(event)
    return [Row(*key, touch, tuple(attached[number])) for number, touch in enumerate(touches)]


def _position(event: Event, touches: Sequence[Touch]) -> int:
    """Which of the commits an event belongs to."""
    made_by = (n for n, touch in enumerate(touches) if touch.attribution.commit == event.commit)
    not_later = (n for n, touch in enumerate(touches) if touch.attribution.authored_at <= event.at)
    return next(made_by, next(not_later, 0))


def _touch_as_json(touch: Touch | None) -> dict[str, Any]:
    if touch is None:
        return dict.fromkeys(("path", "commit", "author", "authored_at", "subject"))
    made = touch.attribution
    return {
        "path": touch.path,
        "commit": made.commit,
        "author": made.author,
        "authored_at": made.authored_at.isoformat(),
        "subject": made.subject,
    }


def _event_as_json(event: Event) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "event": event.kind.value,
        "cycle_id": event.cycle_id,
        "commit": event.commit,
        "model_id": event.model_id,
        "request_id": event.request_id,
        "detail": _detail(event),
    }


def _detail(event: Event) -> str | None:
    """What the event says in words, and who asked for it."""
    asked = f"asked for by {event.actor}" if event.actor else None
    return "; ".join(filter(None, (event.detail, asked))) or None


def _commit_line(touch: Touch | None) -> str:
    if touch is None:
        return "  (no commit of the branch declares it)"
    made = touch.attribution
    path = f"{clean(touch.path)} (deleted)" if touch.deleted else clean(touch.path)
    when = _utc(made.authored_at)
    return f"  {clean(made.commit[:12])}  {when}  {clean(made.author)}  {path}  {clean(made.subject)}"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(" ", "seconds").replace("+00:00", "Z")
