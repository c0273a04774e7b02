"""JSON that one command prints, kept within its budget: whole objects of a list."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from reconciler.phrases import many
from reconciler.views.as_json import dumps, report_item, report_pieces
from reconciler.views.cut import ADVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.engine.values import ModelState, Report

_WIDEST = 12  # bytes of one character, escaped as two halves
_ITEM, _REASON = 600, 250  # bytes of what an item, and each of its reasons, has beside its texts


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
    kept, number = number_within(report, most), len(report.items)
    left_out = None if kept == number else _left_out(number - kept)
    notes = report.notes if left_out is None else (*report.notes, left_out)
    return report_pieces(replace(report, notes=notes), kept), left_out


def number_within(report: Report, most: int) -> int:
    """How many items of a report fit; each is only made into text for that where all of them may not."""
    if sum(map(_at_most, report.items)) <= most:
        return len(report.items)
    return _fitting(map(report_item, report.items), most)


def _at_most(item: ModelState) -> int:
    """So many bytes an item has at most, as JSON with its indentation."""
    if item.diff:
        return sum(len(line) + 6 for line in dumps(report_item(item)).encode().split(b"\n"))
    facts = (item.target, item.model_name, item.model_version, item.path, item.commit, item.author)
    texts_of_reasons = ((reason.code, reason.message, reason.path) for reason in item.reasons)
    texts = [one for one in (*facts, item.model_id, item.model_status, *chain(*texts_of_reasons)) if one]
    plain = (2 if one.isascii() and one.isprintable() else _WIDEST for one in texts)
    widths = (len(one) * wide for one, wide in zip(texts, plain, strict=True))
    return _ITEM + _REASON * len(item.reasons) + sum(widths)


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
