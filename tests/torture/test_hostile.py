"""The table of measured attacks: what it shows, and when it does not hold."""

from __future__ import annotations

import pytest

from tests.torture.hostile.measured import MOST_MEMORY, MOST_SECONDS, Measured, table


def test_a_row_shows_what_an_attack_cost() -> None:
    """Bytes sent and taken, their share, and the slowest answer; nothing is divided by nothing."""
    rows = [Measured("much", "run", 2_000_000, 500_000, 0.5), Measured("nothing", "run", 0, 900, 0.1, False)]
    assert table(rows).splitlines()[2:] == [
        "| much | run | 2.0 MB | 0.5 MB | 0.25 | 0.50 s |",
        "| nothing | run | 0.0 KB | 0.9 KB | – | none |",
    ]


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (Measured("a", "run", 1, MOST_MEMORY, MOST_SECONDS), True),
        (Measured("a", "run", 1, MOST_MEMORY + 1, 0), False),
        (Measured("a", "run", 1, 0, MOST_SECONDS + 1), False),
        (Measured("a", "run", 1, 0, 0, answered=False), False),
    ],
)
def test_an_attack_that_takes_too_much_fails_the_run(row: Measured, holds: bool) -> None:
    """Memory, time, and a health answer that did not come."""
    assert row.holds is holds
