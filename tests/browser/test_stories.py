"""What somebody does with the pages, in a real browser."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.engine.values import Verdict
from tests.browser.conftest import NUMBER
from tests.web.prepared import models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.web.prepared import Prepared

pytestmark = pytest.mark.long

_MODEL = "/models/staging/model-000000/1.0.0"
_PATHS = ("/", "/?view=matrix", _MODEL, "/models/staging/model-000000")
_EXAMINED = ("/?verdict=drifted", "/?view=matrix&verdict=failed", _MODEL)
_BAD = ("serious", "critical")


@contextmanager
def visit(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page in a window of its own; what the browser complains of is a failure, CSP violations included."""
    complaints: list[str] = []
    context = browser.new_context(**{"timezone_id": "Asia/Shanghai", "locale": "en-GB"} | options)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        page.goto(url)
        yield page
        assert complaints == []
    finally:
        context.close()


def test_somebody_finds_what_needs_them_and_what_to_do_about_it(chromium: Browser, site: Prepared) -> None:
    """Tab, sentence, first row; search; the model's page; the command; back to where they were."""
    with visit(chromium, site.url) as page:
        needing = page.title().partition(" need you")[0]
        assert page.inner_text("#sentence") == f"{needing} need you"
        assert page.inner_text("#models tr.group >> nth=0").split() == ["needs", "you", needing]
        page.keyboard.press("/")
        page.keyboard.type("model-000000")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=model-000000*")
        assert page.locator("#models tbody tr:not(.group)").count() == 2
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{_MODEL}")
        assert "set model_version to 1.0.1" in page.inner_text("#verdict")
        assert page.inner_text("pre.command") == "git log -p -- models.d/team-0/model-0.yaml"
        assert page.inner_text("#L2").split() == ["2", "model_version:", "1.0.0"]
        page.go_back()
        assert page.input_value("#q") == "model-000000"


def test_somebody_leafs_filters_orders_and_looks_by_target(chromium: Browser, site: Prepared) -> None:
    """All by links, so that an address can be sent to somebody."""
    with visit(chromium, site.url) as page:
        page.click("a[rel=next]")
        assert f"Models 51 to 100 of {NUMBER}" in page.inner_text("caption")
        page.click(".tile:has-text('failed')")
        assert {"failed"} == set(page.locator("#models .badge").all_inner_texts())
        page.click("text=clear")
        page.click("thead >> text=Model")
        assert page.get_attribute("th[aria-sort]", "aria-sort") == "ascending"
        page.click("text=as a matrix")
        assert page.locator(".matrix thead th").all_inner_texts() == ["Model", "staging", "prod"]


def test_an_open_page_shows_what_is_new_without_a_reload(chromium: Browser, site: Prepared) -> None:
    """What somebody opened stays open, and what they type is not taken from them."""
    before = site.live_status.revision
    items = models(NUMBER, site.commit, well=8)
    changed = [item._replace(verdict=Verdict.DRIFTED) for item in items[:1]] + items[1:]
    with visit(chromium, f"{site.url}/?verdict=drifted") as page:
        page.locator("#live", has_text="live").wait_for()
        page.evaluate("window.mark = 1")
        page.click("#models summary >> nth=0")
        page.fill("#q", "half a wo")
        number = int(page.inner_text(".tile[aria-current] b"))
        gone = [item for item in changed if item.verdict is Verdict.DRIFTED][-1]
        site.save([item for item in changed if item is not gone])
        page.locator(".tile[aria-current] b", has_text=str(number - 1)).wait_for()
        assert page.evaluate("window.mark") == 1
        assert page.locator("#models details[open]").count() == 1
        assert page.input_value("#q") == "half a wo"
        site.save(changed)
        page.locator(".tile[aria-current] b", has_text=str(number)).wait_for()
    assert site.live_status.revision == before + 2


def test_times_are_the_readers_and_utc_is_in_the_title(chromium: Browser, site: Prepared) -> None:
    """Eight hours later in Shanghai."""
    with visit(chromium, site.url) as page:
        time = page.locator("#shown-at time")
        moment, shown, title = time.get_attribute("datetime"), time.inner_text(), time.get_attribute("title")
        assert moment is not None
        assert title == f"{moment[:10]}T{moment[11:19]}Z"
        assert f"{(int(moment[11:13]) + 8) % 24:02}:{moment[14:19]}" in shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_a_page_shuts_anybody_out(chromium: Browser, site: Prepared, scheme: str) -> None:
    """axe-core finds nothing serious: landmarks, names, tables, contrast."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with visit(chromium, site.url, color_scheme=scheme) as page:
        for path in _EXAMINED:
            page.goto(site.url + path)
            violations = axe.run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in violations if one["impact"] in _BAD] == []


def test_a_page_fits_into_320_pixels_and_on_paper(chromium: Browser, site: Prepared) -> None:
    """Nobody has to scroll sideways; what cannot be clicked on paper is not printed."""
    with visit(chromium, site.url, viewport={"width": 320, "height": 640}) as page:
        for path in _PATHS:
            page.goto(site.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") == 320, path
        page.goto(site.url)
        page.emulate_media(media="print")
        assert not page.is_visible("form.search")
        assert page.is_visible("#models table")


def test_a_page_is_complete_without_script_and_renews_itself(chromium: Browser, site: Prepared) -> None:
    """Times in UTC, and the browser fetches it again."""
    with visit(chromium, site.url, java_script_enabled=False) as page:
        assert page.locator("#models tbody tr:not(.group)").count() == 50
        assert page.inner_text("#shown-at").endswith("Z")
        assert page.locator("meta[http-equiv=refresh]").count() == 1


def test_the_keyboard_leads_to_the_content_first(chromium: Browser, site: Prepared) -> None:
    """Past the head, and every stop can be seen."""
    with visit(chromium, site.url) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        assert page.is_visible("a.skip:focus")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
