"""The status page: one self-contained document that needs no script, no other file and no outside host."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from reconciler.engine.values import Verdict
from reconciler.views.clean import clean
from reconciler.views.drift import worded
from reconciler.views.problems import because, distinct
from reconciler.views.words import ATTENTION_FIRST, WORDS, count, place

if TYPE_CHECKING:
    from datetime import datetime

    from jinja2 import Template

    from reconciler.engine.values import Item, Report
    from reconciler.views.metrics import Result

MAX_ROWS = 500
"""Rows on one page; what needs a person comes first, and the filters reach the rest."""

Phase = Literal["starting", "running", "paused", "stopping"]

_DAY = 86_400
_UNITS = ((_DAY, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Tick:
    """One finished tick.

    Attributes:
        ended_at: timezone-aware.
        seconds: how long it took.
        message: one line for people, such as why it failed.
    """

    ended_at: datetime
    seconds: float
    result: Result
    message: str | None = None


@dataclass(frozen=True, slots=True)
class PageState:
    """All that the page shows, at one moment. All times are timezone-aware.

    Attributes:
        report: of the newest finished cycle, or None.
        next_tick_at: when the schedule looks again, if it does.
        commit_url: link to a commit, in which `{commit}` is replaced; http and https only.
        problem: why what is shown may be old, in one line; None while it is not.
        undelivered: one line for each sink that does not take its messages.
        refresh_seconds: how often a browser fetches the page again; 0 for never.
    """

    now: datetime
    version: str
    phase: Phase
    report: Report | None = None
    last_tick: Tick | None = None
    last_success_at: datetime | None = None
    next_tick_at: datetime | None = None
    commit_url: str | None = None
    problem: str | None = None
    undelivered: tuple[str, ...] = ()
    refresh_seconds: int = 15


@dataclass(frozen=True, slots=True)
class Filter:
    """What a visitor asked to see.

    Attributes:
        verdict: only models with this verdict; a word that is no verdict is ignored.
        name: only models whose `name@version` contains this, in whatever case.
        refresh: whether the page renews itself.
    """

    verdict: str = ""
    name: str = ""
    refresh: bool = True

    def link(self, **changes: str) -> str:
        """The query that leads from this selection to a changed one."""
        wanted = {
            "verdict": self.verdict,
            "name": self.name,
            "refresh": "" if self.refresh else "off",
        } | changes
        return "?" + urlencode({key: value for key, value in wanted.items() if value}, errors="replace")


def page(state: PageState, wanted: Filter | None = None) -> str:
    """The whole document, as UTF-8-encodable text. Everything from outside is escaped."""
    wanted = wanted or Filter()
    items = state.report.items if state.report else ()
    shown = _selected(items, wanted)
    numbers = count(state.report) if state.report else {}
    return _template().render(
        state=state,
        report=state.report,
        wanted=wanted,
        tiles=[(verdict, number, WORDS[verdict]) for verdict, number in numbers.items()],
        rows=shown[:MAX_ROWS],
        found=len(shown),
        total=sum(numbers.values()),
        unlisted=sum(numbers.values()) - len(items),
        several_targets=len({item.target for item in items}) > 1,
        words=WORDS,
        place=place,
        because=because,
        distinct=distinct,
        worded=worded,
        href=lambda commit: _commit_href(state.commit_url, commit),
        since=lambda moment: _duration((state.now - moment).total_seconds()),
        style=_style(),
    )


def style_source() -> str:
    """The page's style as a source of a Content-Security-Policy: `'sha256-…'`."""
    digest = hashlib.sha256(_style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _selected(items: tuple[Item, ...], wanted: Filter) -> list[Item]:
    verdict = wanted.verdict if wanted.verdict in set(Verdict) else None
    name = wanted.name.casefold()
    found = (
        item
        for item in items
        if (verdict is None or item.verdict == verdict) and name in item.title.casefold()
    )
    return sorted(found, key=lambda item: ATTENTION_FIRST[item.verdict])


def _commit_href(template: str | None, commit: str | None) -> str | None:
    if not template or not commit or not template.startswith(("https://", "http://")):
        return None
    return template.replace("{commit}", quote(commit, safe="", errors="replace"))


def _duration(seconds: float) -> str:
    """A length of time in its largest unit, such as `12 s` or `3 h`; never negative."""
    whole = max(int(seconds), 0)
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


@cache
def _style() -> str:
    return files("reconciler.views").joinpath("page.css").read_text("utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - slow

    rooms = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_visible, trim_blocks=True, lstrip_blocks=True
    )
    return rooms.from_string(files("reconciler.views").joinpath("page.html.j2").read_text("utf-8"))


def _visible(value: Any) -> Any:  # noqa: ANN401 - whatever a template's expression gives
    """What a template prints: text from outside is cleaned; markup of the template's own is not touched."""
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
