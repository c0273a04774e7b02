"""One Chromium for all stories, and pages on which a complaint of the browser is a failure."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.engine.values import Verdict
from tests.program import Fleet
from tests.web.prepared import TARGETS, Prepared, models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NUMBER = 240
MANIFEST = """\
model_name: model-000000
model_version: 1.0.0
model_type: TensorFlow
runtime: python2.7
source_location: https://models.obs.myhwclouds.com/m
model_metrics: {f1: 0.5, recall: 0.6, precision: 0.4, accuracy: 0.6}
description: ten digits
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's own; Playwright brings the driver, whose event loop no other module's tests may meet."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium on PATH: `apt-get install chromium` to run the tests in a browser")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Prepared]:  # noqa: ARG001 - no site without a browser
    """Models of every verdict in two targets."""
    fleet = Fleet(tmp_path_factory.mktemp("browser") / "fleet")
    fleet.configure(TARGETS)
    fleet.repository.commit({"models.d/team-0/model-0.yaml": MANIFEST}, "Add model-000000")
    with Prepared(fleet.folder) as prepared:
        first, *rest = models(NUMBER, prepared.commit, well=8)
        prepared.save([first._replace(verdict=Verdict.DRIFTED), *rest])
        yield prepared
