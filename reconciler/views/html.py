"""The pages: self-contained documents that need no other file and no outside host, and work without script.

Templates, style and script lie in `templates/`; nothing has to be built. Everything from outside is escaped,
and shown through `printable`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from reconciler.budgets import shortened
from reconciler.contract.problem import SECRET_FIELDS
from reconciler.engine.listing import ATTENTION_ORDER, Listing, Sorting, matrix_rows
from reconciler.engine.values import Verdict
from reconciler.phrases import many
from reconciler.printable import printable
from reconciler.redaction import HIDDEN
from reconciler.times import shown_time
from reconciler.views.guidance import Setting, guidance
from reconciler.views.history import in_words
from reconciler.views.lines import place
from reconciler.views.masked import masked
from reconciler.views.pages import GROUPS, ROWS, Selection, group_of, model_link
from reconciler.views.problems import because, distinct
from reconciler.views.words import WORDS, count, worded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

    from reconciler.engine.values import Difference, ModelState
    from reconciler.manifest import Reason
    from reconciler.views.lines import Tone
    from reconciler.views.pages import ModelFacts, OverviewFacts, PageState

MOST_REASONS = 3
"""Reasons and differences of one model in a list; its own page tells them all."""

ENTRIES = 200
"""Commits and events on one page of a model's timeline."""

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
_LONG_HEX = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b")
_WIDEST = 300  # characters of a reason, or a difference, in a list
_ICONS: Mapping[Tone, str] = {"good": "176f3d", "busy": "1d5f99", "warning": "8a5a00", "bad": "b3261e"}


class Headline(NamedTuple):
    """What it all comes to, in one sentence; the colour of the head and the tab's title follow it."""

    text: str
    tone: Tone


def headline(state: PageState) -> Headline:
    """The sentence of the head: what needs a human before what moves before what rests."""
    if state.report is None:
        return Headline("no cycle has finished yet", "warning" if state.problem else "busy")
    text, tone = _summed_up(count(state.report))
    away = [failure.target for failure in state.report.failures]
    if away:
        text = f"{text}; {many(len(away), 'target')} not reconciled"
    if state.problem:
        text = f"{text}; this may be old"
    return Headline(text, "warning" if tone != "bad" and (away or state.problem) else tone)


def _summed_up(numbers: Mapping[Verdict, int]) -> Headline:
    by_group = {word: sum(numbers[verdict] for verdict in verdicts) for word, verdicts in GROUPS.items()}
    needing, moving, in_sync = by_group["needs-you"], by_group["moving"], numbers[Verdict.IN_SYNC]
    if needing:
        return Headline(f"{needing} need{'s' if needing == 1 else ''} you", "bad")
    if moving:
        return Headline(f"{many(moving, 'model')} moving, {in_sync} in sync", "busy")
    unmanaged = f", {numbers[Verdict.UNMANAGED]} unmanaged" if numbers[Verdict.UNMANAGED] else ""
    if not in_sync:
        return Headline(f"nothing is declared{unmanaged}", "good")
    every = "all " if in_sync > 1 else ""
    return Headline(f"{every}{many(in_sync, 'model')} in sync{unmanaged}", "good")


