"""What is declared of one model beside what is registered, a section for each target: text and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reconciler.budgets import shortened
from reconciler.engine.model_diff import DiffResult
from reconciler.engine.vendor import FieldState
from reconciler.printable import pad, printable, width
from reconciler.views import problems
from reconciler.views.lines import painter, place
from reconciler.views.words import worded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.engine.model_diff import ModelDiff
    from reconciler.engine.values import TargetFailure
    from reconciler.engine.vendor import FieldComparison
    from reconciler.views.lines import Tone

_WIDEST = 100  # characters of a value
_SYMBOLS = {
    FieldState.EQUAL: "=",
    FieldState.DIFFERS: "~",
    FieldState.NOT_COMPARED: "?",
    FieldState.NOT_REGISTERED: "-",
    FieldState.NOT_DECLARED: "+",
}
_MEANINGS: dict[DiffResult, tuple[str, Tone]] = {
    DiffResult.EQUAL: ("equal", "good"),
    DiffResult.DIFFERS: ("differs", "warning"),
    DiffResult.NOT_REGISTERED: ("declared, not registered", "warning"),
    DiffResult.NOT_DECLARED: ("registered, not declared", "warning"),
    DiffResult.UNUSABLE: ("declared by what cannot be used", "bad"),
    DiffResult.ABSENT: ("neither declared nor registered", "dim"),
}


def text(diffs: Iterable[ModelDiff], *, colour: bool, verbose: bool) -> str:
    """A section for each target, with an empty line between two; `verbose` also tells warnings."""
    paint = painter(colour=colour)
    sections = (_section(diff, paint, verbose=verbose) for diff in diffs)
    return "\n".join("".join(f"{line}\n" for line in section) for section in sections)


def as_json(commit: str, diffs: Iterable[ModelDiff], failures: Iterable[TargetFailure]) -> dict[str, Any]:
    """The object that `diff --output json` prints; what is not known is None, never left out."""
    return {
        "version": 1,
        "commit": commit,
        "failures": [{"target": one.target, "message": one.message} for one in failures],
        "items": [_item(diff) for diff in diffs],
    }


def _item(diff: ModelDiff) -> dict[str, Any]:
    item = diff.item
    return {
        "target": diff.target,
        "model_name": diff.pair.model_name,
        "model_version": diff.pair.model_version,
        "result": diff.result.value,
        "verdict": item.verdict.value if item else None,
        "path": item.path if item else None,
        "line": item.line if item else None,
        "model_id": diff.model_id,
        "model_status": item.model_status if item else None,
        "reasons": [problems.as_json(reason) for reason in (item.reasons if item else ())],
        "diff": [asdict(difference) for difference in diff.diff],
        "fields": [asdict(field) for field in diff.fields],
    }


def _section(diff: ModelDiff, paint: Callable[[str, Tone], str], *, verbose: bool) -> Iterator[str]:
    meaning, tone = _MEANINGS[diff.result]
    yield f"{paint(printable(str(diff.pair)), 'bold')}  ({printable(diff.target)}): {paint(meaning, tone)}"
    yield from (f"  {printable(line)}" for line in _sides(diff))
    cells = max((width(field.field) for field in diff.fields), default=0)
    for field in diff.fields:
        line = f"  {_SYMBOLS[field.state]} {pad(field.field, cells)}  {printable(_values(field))}"
        yield paint(line, "warning") if field.state is FieldState.DIFFERS else line
        inner = (one for one in diff.diff if one.field.startswith((f"{field.field}.", f"{field.field}[")))
        yield from (f"      {paint(worded(difference), 'warning')}" for difference in inner)
    if diff.item is not None:
        shown = (one for one in problems.distinct(diff.item.reasons) if verbose or one.severity == "error")
        yield from (f"      {problems.because(reason, diff.item)}" for reason in shown)


def _sides(diff: ModelDiff) -> Iterator[str]:
    item = diff.item
    if item is not None and item.path is not None:
        yield f"declared in {place(item.path, item.line)}"
    if diff.model_id is not None:
        status = f" ({item.model_status})" if item is not None and item.model_status else ""
        yield f"registered as {diff.model_id}{status}"


def _values(field: FieldComparison) -> str:
    if field.state in (FieldState.EQUAL, FieldState.NOT_REGISTERED):
        return _shown(field.declared)
    if field.state is FieldState.NOT_DECLARED:
        return f"{_shown(field.registered)} (registered only)"
    if field.state is FieldState.NOT_COMPARED:
        return f"{_shown(field.declared)} (not comparable: the registry does not echo it)"
    return f"{_shown(field.declared)} in git, {_shown(field.registered)} in the registry"


def _shown(value: object) -> str:
    """Text as it stands where it can be seen, any other value as JSON."""
    is_plain = isinstance(value, str) and value == value.strip() != ""
    return shortened(str(value) if is_plain else json.dumps(value, ensure_ascii=False), _WIDEST)
