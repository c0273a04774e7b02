"""How a problem is said: the place, the value when it is short, what is wrong, what to do.

Nothing from outside reaches a message raw: values and odd keys are shown as Python literals, so control
characters, bidirectional marks and lone surrogates stay visible and harmless.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.contract.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.contract.problem import Loc, Severity

ABSENT = object()
"""Stands for "there is no value to show"."""

SECRET_FIELDS = frozenset({"model_key", "rootKey"})
"""Fields whose values are never told."""
_WIDEST_VALUE = 40
_WIDEST_KEY = 64
_BARE_KEY = re.compile(r"[\w-]+")


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


def listed(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def many(number: int, noun: str, plural: str | None = None) -> str:
    """`1 model`, `2 models`: a number with its noun; `plural` where it is more than the noun and an s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known word that is nearest to `word`, or nothing."""
    found = nearest(word, known)
    return f"; did you mean {found!r}?" if found else ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, or None."""
    if not word or len(word) > _WIDEST_KEY:
        return None
    by_case = {name.casefold(): name for name in known if name}
    folded = word.strip().casefold()
    return by_case.get(folded) or _nearest(folded, by_case)


def _nearest(folded: str, by_case: dict[str, str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only when there is something to correct

    close = get_close_matches(folded, by_case, n=1, cutoff=0.6)
    if close:
        return by_case[close[0]]
    parts = re.split(r"[-_]", folded)
    ending = [name for key, name in by_case.items() if key.split("_")[1:] == parts]
    return ending[0] if len(ending) == 1 else None
