"""Alerts and dashboard: they ask for series that exist, and each alert fires for what it is about.

What needs Prometheus is skipped where Debian's package `prometheus` is not installed.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from reconciler.engine.episodes import HELD
from reconciler.views.metrics import Metrics
from tests.daemon.running import SELDOM, spawned
from tests.plain_http import NO_TLS
from tests.program import EMBEDDED, Fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/rules.yaml"
DASHBOARD = ROOT / "deploy/grafana/reconciler.json"
TESTS = Path(__file__).with_name("rules_test.yaml")


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    return [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]


def queries() -> list[str]:
    """Every query of the dashboard."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def series() -> dict[str, set[str]]:
    """Every series that a scrape finds before anything has happened, with the names of its labels."""
    labels: dict[str, set[str]] = {}
    text = Metrics("0.1.0", ["prod"], ["oncall"]).render().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels.setdefault(sample.name, {"instance"}).update(sample.labels)
    return labels


def promtool(*arguments: str | Path) -> None:
    """Runs it; what it says is the failure."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: Debian's package prometheus")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("query", [*(rule["expr"] for rule in rules()), *queries()])
def test_a_query_asks_for_series_and_labels_that_exist_from_the_start(query: str) -> None:
    """So that an alert cannot be silent for a name that nobody has."""
    scrape = series()
    names = set(re.findall(r"\breconciler_\w+", query))
    assert names <= scrape.keys()
    asked = re.findall(r"(\w+)\s*(?:=~|=|!=)\s*\"", query)
    grouped = [label for some in re.findall(r"by \(([^)]*)\)", query) for label in some.split(", ")]
    labels = set().union(*(scrape[name] for name in names)) | {"job"}
    assert {*asked, *grouped} <= labels


def test_the_dashboard_shows_every_metric() -> None:
    """None was forgotten, but for one that another says already."""
    shown = " ".join(queries())
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in series()}
    assert sorted(name for name in families if name not in shown) == [
        "reconciler_last_tick_timestamp_seconds"
    ]


def test_no_series_says_when_it_was_made() -> None:
    """They would double the counters."""
    assert [name for name in series() if name.endswith("_created")] == []


def test_the_alert_and_the_dashboard_name_the_verdicts_that_need_a_human() -> None:
    """As the engine has them."""
    for text in (RULES.read_text("utf-8"), DASHBOARD.read_text("utf-8").replace('\\"', '"')):
        (words,) = set(re.findall(r'verdict=~"([^"]*)"', text))
        assert set(words.split("|")) == set(HELD)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_leads_to_a_heading_of_the_document_that_says_what_to_do(rule: dict[str, Any]) -> None:
    """And has a severity and a summary, and a test of its own."""
    document, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / document).read_text("utf-8"), re.MULTILINE)
    assert anchor in {heading.lower() for heading in headings}
    assert anchor == rule["alert"].lower()
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    fired = [
        test["alertname"]
        for case in yaml.safe_load(TESTS.read_text("utf-8"))["tests"]
        for test in case["alert_rule_test"]
        if test.get("exp_alerts")
    ]
    assert rule["alert"] in fired


def test_the_rules_fire_for_what_they_are_about_and_for_nothing_else() -> None:
    """By Prometheus' own tool, over hours of made-up series."""
    promtool("check", "rules", RULES)
    promtool("test", "rules", TESTS)


def test_the_queries_of_the_dashboard_are_good_ones(tmp_path: Path) -> None:
    """By Prometheus' own tool, as rules."""
    recorded = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries())
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}), "utf-8")
    promtool("check", "rules", file)


@asynccontextmanager
async def _prometheus(folder: Path, scraped: str) -> AsyncIterator[httpx.AsyncClient]:
    """Debian's Prometheus with the alerts as they are, but for their patience."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed: Debian's package prometheus")
    (folder / "rules.yaml").write_text(re.sub(r"for: \w+", "for: 0s", RULES.read_text("utf-8")), "utf-8")
    configuration = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "reconciler", "static_configs": [{"targets": [scraped]}]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration), "utf-8")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        *(program, f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"),
        *(f"--web.listen-address={address}", "--log.level=error"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, verify=NO_TLS) as client:
            yield client
    finally:
        process.kill()
        await process.wait()


async def _firing(client: httpx.AsyncClient) -> set[str] | None:
    """The names of the alerts that fire; None while Prometheus does not answer, or has scraped nothing."""
    try:
        up = (await client.get("/api/v1/query", params={"query": 'up{job="reconciler"}'})).json()
        alerts = (await client.get("/api/v1/alerts")).json()["data"]["alerts"]
    except (httpx.TransportError, ValueError):
        return None
    names = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
    return names if up["data"]["result"] else None


def test_a_loop_that_is_killed_is_an_alert(tmp_path: Path) -> None:
    """Scraped by a real Prometheus: none while it is well, and then that it is gone."""
    fleet = Fleet(tmp_path / "fleet")
    fleet.declare("mnist@1.0.0")
    fleet.configure(EMBEDDED + SELDOM)

    async def work() -> None:
        async with spawned(fleet) as loop:
            page = await loop.tells("page")
            await loop.tells("import status updated")
            async with _prometheus(tmp_path, page["health"].removeprefix("http://").rstrip("/")) as client:
                await _until(client, set())
                loop.send(signal.SIGKILL)
                await _until(client, {"ReconcilerGone"})

    asyncio.run(work())


async def _until(client: httpx.AsyncClient, expected: set[str]) -> None:
    firing: set[str] | None = None
    for _ in range(800):
        firing = await _firing(client)
        if firing == expected:
            return
        await asyncio.sleep(0.05)
    assert firing == expected
