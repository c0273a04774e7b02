"""The pictures of README and docs: pages of made-up models, the same each time."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import sync_playwright

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import (
    CommitInfo,
    Difference,
    Event,
    EventKind,
    FileChange,
    ModelState,
    Report,
    Verdict,
)
from reconciler.engine.vendor import FieldComparison, FieldState
from reconciler.manifest.values import Reason
from reconciler.views import html
from reconciler.views.history import Declaration, rows
from reconciler.views.pages import (
    ManifestLine,
    ManifestText,
    ModelFacts,
    OverviewFacts,
    PageState,
    Registered,
    Selection,
    TargetFacts,
    TickSummary,
)
from tests.views.samples import listing_of
from tests.web.prepared import models

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    ColorScheme = Literal["light", "dark"]

NOW = datetime(2026, 11, 27, 2, 14, tzinfo=UTC)
_FIRST, _SECOND = "3f2a9c1d4e5b6a7988990011223344556677aabb", "9b04c1775ae2fd0e6c0b7a1d2233445566778899"
_COMMITS = {
    _FIRST: CommitInfo(_FIRST, "Ada Lovelace", NOW - timedelta(days=41), "Add the churn model"),
    _SECOND: CommitInfo(_SECOND, "Grace Hopper", NOW - timedelta(hours=5), "Say which customers"),
}
_TARGETS = tuple(
    TargetFacts(name, f"https://modelarts.{region}.myhuaweicloud.com, project {project}", NOW)
    for name, region, project in (("staging", "cn-north-1", "0f6b2c"), ("prod", "cn-north-4", "52d1e9"))
)
_ID = "6fe404b9-6786-4477-8b40-371cbcd95308"


def _item(
    verdict: Verdict, title: str, hours: float, why: tuple[str, str] | None = None, **facts: Any
) -> ModelState:
    name, _, version = title.partition("@")
    path = f"models.d/{name}.yaml"
    item = ModelState("prod", verdict, name, version, path, 1, _FIRST, "Ada Lovelace", _ID, "published")
    reasons = (Reason(*why, path, 1),) if why else ()
    return item._replace(reasons=reasons, since=NOW - timedelta(hours=hours), **facts)


_DRIFTED = _item(
    Verdict.DRIFTED,
    "churn@2.0.1",
    5,
    (
        "drifted",
        "registered with other content, and a registered version is immutable: declare version 2.0.2",
    ),
    commit=_SECOND,
    author="Grace Hopper",
    diff=(Difference("description", "customers of the last year", "customers"),),
)
_ITEMS = (
    _item(
        Verdict.FAILED, "keywords@1.4.0", 0.6, ("import-failed", "the registry says failed: see its events")
    ),
    _DRIFTED,
    _item(
        Verdict.WAITING,
        "mnist@1.1.0",
        0.1,
        ("ModelArts.0203", "the service is busy; another attempt is scheduled"),
        next_attempt_at=NOW + timedelta(minutes=2),
    ),
    _item(Verdict.PUBLISHING, "defects@3.2.0", 0.05),
    *(_item(Verdict.IN_SYNC, title, 900) for title in ("defects@3.1.0", "mnist@1.0.0", "手写数字@1.0.0")),
    *(_item(Verdict.IN_SYNC, title, 900, target="staging") for title in ("churn@2.0.1", "mnist@1.0.0")),
)


_WELL = tuple(item for item in _ITEMS if item.verdict is Verdict.IN_SYNC)
_SIX = (*_WELL, _item(Verdict.IN_SYNC, "keywords@1.4.0", 900))
_ONE_EACH = models(len(Verdict) - 1, _FIRST, well=1, now=NOW)
_EVERY = (*(item._replace(target="prod", commit=_FIRST) for item in _ONE_EACH), _WELL[0])


def _state(items: Sequence[ModelState] = _ITEMS) -> PageState:
    numbers = Counter((item.target, item.verdict) for item in items)
    return PageState(
        NOW,
        "0.1.0",
        "running",
        Report(_SECOND, "5c1e" * 16, (), unlisted=numbers),
        TickSummary(NOW - timedelta(seconds=11), 0.04, "success"),
        NOW - timedelta(seconds=11),
        NOW + timedelta(seconds=19),
        "https://git.example.com/ml/models",
        "main",
        "reconciler-0",
        _TARGETS,
        "https://git.example.com/ml/models/commit/{commit}",
        "https://git.example.com/ml/models/blob/{commit}/{path}#L{line}",
    )


def overview(items: Sequence[ModelState] = _ITEMS) -> str:
    """All models, or the first page of them."""
    selection = Selection(refresh="off")
    facts = OverviewFacts(listing_of(items, selection.listing), _COMMITS)
    return html.overview(_state(items), selection, facts)


def many(number: int) -> str:
    """The first page of so many models, of which one in two hundred needs somebody or moves."""
    return overview(models(number, _FIRST, well=200, now=NOW))


def model() -> str:
    """One model that drifted."""
    pair = ModelKey("churn", "2.0.1")
    happened = [
        (EventKind.IMPORT_REQUESTED, 41, _FIRST, None),
        (EventKind.IMPORTED, 41, _FIRST, None),
        (EventKind.PUBLISHED, 41, _FIRST, None),
        (EventKind.DRIFTED, 0.2, _SECOND, "description"),
    ]
    events = [
        Event(
            NOW - timedelta(days=days) + timedelta(minutes=number + 1),
            kind,
            "prod",
            pair,
            "5f41233fabd54e26",
            commit=commit,
            path=_DRIFTED.path,
            model_id=_ID,
            request_id="c9a76c0e3d414bf5",
            detail=detail,
        )
        for number, (kind, days, commit, detail) in enumerate(happened)
    ]
    text = (
        "model_name: churn",
        "model_version: 2.0.1",
        "model_type: TensorFlow",
        "source_location: https://models.obs.cn-north-4.myhuaweicloud.com/churn",
        "description: customers of the last year",
    )
    changes = [FileChange(_DRIFTED.path or "", _COMMITS[commit]) for commit in (_SECOND, _FIRST)]
    fields = [line.partition(": ")[::2] for line in text]
    return html.model(
        _state(),
        ModelFacts(
            "prod",
            *pair,
            (_DRIFTED,),
            (("2.0.1", _DRIFTED), ("2.0.0", None)),
            "2.0.2",
            (_ITEMS[-2],),
            ManifestText(
                _DRIFTED.path or "",
                _SECOND,
                tuple(
                    ManifestLine(n, line, _DRIFTED.reasons if n == 1 else ())
                    for n, line in enumerate(text, 1)
                ),
            ),
            Registered(
                tuple(
                    FieldComparison(name, value, value, FieldState.EQUAL)
                    if name != "description"
                    else FieldComparison(name, value, "customers", FieldState.DIFFERS)
                    for name, value in fields
                ),
                NOW - timedelta(seconds=3),
            ),
            rows([Declaration("prod", pair, changes)], events),
        ),
    )


PICTURES: dict[str, tuple[Callable[[], str], int, ColorScheme]] = {
    "overview": (overview, 1280, "light"),
    "overview-dark": (overview, 1280, "dark"),
    "overview-400": (overview, 400, "light"),
    "overview-6": (lambda: overview(_SIX), 1280, "light"),
    "overview-2000": (lambda: many(2_000), 1280, "light"),
    "overview-100000": (lambda: many(100_000), 1280, "light"),
    "verdicts": (lambda: overview(_EVERY), 1280, "light"),
    "model": (model, 1280, "light"),
    "model-dark-400": (model, 400, "dark"),
}
"""The page, its width in pixels, and the reader's colours, by the picture's name."""


def main(folder: Path) -> None:
    """Makes every picture; of some pages only what a reader sees first."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (page_source, width, scheme) in PICTURES.items():
            page = browser.new_page(
                viewport={"width": width, "height": 600}, color_scheme=scheme, locale="en-GB"
            )
            page.set_content(page_source())
            page.screenshot(path=folder / f"{name}.png", full_page=name not in _BEGINNINGS)
            page.close()
        browser.close()


_BEGINNINGS = ("overview-dark", "overview-400", "overview-2000", "overview-100000")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
