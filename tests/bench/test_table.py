"""The tables, from results made up."""

from __future__ import annotations

from markdown_it import MarkdownIt

from bench.__main__ import sizes
from bench.measure import Sample
from bench.rows import ROWS, Counts, Limit, Results
from bench.table import machine, page, ratio, seconds, spread, verdict


def _results(models: int) -> Results:
    results = Results(models, counts={"noop": Counts(3, 1, 0), "naive": Counts(2, 2000)})
    for row in ROWS:
        results.program[row.key] = Sample((models / 1e6, models / 1e5, models / 1e4), 64.4, 0.25)
    results.program["import"] = Sample((2.0,), 70.0, rate=500)
    results.naive["noop"] = Sample((models / 1e3,), 500.0)
    return results


def test_every_row_stands_in_every_table_that_is_about_rows() -> None:
    """Also those that were measured at one side only."""
    text = page([_results(200), _results(2000)], machine())
    assert all(text.count(f"| {row.title} |") >= 2 for row in ROWS)
    assert "| naive script, any tick | 2 | 2,000 | - |" in text
    assert "10 times the models" in text


def test_the_tables_are_markdown_tables() -> None:
    """Each line of a table has as many cells as its head."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page([_results(2000)], machine()))
    assert sum(token.type == "table_open" for token in tokens) == 4
    assert (
        page([_results(2000)], machine()).count("\n|") == sum(token.type == "tr_open" for token in tokens) + 4
    )


def test_durations_show_the_digits_that_mean_something() -> None:
    """A tenth of a millisecond, a millisecond, three digits of a second."""
    assert [seconds(value) for value in (0.00042, 0.0213, 0.84, 1.234, 190.4)] == [
        "0.4 ms",
        "21 ms",
        "840 ms",
        "1.23 s",
        "190 s",
    ]


def test_what_was_not_measured_is_a_dash() -> None:
    """It is never a zero."""
    assert spread(None) == ratio(None, Sample((1.0,))) == "-"
    assert ratio(Sample((9.0,)), Sample((2.0,))) == "4.5x"


def test_the_sizes_grow_by_tens_from_a_thousand() -> None:
    """The growth of a hundred thousand is shown from a thousand on; below that all are judged together."""
    assert sizes(300) == [300]
    assert sizes(2000) == [1000, 2000]
    assert sizes(100_000) == [1000, 10_000, 100_000]


def test_a_limit_is_told_with_whether_it_was_kept_to() -> None:
    """By the median, and by memory where the limit speaks of it; a rate is kept to by being reached."""
    limit = Limit(0.4, 80)
    assert verdict(limit, Sample((0.1, 0.3, 0.9), 79.9)) == "400 ms, 80 MiB: yes"
    assert (
        verdict(limit, Sample((0.5,), 20.0)) == verdict(limit, Sample((0.1,), 81.0)) == "400 ms, 80 MiB: no"
    )
    assert verdict(Limit(rate=250), Sample((4.0,), rate=1000)) == "250/s: yes"
    assert verdict(Limit(rate=250), Sample((4.1,), rate=1000)) == "250/s: no"
    assert verdict(limit, None) == "400 ms, 80 MiB"
    assert verdict(None, Sample((1.0,))) == "-"
