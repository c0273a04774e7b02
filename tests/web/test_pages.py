"""The pages of a real state, repository and registry, over a socket."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.contract.model_key import ModelKey
from reconciler.daemon.cycle_job import Tick
from reconciler.engine.trust import Hold, HoldCode, held
from reconciler.engine.values import Event, EventKind, TargetFailure, Verdict
from reconciler.views.html import ENTRIES
from tests.program import Fleet
from tests.web.prepared import DIGEST, TARGETS, Prepared, models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.engine.values import ModelState

_NUMBER = 2000
_SECRET = "5ecret-of-the-model"  # noqa: S105 - a key that nobody uses
_MANIFEST = """\
model_name: model-000000
model_version: 1.0.0
model_type: TensorFlow
runtime: python2.7
source_location: https://models.obs.myhwclouds.com/m
model_metrics: {f1: 0.5, recall: 0.6, precision: 0.4, accuracy: 0.6}
description: %s
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Two commits of one model, and one whose manifest holds a key and cannot be used."""
    made = Fleet(tmp_path_factory.mktemp("pages") / "fleet")
    made.configure(TARGETS)
    made.repository.commit({"models.d/team-0/model-0.yaml": _MANIFEST % "digits"}, "Add model-000000")
    made.repository.commit({"models.d/team-0/model-0.yaml": _MANIFEST % "ten digits"}, "Say how many")
    broken = f"model_name: broken\nmodel_version: 1.0.0\nruntme: x\nmodel_key: {_SECRET}\n"
    made.repository.commit({"models.d/broken.yaml": broken}, "Break it")
    return made


@pytest.fixture(scope="module")
def site(fleet: Fleet) -> Iterator[Prepared]:
    """Two thousand models of every verdict."""
    with Prepared(fleet.folder, failures=(TargetFailure("prod", "target prod: no route"),)) as prepared:
        prepared.save(_items(prepared), prepared.failures)
        yield prepared


def _items(site: Prepared) -> list[ModelState]:
    first, *rest = models(_NUMBER, site.commit)
    return [first._replace(verdict=Verdict.DRIFTED), *rest]


def _text(site: Prepared, path: str, **query: str) -> str:
    """A page, once its models could be read: on a busy machine that takes longer than a page waits for it."""
    answer = site.client.get(path, params=query)
    for _ in range(1000):
        if "could not be read in time" not in answer.text:
            break
        time.sleep(0.05)
        answer = site.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text.partition("<main")[2]))


def test_every_model_is_on_one_page_and_can_be_searched(site: Prepared) -> None:
    """Real paging: the last page holds the last models, and a search cuts them all."""
    text = _text(site, "/")
    assert f"Models 1 to 50 of {_NUMBER}" in text
    assert text.index("needs you") < text.index("registered with other content")
    assert f"Models 1951 to {_NUMBER} of {_NUMBER}" in _text(site, "/", page="40")
    assert "Models 1 to 1 of 1" in _text(site, "/", q="0BE500000007-6786")
    assert "Models 1 to 50 of 1000" in _text(site, "/", target="prod")
    assert "Models 1 to 50 of 1000 , by target" in _text(site, "/", view="matrix").replace("1000,", "1000 ,")


def test_what_a_cycle_changes_is_shown_although_the_state_uses_numbers_of_rows_again(site: Prepared) -> None:
    """The last rows are removed and written anew under their numbers."""
    items = _items(site)
    assert "model-000999@" in _text(site, "/", q="model-000999").replace(" ", "")
    try:
        site.save([*items[:-2], *(item._replace(verdict=Verdict.MISSING) for item in items[-2:])])
        assert "2 missing" in _text(site, "/", q="model-000999")
        site.save(items[:-2])
        assert "No model matches" in _text(site, "/", q="model-000999")
    finally:
        site.save(items, site.failures)
    assert "Models 1 to 2 of 2" in _text(site, "/", q="model-000999")


def test_of_a_target_that_is_away_the_page_says_what_it_shows(site: Prepared) -> None:
    """What was known before this process is not passed off as new."""
    page = site.client.get("/").text
    assert "target prod: no route. What is known of it is from before this process." in re.sub(
        r"\s+", " ", page
    )
    assert re.search(r"<title>\d+ need you; 1 target not reconciled", page)


def test_a_model_is_shown_as_it_was_committed_and_is_registered(site: Prepared) -> None:
    """Manifest with line numbers, its commits joined with the journal, and the next free version."""
    target, pair = "staging", _items(site)[0].pair
    assert pair is not None
    at = site.world.engine.clock.now()
    requested = Event(
        at,
        EventKind.IMPORT_REQUESTED,
        target,
        pair,
        "cycle-1",
        commit=site.commit,
        path="models.d/team-0/model-0.yaml",
        request_id="req-17",
        actor="ada@build-7 (retry)",
    )
    site.world.ledger.append([requested, replace(requested, kind=EventKind.REJECTED, detail="quota")])
    text = _text(site, "/models/staging/model-000000/1.0.0")
    for expected in (
        "drifted registered with other content",
        "set model_version to 1.0.1 and commit",
        "1 model_name: model-000000 2 model_version: 1.0.0",
        "7 description: ten digits",
        "description ten digits not registered",
        "rejected · asked for by ada@build-7 (retry)",
        "request req-17 cycle cycle-1",
        "changed by",
        ": Say how many",
        ": Add model-000000",
        "The next free version is 1.0.1 .",
        "The same in other targets prod: in-sync",
    ):
        assert expected in text, text
    names = _text(site, "/models/staging/model-000000")
    assert "1.0.0 drifted" in names
    assert site.client.get("/models/staging/nobody").status_code == 404
    assert site.client.get("/models/nowhere/model-000000/1.0.0").status_code == 404
    assert site.client.get("/models/staging/a/b/c").status_code == 404


def test_a_long_timeline_has_pages_on_which_nothing_is_left_out_or_twice(site: Prepared) -> None:
    """Newest first, with links from one to the next; a page that is not there is the last one."""
    pair, number = ModelKey("model-000003", "1.3.0"), 2 * ENTRIES + 7
    at = site.world.engine.clock.now()
    site.world.ledger.append(
        [
            Event(
                at + timedelta(seconds=n), EventKind.UNKNOWN, "staging", pair, "cycle", request_id=f"req-{n}"
            )
            for n in range(number)
        ]
    )
    path, request_ids = "/models/staging/model-000003/1.3.0", list[str]()
    for page, shown in ((1, ENTRIES), (2, ENTRIES), (3, 7)):
        text = site.client.get(path, params={"page": page}).text
        page_ids = re.findall(r"request <code>(req-\d+)</code>", text)
        first = len(request_ids) + 1
        assert f"Entries {first} to {first + shown - 1} of {number}, newest first" in text
        assert ('rel="next" href="?page=' in text) is (page != 3)
        request_ids += page_ids
    assert request_ids == [f"req-{n}" for n in reversed(range(number))]
    assert "page 3 of 3" in _text(site, path, page="99")


def test_a_key_in_a_manifest_is_not_shown(site: Prepared) -> None:
    """Although the file cannot be used, and nobody knows what its fields are."""
    broken = _items(site)[0]._replace(
        verdict=Verdict.INVALID, model_name="broken", path="models.d/broken.yaml", diff=()
    )
    site.save([*_items(site), broken], site.failures)
    page = site.client.get("/models/staging/broken/1.0.0").text
    assert "model_key: ***" in page
    assert _SECRET not in page


def test_the_report_is_the_same_for_programs(site: Prepared) -> None:
    """With the models that are not in sync at least."""
    report = site.client.get("/api/report").json()
    assert report["digest"] == DIGEST
    assert sum(report["summary"].values()) >= _NUMBER


def test_a_page_that_came_too_late_hears_so_and_the_next_one_has_it(site: Prepared) -> None:
    """The token of a page is that of before anything was read: what changes meanwhile is another one."""
    page = site.client.get("/").text
    (token,) = re.findall(r'data-token="([^"]+)"', page)
    site.save(_items(site)[:-1], site.failures)
    with site.client.stream("GET", "/events") as answer:
        data_line = next(line for line in answer.iter_lines() if line.startswith("data:"))
    assert data_line.removeprefix("data: ") != token
    site.save(_items(site), site.failures)


def test_addresses_are_neither_shown_nor_found_where_they_are_not_to_be(tmp_path: Path) -> None:
    """On no page, and by no search."""
    hidden = Fleet(tmp_path / "hidden")
    hidden.configure(TARGETS.replace("[web]", "[web]\nshow_emails = false"))
    hidden.repository.commit({"models.d/team-0/model-0.yaml": _MANIFEST % "digits"}, "Add model-000000")
    with Prepared(hidden.folder) as prepared:
        who = "Ada <ada@example.org>"
        hold = Hold("f" * 40, "f" * 40, HoldCode.AUTHOR, "is signed by ada@example.org (SHA256:x)", who, who)
        prepared.save([*models(40, prepared.commit), held("staging", "models.d", hold)])
        vouched = Event(
            datetime.now(UTC),
            EventKind.IMPORT_REQUESTED,
            "staging",
            ModelKey("model-000000", "1.0.0"),
            "cycle",
            detail="verified: signed by ada@example.org (SHA256:x)",
        )
        prepared.world.ledger.append([vouched])
        prepared.live_status.on_tick(
            Tick("test", "error", 1.0, vouched.at, error="signed by ada@example.org")
        )
        for path in ("/", "/?view=matrix", "/models/staging/model-000000/1.0.0", "/api/report"):
            assert "example.org" not in prepared.client.get(path).text.replace("git.example", ""), path
        assert "No model matches" in prepared.client.get("/?q=example.org").text
        assert "No model matches" not in prepared.client.get("/?q=ada").text
        assert "is signed by  (SHA256:x)" in prepared.client.get("/").text
        assert "verified: signed by" in prepared.client.get("/models/staging/model-000000/1.0.0").text
