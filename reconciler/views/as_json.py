"""A report as one JSON object, for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from reconciler.engine.values import ModelState, Verdict
from reconciler.printable import escape_json, inert_json
from reconciler.views import problems, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from reconciler.engine.values import Report

FORMAT_VERSION = 1
ITEMS_A_PAGE = 10_000
_VALUES_AT_ONCE = 100


def report(report_: Report) -> dict[str, Any]:
    """The object that `plan --output json` and `apply --output json` print.

    Every verdict is counted in `summary`, also with 0; what is not known is None, never left out. Strings are
    as they came: print the object with `dumps`, which hides nothing and lets nothing act.
    """
    return _report(report_, report_.items)


def page_pieces(whole: Report, page: int) -> Iterator[str]:
    """The same with some of its items, as text; where there are others, a note says how to ask for them.

    Args:
        whole: the report.
        page: from 1; beyond the last one there are no items.
    """
    start, number = (page - 1) * ITEMS_A_PAGE, len(whole.items)
    pages = -(-number // ITEMS_A_PAGE)
    more = [f"page {page} of {pages}, of {number:,} items in all: ask for ?page=N"] if pages > 1 else []
    return _pieces(_report(whole, (), more), islice(whole.items, start, start + ITEMS_A_PAGE))


def report_pieces(whole: Report, most: int) -> Iterator[str]:
    """What `dumps` gives of `report`, with a line break at its end, some items at a time; so many at most."""
    return _pieces(_report(whole, ()), islice(whole.items, most))


def _pieces(without_items: dict[str, Any], items: Iterator[ModelState]) -> Iterator[str]:
    head, before = dumps(without_items), ""
    yield head[: head.rindex("[") + 1]
    while some := list(islice(items, _VALUES_AT_ONCE)):
        texts = ",\n".join(map(_item_text, some))
        yield inert_json(escape_json(f"{before}\n{texts}"))
        before = ","
    yield "\n  ]\n}\n" if before else "]\n}\n"


def _item_text(item: ModelState) -> str:
    """An item as it stands in a report; the library takes twice as long where it indents by itself."""
    texts = [
        "null" if value is None else encode_basestring(value) if type(value) is str else _value_text(value)
        for value in report_item(item).values()
    ]
    return _ITEM % tuple(texts)


def _value_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if type(value) is int:
        return str(value)
    if not value:
        return "[]"
    return json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n      ")


def _report(whole: Report, shown: Iterable[ModelState], more: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "version": FORMAT_VERSION,
        "commit": whole.commit or None,
        "digest": whole.digest or None,
        "summary": {verdict.value: number for verdict, number in words.count(whole).items()},
        "failures": [{"target": one.target, "message": one.message} for one in whole.failures],
        "notes": [*whole.notes, *more],
        "items": [report_item(item) for item in shown],
    }


def dumps(value: Any, *, indent: int | None = 2) -> str:  # noqa: ANN401 - any JSON value
    """JSON text that keeps readable characters readable and escapes those that act or hide.

    No line of it is a command to a runner of pipelines.
    """
    return inert_json(escape_json(json.dumps(value, ensure_ascii=False, indent=indent)))


def list_pieces(
    values: Iterable[Any], most: int = sys.maxsize, cut: Callable[[], None] = lambda: None
) -> Iterator[str]:
    """What `dumps` gives of a list, with a line break at its end, some values at a time.

    Args:
        values: of the list.
        most: characters after which no more values are taken.
        cut: called when values are left out.
    """
    rest, before, size = iter(values), "[", 0
    while some := list(islice(rest, _VALUES_AT_ONCE)):
        if size > most:
            cut()
            break
        piece = before + dumps(some)[1:-2]  # without the bracket at its beginning, and the line of the other
        yield piece
        before, size = ",", size + len(piece)
    yield "[]\n" if before == "[" else "\n]\n"


def report_item(item: ModelState) -> dict[str, Any]:
    """One of the object's `items`."""
    return {
        "target": item.target,
        "model_name": item.model_name,
        "model_version": item.model_version,
        "verdict": item.verdict.value,
        "since": _moment(item.since),
        "path": item.path,
        "line": item.line,
        "commit": item.commit,
        "author": item.author,
        "model_id": item.model_id,
        "model_status": item.model_status,
        "next_attempt_at": _moment(item.next_attempt_at),
        "reasons": [problems.as_json(reason) for reason in item.reasons],
        "diff": [asdict(difference) for difference in item.diff],
    }


@lru_cache(maxsize=256)  # what a cycle found has one time
def _moment(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


_ITEM = (
    "    {\n"
    + ",\n".join(f'      "{key}": %s' for key in report_item(ModelState("", Verdict.IN_SYNC)))
    + "\n    }"
)
"""An item of a report, with a place for the text of each value."""
