"""A report as one JSON object, for programs; what one command prints is kept within its budget."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from datetime import UTC
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from reconciler.engine.values import ModelState, Verdict
from reconciler.phrases import many
from reconciler.printable import escape_json, inert_json
from reconciler.views import problems, words
from reconciler.views.lines import ADVICE, template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from reconciler.engine.values import Report
    from reconciler.manifest.values import Reason


FORMAT_VERSION = 1
ITEMS_A_PAGE = 10_000
_VALUES_AT_ONCE = 100
_IN_ITEM = "\n      "


def page_pieces(whole: Report, page: int) -> Iterator[str]:
    """As `report_pieces`, with some of the items; where there are others, a note says how to ask for them.

    Pages count from 1; beyond the last one there are no items.
    """
    start, number = (page - 1) * ITEMS_A_PAGE, len(whole.items)
    pages = -(-number // ITEMS_A_PAGE)
    more = [f"page {page} of {pages}, of {number:,} items in all: ask for ?page=N"] if pages > 1 else []
    return _pieces(_without_items(whole, more), islice(whole.items, start, start + ITEMS_A_PAGE))


def report_pieces(whole: Report, most: int) -> Iterator[str]:
    """The object that `plan --output json` and `apply --output json` print, some items at a time.

    Every verdict is counted in `summary`, also with 0; what is not known is null, never left out. There are
    so many items at most. The text is as `dumps` gives it, with a line break at its end.
    """
    return _pieces(_without_items(whole), islice(whole.items, most))


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
    facts = [_indented(value, _IN_ITEM) for value in _facts(item).values()]
    return _ITEM % (*facts, _reasons_text(item.reasons), _indented(_differences(item), _IN_ITEM))


@lru_cache(maxsize=256)  # one may be that of very many models
def _reasons_text(reasons: tuple[Reason, ...]) -> str:
    return _indented([problems.as_json(reason) for reason in reasons], _IN_ITEM)


def _indented(value: Any, line: str = "\n") -> str:  # noqa: ANN401 - any JSON value
    """What the library gives with an indentation of two, which it does in Python and step by step.

    `line` is a line break, with the indentation of the line in which the value begins.
    """
    if type(value) is str:
        return encode_basestring(value)
    if value is None:
        return "null"
    if not isinstance(value, dict | list | tuple) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = f"{line}  "
    if isinstance(value, dict):
        pairs = [f"{encode_basestring(key)}: {_indented(one, inner)}" for key, one in value.items()]
        return f"{{{inner}{f',{inner}'.join(pairs)}{line}}}"
    return f"[{inner}{f',{inner}'.join([_indented(one, inner) for one in value])}{line}]"


def _without_items(whole: Report, more: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "version": FORMAT_VERSION,
        "commit": whole.commit or None,
        "digest": whole.digest or None,
        "summary": {verdict.value: number for verdict, number in words.count(whole).items()},
        "failures": [{"target": one.target, "message": one.message} for one in whole.failures],
        "notes": [*whole.notes, *more],
        "items": [],
    }


def dumps(value: Any, *, indented: bool = True) -> str:  # noqa: ANN401 - any JSON value
    """JSON text that keeps readable characters readable and escapes those that act or hide.

    No line of it is a command to a runner of pipelines.
    """
    text = _indented(value) if indented else json.dumps(value, ensure_ascii=False)
    return inert_json(escape_json(text))


def list_pieces(
    objects: Iterable[str], most: int = sys.maxsize, cut: Callable[[], None] = lambda: None
) -> Iterator[str]:
    """What `dumps` gives of a list of these objects, with a line break at its end, some at a time.

    Each is the text of a `template`, indented by two. After `most` characters no more are taken, and `cut` is
    called where some are left out.
    """
    rest, before, size = iter(objects), "[", 0
    while some := list(islice(rest, _VALUES_AT_ONCE)):
        if size > most:
            cut()
            break
        piece = inert_json(escape_json(f"{before}\n  " + ",\n  ".join(some)))
        yield piece
        before, size = ",", size + len(piece)
    yield "[]\n" if before == "[" else "\n]\n"


def report_item(item: ModelState) -> dict[str, Any]:
    """One of the object's `items`."""
    reasons = [problems.as_json(reason) for reason in item.reasons]
    return {**_facts(item), "reasons": reasons, "diff": _differences(item)}


def _facts(item: ModelState) -> dict[str, str | int | None]:
    """The members of an item that are no lists."""
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
    }


def _differences(item: ModelState) -> list[dict[str, Any]]:
    return [asdict(difference) for difference in item.diff]


@lru_cache(maxsize=256)  # what a cycle found has one time
def _moment(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


_ITEM = "    " + template(report_item(ModelState("", Verdict.IN_SYNC)), "\n    ")
"""An item of a report."""


_WIDEST = 12  # bytes of one character, escaped as two halves
_ITEM_BYTES, _REASON_BYTES = 600, 250  # bytes of what an item, and each of its reasons, has beside its texts


def json_within(value: Any, most: int) -> tuple[str, str | None]:  # noqa: ANN401 - whatever JSON holds
    """The value as JSON text, and what is left out of it where it has more than `most` bytes.

    Left out are the last objects of the list that it is, or of the longest list in it.
    """
    text = dumps(value)
    if len(text) * 4 <= most or len(text.encode("utf-8", "backslashreplace")) <= most:
        return text, None
    if isinstance(value, list):
        kept = _fitting(value, most)
        return dumps(value[:kept]), _left_out(len(value) - kept)
    lists = {key: one for key, one in value.items() if isinstance(one, list)}
    longest = max(lists, key=lambda key: len(lists[key]), default=None)
    if longest is None:
        return text, None
    kept = _fitting(lists[longest], most)
    left_out = _left_out(len(lists[longest]) - kept)
    notes = {"notes": [*lists["notes"], left_out]} if "notes" in lists else {}
    return dumps(value | notes | {longest: lists[longest][:kept]}), left_out


def report_within(report: Report, most: int) -> tuple[Iterator[str], str | None]:
    """The pieces of what `json_within` gives of a report's object, and what is left out of it."""
    kept = number = len(report.items)
    if sum(map(_at_most, report.items)) > most:  # only then each is made into text for it
        kept = _fitting(map(report_item, report.items), most)
    left_out = None if kept == number else _left_out(number - kept)
    notes = report.notes if left_out is None else (*report.notes, left_out)
    return report_pieces(replace(report, notes=notes), kept), left_out


def _at_most(item: ModelState) -> int:
    """So many bytes an item has at most, as JSON with its indentation."""
    if item.diff:
        return sum(len(line) + 6 for line in dumps(report_item(item)).encode().split(b"\n"))
    texts = [value for value in _facts(item).values() if type(value) is str]
    for reason in item.reasons:
        texts += (reason.code, reason.message, reason.path or "")
    joined = "".join(texts)
    wide = 2 if joined.isascii() and joined.isprintable() else _WIDEST
    return _ITEM_BYTES + _REASON_BYTES * len(item.reasons) + len(joined) * wide


def _left_out(number: int) -> str:
    return f"{many(number, 'object')} left out at the end: {ADVICE}"


def _fitting(objects: Iterable[Any], most: int) -> int:
    """How many of the objects fit, with their indentation."""
    size = number = 0
    for one in objects:
        size += sum(len(line) + 6 for line in dumps(one).encode("utf-8", "backslashreplace").split(b"\n"))
        if size > most:
            return number
        number += 1
    return number
