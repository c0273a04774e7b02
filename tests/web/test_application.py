from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.engine.values import ModelState, Report, Verdict
from reconciler.printable import printable
from reconciler.views import as_json
from reconciler.views.pages import ModelFacts, model_link
from reconciler.web.application import Probes, create_health_app
from reconciler.web.server import Hosts, listen, serving
from tests.plain_http import NO_TLS
from tests.views.samples import printed

if TYPE_CHECKING:
    from tests.web.served import Served

REPORT = Report(
    "c" * 40, "d" * 64, (ModelState("local", Verdict.FAILED, "中文\u202e", "1.0.0", "models.d/\udcff.yaml"),)
)


def test_the_page_shows_the_newest_report_filtered_by_the_query(site: Served) -> None:
    """What a browser gets."""
    site.loop.report = REPORT
    page = site.client.get("/", params={"verdict": "failed", "q": "中"})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert r"中文\u202e" in page.text
    assert "No model matches" in site.client.get("/?verdict=drifted").text
    assert "http-equiv" not in site.client.get("/?refresh=off").text


def test_a_browser_may_load_frame_and_guess_nothing(site: Served) -> None:
    """The headers of every answer, also of one that is not found."""
    for path in ("/", "/metrics", "/nowhere"):
        headers = site.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'; style-src 'sha256-" in policy
        assert "; script-src 'sha256-" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == ("private, no-cache" if path == "/" else "no-store")
        assert "server" not in headers


def test_the_report_is_the_json_that_plan_prints(site: Served) -> None:
    """Also with names that are not UTF-8."""
    assert site.client.get("/api/report").status_code == 503
    site.loop.report = REPORT
    answer = site.client.get("/api/report")
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == printed(REPORT)


def test_a_report_of_very_many_models_comes_in_pages(site: Served) -> None:
    """Each model once; the numbers are those of all, and a note says how to ask for the others."""
    number = as_json.ITEMS_A_PAGE + 1
    models = (
        ModelState("local", Verdict.IN_SYNC, f"m{n}", "1.0.0", f"models.d/{n}.yaml") for n in range(number)
    )
    site.loop.report = Report("c" * 40, "d" * 64, tuple(models))
    pages = [site.client.get(f"/api/report{query}").json() for query in ("", "?page=2", "?page=3", "?page=x")]
    assert [len(page["items"]) for page in pages] == [number - 1, 1, 0, number - 1]
    assert len({item["model_name"] for page in pages[:2] for item in page["items"]}) == number
    assert [page["summary"]["in-sync"] for page in pages] == [number] * 4
    assert pages[0]["notes"] == ["page 1 of 2, of 10,001 items in all: ask for ?page=N"]


def test_it_is_ready_only_after_the_first_good_cycle(site: Served) -> None:
    """A load balancer waits for it."""
    answer = site.client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "no cycle has succeeded yet\n")
    site.loop.ready = True
    assert site.client.get("/readyz").text == "ready\n"


def test_it_is_healthy_while_the_loop_is_alive(site: Served) -> None:
    """Health does not wait for a cycle, and ends with the loop."""
    assert site.client.get("/healthz").text == "alive\n"
    site.loop.alive = False
    answer = site.client.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "no tick has ended for 99 s\n")


def test_metrics_are_given_as_they_come(site: Served) -> None:
    """Bytes and content type of the Prometheus format."""
    answer = site.client.get("/metrics")
    assert answer.content == b"reconciler_ticks_total 3.0\n"
    assert answer.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/api/report", "/models/a/b"])
def test_what_is_shown_can_be_read_and_not_changed(site: Served, path: str) -> None:
    """HEAD answers like GET without a body, other verbs are refused."""
    assert site.client.head(path).status_code == site.client.get(path).status_code
    assert site.client.post(path).status_code == 405
    assert site.client.delete(path).status_code == 405


def test_a_document_is_rendered_once_and_known_by_its_tag(site: Served) -> None:
    """Shared bytes, compressed for whom takes that; 304 for whom has them."""
    site.loop.report = REPORT
    for path in ("/", "/api/report"):
        first, second = site.client.get(path), site.client.get(path)
        assert first.headers["etag"] == second.headers["etag"]
        assert first.headers["content-encoding"] == "gzip"
        assert first.headers["vary"] == "Accept-Encoding"
        plain = site.client.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == first.content
        again = site.client.get(path, headers={"If-None-Match": f'"x", {first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        site.loop.report = replace(REPORT, commit="e" * 40)
        changed = site.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert changed.status_code == 200
        site.loop.report = REPORT


def test_many_visitors_at_once_share_one_rendering_and_do_not_hold_health(site: Served) -> None:
    """A hundred at once, of a large report, while health is asked on."""
    items = tuple(
        ModelState("local", Verdict.FAILED, f"m{n}", "1.0.0", f"models.d/{n}.yaml") for n in range(5000)
    )
    site.loop.report = replace(REPORT, items=items)

    def visit(path: str) -> httpx.Response:
        return httpx.get(f"{site.url}{path}", trust_env=False, timeout=60, verify=NO_TLS)

    with ThreadPoolExecutor(104) as pool:
        pages = [pool.submit(visit, "/api/report") for _ in range(100)]
        health = [pool.submit(visit, "/healthz") for _ in range(4)]
        assert {answer.result().status_code for answer in (*pages, *health)} == {200}
        assert len({answer.result().headers["etag"] for answer in pages}) == 1


def test_the_page_of_health_has_nothing_else() -> None:
    """A listener of its own: health, readiness and metrics, and no page."""
    app = create_health_app(Probes(lambda: b"m 1\n", lambda: "no cycle yet"), Hosts("127.0.0.1"))

    async def asked() -> list[int]:
        async with (
            serving(app, listen("127.0.0.1", 0)) as url,
            httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client,
        ):
            paths = ("/healthz", "/readyz", "/metrics", "/", "/api/report")
            return [(await client.get(url + path)).status_code for path in paths]

    assert asyncio.run(asked()) == [200, 503, 200, 404, 404]


def test_the_address_of_a_model_says_exactly_which(site: Served) -> None:
    """Whatever is in its name, a slash and a byte that is no UTF-8 included."""
    site.loop.report = REPORT
    for name in ("a/b", "中文", "a b", "..x", "\udcff", "50%"):
        facts = ModelFacts("local", name, "1.0.0", (ModelState("local", Verdict.FAILED, name, "1.0.0"),))
        site.loop.models["local", name, "1.0.0"] = facts
        answer = site.client.get("/" + model_link("local", name, "1.0.0"))
        assert answer.status_code == 200, name
        assert printable(f"<title>{name}@1.0.0 failed · 1 needs you") in answer.text
        assert site.client.get("/" + model_link("local", name, None)).status_code == 404
    assert site.loop.asked[0] == ("local", "a/b", "1.0.0")
    assert site.client.get("/models/local").status_code == 404
    assert "../../../" in site.client.get("/models/local/none/1").text


def test_a_model_that_cannot_be_read_is_said_to_be_so(site: Served) -> None:
    """It is not said that it does not exist."""
    site.loop.state_is_away = True
    answer = site.client.get("/models/local/mnist/1.0.0")
    assert answer.status_code == 503
    assert "the model could not be read in time" in answer.text