def overview(state: PageState, selection: Selection, facts: OverviewFacts | None) -> str:
    """The page of all models, as UTF-8-encodable text; None while they could not be read."""
    models = facts.models if facts else Listing()
    numbers = models.by_verdict(selection.target)
    is_matrix = selection.view == "matrix"
    return _render(
        "overview.html.j2",
        _common(state, root=""),
        selection=selection,
        is_read=facts is not None,
        items=() if is_matrix else models.items,
        matrix=matrix_rows(models.items) if is_matrix else (),
        commits=facts.commits if facts else {},
        numbers=numbers,
        group_numbers={word: sum(numbers[v] for v in verdicts) for word, verdicts in GROUPS.items()},
        total=sum(numbers.values()),
        matching=models.matching,
        pages=max(-(-models.matching // ROWS), 1),
        first=selection.listing.offset + 1,
        group_of=group_of,
        GROUPS=GROUPS,
        Sorting=Sorting,
    )


def model(state: PageState, facts: ModelFacts, page: int = 1) -> str:
    """The page of one model, with one page of its timeline: the last one where there are not so many."""
    setting = Setting(len(state.targets) > 1, facts.next_free)
    title = f"{facts.name}@{facts.version}" if facts.version else facts.name
    entries = _timeline(facts)
    pages = max(-(-len(entries) // ENTRIES), 1)
    shown = min(page, pages)
    first = (shown - 1) * ENTRIES
    return _render(
        "model.html.j2",
        _common(state, root="../../../" if facts.version else "../../"),
        facts=facts,
        title=title,
        target_link=Selection(target=facts.target).link(),
        advice=[(item, guidance(item, setting)) for item in facts.items],
        entries=entries[first : first + ENTRIES],
        number=len(entries),
        first=first + 1,
        page=shown,
        pages=pages,
    )


def missing(state: PageState, root: str) -> str:
    """The page in place of a model that nobody knows; `root` leads to the overview."""
    why = "No model of this target and name is declared, registered or remembered."
    return _render("missing.html.j2", _common(state, root), title="Not found", why=why, retries=False)


def unavailable(state: PageState, root: str, why: str) -> str:
    """The page in place of a model that cannot be read now; a browser tries again."""
    title = "Not available now"
    return _render("missing.html.j2", _common(state, root), title=title, why=why, retries=True)


def policy_sources() -> tuple[str, str]:
    """The style and the script of the pages as sources of a Content-Security-Policy: `'sha256-…'`."""
    return _source("page.css"), _source("live.js")


def _common(state: PageState, root: str) -> dict[str, Any]:
    """What every page shows. `root` leads to the overview, relative to the page's address."""
    summary = headline(state)
    failed = {failure.target: failure.message for failure in (state.report.failures if state.report else ())}
    known_at = {target.name: target.known_at for target in state.targets}
    return {
        "state": state,
        "report": state.report,
        "root": root,
        "headline": summary,
        "icon": _ICONS.get(summary.tone, "5c6773"),
        "failed": failed,
        "known_at": {name: known_at.get(name) for name in failed},
        "several_targets": len(state.targets) > 1,
        "commit_href": lambda commit: _href(state.commit_url, commit=commit),
        "file_href": lambda commit, path, line: _href(
            state.file_url, commit=commit, path=path, line=str(line or 1)
        ),
        "since": lambda moment: duration((state.now - moment).total_seconds()),
        "until": lambda moment: duration((moment - state.now).total_seconds()),
    }


def _reason(item: ModelState, reason: Reason) -> str:
    """A reason in one line of a list, its long digests cut: the head shows the plan's whole."""
    return shortened(_LONG_HEX.sub(r"\1…", because(reason, item)), _WIDEST)


def _difference(difference: Difference) -> str:
    hides = any(name in difference.field for name in SECRET_FIELDS)
    return shortened(f"{difference.field}: {HIDDEN}" if hides else worded(difference), _WIDEST)


def _value(value: Any) -> str:  # noqa: ANN401 - any JSON
    """One side of a field: text as it is, anything else as JSON, without secrets."""
    shown = masked(value)
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def _timeline(facts: ModelFacts) -> list[dict[str, Any]]:
    """Commits and events as one list, newest first."""
    entries: list[dict[str, Any]] = []
    there: set[object] = set()
    for row in reversed(facts.timeline):
        if row.authored_at is not None:
            did = "taken out" if row.deleted else "changed" if row.pair in there else "declared"
            entries.append({"at": row.authored_at, "row": row, "event": None, "did": did})
            (there.discard if row.deleted else there.add)(row.pair)
        entries += [
            {"at": event.at, "row": row, "event": event, "words": in_words(event), "did": ""}
            for event in row.events
        ]
    return sorted(entries, key=lambda entry: entry["at"])[::-1]


def _href(template: str | None, **parts: str | None) -> str | None:
    link = template
    for name, part in parts.items():
        if not link or not part:
            return None
        safe = "/" if name == "path" else ""
        try:
            link = link.replace(f"{{{name}}}", quote(part, safe=safe, errors="surrogateescape"))
        except UnicodeEncodeError:  # half a character, which is no byte of a path either
            return None
    return link


def duration(seconds: float) -> str:
    """A length of time in its largest unit, such as `12 s` or `3 h`; never negative."""
    whole = max(int(seconds), 0)
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def _source(name: str) -> str:
    digest = hashlib.sha256(_text(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _text(name: str) -> str:
    return files("reconciler.views").joinpath("templates", name).read_text("utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - slow

    rooms = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rooms.globals |= {
        "WORDS": WORDS,
        "ATTENTION_ORDER": ATTENTION_ORDER,
        "MOST_REASONS": MOST_REASONS,
        "style": _text("page.css"),
        "script": _text("live.js"),
        "place": place,
        "because": because,
        "distinct": distinct,
        "reason_line": _reason,
        "difference_line": _difference,
        "value": _value,
        "model_link": model_link,
        "person": lambda author: (author or "").partition(" <")[0],
        "shown_time": shown_time,
        "many": many,
    }
    return rooms


def _render(name: str, common: Mapping[str, Any], **more: Any) -> str:  # noqa: ANN401 - for a template
    return _environment().get_template(name).render(**common, **more)


def _visible(value: Any) -> Any:  # noqa: ANN401 - whatever a template's expression gives
    """What a template prints: text from outside is cleaned; markup of the template's own is not touched."""
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
