"""A sample of `python -m tests.torture.outages`, and the end of the program while something hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.postgres import programs
from tests.torture.outages import OUTAGES, Outage, play
from tests.torture.site import Site

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

_SAMPLE = {
    ("state (file)", "folder deleted"),
    ("state (PostgreSQL)", "sessions terminated"),
    ("state (PostgreSQL)", "emptied"),
    ("registry a", "swallowed"),
}


@pytest.mark.parametrize(
    "outage", [o for o in OUTAGES if (o.what, o.way) in _SAMPLE], ids=lambda o: f"{o.what} {o.way}"
)
def test_what_is_taken_away_and_given_back_leaves_no_duplicate_and_a_loop_that_works(
    outage: Outage, tmp_path: Path
) -> None:
    """New commits are imported again, the other target all the while, and the process ends in order."""
    if outage.postgres and programs() is None:
        pytest.skip("PostgreSQL is not installed")
    result = play(outage, tmp_path)
    assert result.well, result


def test_with_a_state_that_says_nothing_the_probes_answer_and_a_signal_ends_it(tmp_path: Path) -> None:
    """Exit code 3: ended in the middle of a statement that nobody answers."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with Site(tmp_path, postgres=True) as site:
        site.lines["state"].way = "swallow"
        site.until(lambda: site.probe().ready == 503, "not ready")
        assert site.probe().healthy == 200
        code, _ = site.end()
        assert code == 3, site.said()
        assert "the grace is over: ended in the middle of a call" in site.said()
