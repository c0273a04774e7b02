from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families

from reconciler.engine.values import EventKind, TargetFailure, Verdict
from reconciler.views.metrics import CONTENT_TYPE, Metrics
from tests.views.samples import NOON, event, item, report


def scraped(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """What a scrape reads: name and label values, by label name, to value."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def test_models_are_counted_by_target_and_verdict_with_zeros() -> None:
    """A verdict that nobody has is 0, so that an alert can name it."""
    metrics = Metrics("0.1.0")
    metrics.observe_report(report(item(Verdict.FAILED), item(Verdict.IN_SYNC, "b")))
    samples = scraped(metrics)
    assert samples["reconciler_models", "local", "failed"] == 1
    assert samples["reconciler_models", "local", "drifted"] == 0
    assert sum(key[0] == "reconciler_models" for key in samples) == len(Verdict)


def test_a_target_whose_models_are_all_gone_is_counted_as_zero() -> None:
    """Old numbers do not stay."""
    metrics = Metrics("0.1.0")
    metrics.observe_report(report(item(Verdict.FAILED)))
    metrics.observe_report(report())
    assert scraped(metrics)["reconciler_models", "local", "failed"] == 0


def test_a_target_that_could_not_be_reconciled_is_down_and_keeps_its_numbers() -> None:
    """An outage of the registry does not look as if all models had gone."""
    metrics = Metrics("0.1.0")
    metrics.observe_report(report(item(Verdict.IN_SYNC)))
    assert scraped(metrics)["reconciler_target_up", "local"] == 1
    metrics.observe_report(report(failures=(TargetFailure("local", "no route"),)))
    samples = scraped(metrics)
    assert samples["reconciler_target_up", "local"] == 0
    assert samples["reconciler_models", "local", "in-sync"] == 1


def test_ticks_are_counted_by_result_and_only_an_error_leaves_the_last_success() -> None:
    """A tick with nothing to do is a success too."""
    metrics = Metrics("0.1.0")
    assert scraped(metrics)["reconciler_ticks_total", "error"] == 0
    metrics.observe_tick("noop", 0.001, NOON)
    metrics.observe_tick("error", 2.0, NOON.replace(hour=13))
    samples = scraped(metrics)
    assert samples["reconciler_ticks_total", "noop"] == samples["reconciler_ticks_total", "error"] == 1
    assert samples["reconciler_last_success_timestamp_seconds",] == NOON.timestamp()
    assert samples["reconciler_last_tick_timestamp_seconds",] == NOON.timestamp() + 3600
    assert samples["reconciler_tick_duration_seconds_count",] == 2


def test_imports_are_counted_by_what_became_of_them() -> None:
    """The journal's words; what is not the outcome of an import is not counted."""
    metrics = Metrics("0.1.0")
    metrics.observe_events([event(EventKind.IMPORTED, 0), event(EventKind.IMPORTED, 1)])
    metrics.observe_events([event(EventKind.UNKNOWN, 2), event(EventKind.MISSING, 3)])
    samples = {key: value for key, value in scraped(metrics).items() if key[0] == "reconciler_imports_total"}
    assert samples == {
        ("reconciler_imports_total", "imported", "local"): 2,
        ("reconciler_imports_total", "outcome-unknown", "local"): 1,
    }


def test_calls_to_a_registry_are_counted_and_timed() -> None:
    """A call without an answer has the status `none`."""
    metrics = Metrics("0.1.0")
    metrics.observe_request("prod", "POST", 200, 0.2)
    metrics.observe_request("prod", "POST", None, 30.0)
    samples = scraped(metrics)
    assert samples["reconciler_registry_requests_total", "POST", "200", "prod"] == 1
    assert samples["reconciler_registry_requests_total", "POST", "none", "prod"] == 1
    assert samples["reconciler_registry_request_seconds_sum", "POST", "prod"] == 30.2


def test_two_sets_of_metrics_share_nothing() -> None:
    """Several daemons in one process, as in tests, do not disturb each other."""
    one, other = Metrics("0.1.0"), Metrics("0.2.0")
    one.observe_tick("success", 1.0, NOON)
    assert scraped(other)["reconciler_ticks_total", "success"] == 0
    assert ("reconciler_build_info", "0.2.0") in scraped(other)


def test_the_content_type_is_the_one_of_the_format() -> None:
    """It is written down so that it can be known before the library is loaded."""
    assert CONTENT_TYPE == CONTENT_TYPE_LATEST


def test_every_series_of_a_target_exists_from_the_start() -> None:
    """An alert can name it before anything has happened; what never was has the time 0."""
    samples = scraped(Metrics("0.1.0", ["prod"]))
    for name in ("reconciler_target_up", "reconciler_registry_last_success_timestamp_seconds"):
        assert samples[name, "prod"] == 0
    for name in (
        "reconciler_state_up",
        "reconciler_state_replaced_total",
        "reconciler_git_last_success_timestamp_seconds",
        "reconciler_oldest_unfinished_import_seconds",
        "reconciler_missed_ticks_total",
    ):
        assert samples[name,] == 0
    assert samples["reconciler_models", "prod", "failed"] == 0
    assert samples["reconciler_imports_total", "imported", "prod"] == 0
    assert samples["reconciler_commit_to_import_seconds_count", "prod"] == 0
    assert samples["reconciler_registry_requests_total", "POST", "200", "prod"] == 0
    assert samples["reconciler_registry_request_seconds_count", "GET", "prod"] == 0


def test_messages_are_counted_by_sink_with_zeros() -> None:
    """What was taken, what failed, what waits, and for how long."""
    metrics = Metrics("0.1.0", sinks=["oncall", "hook"])
    names = ("sent_total", "failed_total", "pending", "oldest_pending_seconds")
    samples = scraped(metrics)
    assert [samples[f"reconciler_notify_{name}", sink] for name in names for sink in ("oncall", "hook")] == [
        0
    ] * 8
    metrics.observe_message("oncall", taken=True)
    metrics.observe_message("oncall", taken=False)
    metrics.observe_backlog("oncall", 3, 60.0)
    samples = scraped(metrics)
    assert [samples[f"reconciler_notify_{name}", "oncall"] for name in names] == [1, 1, 3, 60]


def test_a_target_goes_down_with_git_or_the_state_and_comes_up_with_the_next_report() -> None:
    """A tick without a report reconciled nothing."""
    metrics = Metrics("0.1.0", ["prod"])
    metrics.observe_report(report(item(Verdict.IN_SYNC)))
    assert scraped(metrics)["reconciler_target_up", "local"] == 1
    metrics.observe_outage()
    assert scraped(metrics)["reconciler_target_up", "local"] == 0
    metrics.observe_report(report(item(Verdict.IN_SYNC)))
    assert scraped(metrics)["reconciler_target_up", "local"] == 1


def test_when_a_registry_last_answered_is_told_and_a_refusal_is_no_answer() -> None:
    """Nor is an error of its own."""
    metrics = Metrics("0.1.0", ["prod"])
    for status in (401, 503, None):
        metrics.observe_request("prod", "GET", status, 0.1)
    assert scraped(metrics)["reconciler_registry_last_success_timestamp_seconds", "prod"] == 0
    metrics.observe_request("prod", "GET", 200, 0.1)
    assert scraped(metrics)["reconciler_registry_last_success_timestamp_seconds", "prod"] > 0
