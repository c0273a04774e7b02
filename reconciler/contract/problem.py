"""What the rules say about a document: problems are values, never exceptions, and all are worded alike.

A message has the place, the value when it is short, what is wrong, what to do. Nothing from outside reaches
it raw: values and odd keys are shown as Python literals, so control characters, bidirectional marks and lone
surrogates stay visible and harmless.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]
Loc = tuple[str | int, ...]

ABSENT = object()
"""Stands for "there is no value to show"."""

SECRET_FIELDS = frozenset({"model_key", "rootKey"})
"""Fields whose values are never told."""
_WIDEST_VALUE = 40
_WIDEST_KEY = 64
_BARE_KEY = re.compile(r"[\w-]+")


class Problem(NamedTuple):
    """One thing wrong with one place of a document.

    Attributes:
        code: stable kebab-case word for machines, such as `missing-field`.
        message: one line for people that begins with the field, such as
            `model_version '01.0.0': a part must not start with 0`.
        loc: keys and indices from the document's root to the place.
        severity: a warning never stops an import.
    """

    code: str
    message: str
    loc: Loc = ()
    severity: Severity = "error"


def error(code: str, loc: Loc, why: str, value: object = ABSENT) -> Problem:
    """A problem that stops an import."""
    return _problem("error", code, loc, why, value)


def warning(code: str, loc: Loc, why: str, value: object = ABSENT) -> Problem:
    """A problem worth telling that stops nothing."""
    return _problem("warning", code, loc, why, value)


def _problem(severity: Severity, code: str, loc: Loc, why: str, value: object) -> Problem:
    shown = "" if SECRET_FIELDS.intersection(loc) else show(value)
    head = " ".join(part for part in (place(loc), shown) if part)
    return Problem(code, f"{head}: {why}" if head else why, loc, severity)


def place(loc: Loc) -> str:
    """A location as people write it, such as `dependencies[0].packages[1].restraint`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in loc)
    return "".join(steps).removeprefix(".")


def _key(step: str) -> str:
    if len(step) > _WIDEST_KEY:
        return repr(f"{step[: _WIDEST_KEY - 1]}…")
    return str(step) if _BARE_KEY.fullmatch(step) else repr(str(step))


def show(value: object) -> str:
    """A scalar as a literal when it is short, else nothing."""
    if isinstance(value, str):
        shown = repr(str(value)) if len(value) <= _WIDEST_VALUE else ""
    elif isinstance(value, bool):
        shown = "true" if value else "false"
    elif isinstance(value, int | float):
        shown = repr(value) if abs(value) < 1e15 else ""  # noqa: PLR2004 - longer than is worth showing
    else:
        shown = ""
    return shown if len(shown) <= _WIDEST_VALUE else ""
