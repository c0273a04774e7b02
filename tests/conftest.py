"""What holds for the whole suite: property tests judge results, never the machine's speed."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from reconciler import redaction
from reconciler.log import silence

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("torture", settings.get_profile("suite"), max_examples=3000, stateful_step_count=60)
settings.load_profile("suite")
silence()  # before any test captures lines, and then has the library as it was


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one a core, and at least as many as keep two cores busy while most tests wait."""
    return max(6, os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def _a_process_of_its_own() -> None:
    """Each test stands for a process: it knows no secret of the tests before it."""
    redaction._read.clear()
