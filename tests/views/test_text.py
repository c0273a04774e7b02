from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import ModelState, Report, TargetFailure, Verdict
from reconciler.manifest.values import Reason
from reconciler.views import text
from reconciler.views.words import WORDS
from tests.views.samples import COMMIT, DIGEST, DRIFTED, item, report

if TYPE_CHECKING:
    from reconciler.views.text import Mode


def shown(report: Report, *, verbose: bool = False, mode: Mode = "plan") -> str:
    """The text without colour."""
    return text.report(report, colour=False, verbose=verbose, mode=mode)


def test_a_plan_lists_what_is_not_in_sync_and_counts_the_rest() -> None:
    """The whole output for a small plan."""
    cycle_report = report(
        item(Verdict.IMPORT), DRIFTED, *(item(Verdict.IN_SYNC, f"ok-{n}") for n in range(5))
    )
    assert shown(cycle_report) == (
        "  + import      mnist@1.0.0   models.d/mnist.yaml:1\n"
        "  ~ drifted     resnet@0.9.0  models.d/resnet.yaml:1  id id-7  published\n"
        "      registered with other content: declare version 0.9.1\n"
        "      description: 'a' in git, 'b' in the registry\n"
        "\n"
        "Plan: 1 to import, 5 in sync, 1 drifted.\n"
        f"Commit {COMMIT[:12]}, plan digest {DIGEST}\n"
        "Next: `reconciler apply` imports what is new; with `--expect-digest` and the digest above, exactly "
        "this plan or nothing.\n"
    )


def test_nothing_to_do_is_said_in_one_line() -> None:
    """A plan and a second apply of models that are all in sync."""
    cycle_report = report(*(item(Verdict.IN_SYNC, f"ok-{n}") for n in range(7)))
    for mode in ("plan", "apply"):
        assert shown(cycle_report, mode=mode).startswith("Nothing to do: 7 models in sync.\n")
    assert shown(report(item(Verdict.IN_SYNC))).startswith("Nothing to do: 1 model in sync.\n")


def test_unmanaged_models_are_counted_and_named_on_request() -> None:
    """They are somebody else's, may be very many, and give nothing to do."""
    other = ModelState(
        "local", Verdict.UNMANAGED, "other", "1.0.0", reasons=(Reason("x", "declared nowhere"),)
    )
    output = shown(report(item(Verdict.IN_SYNC), other))
    assert output.startswith("Nothing to do: 1 model in sync, 1 unmanaged.\n")
    assert "`reconciler adopt`" in output
    assert "? unmanaged   other@1.0.0\n      declared nowhere\n" in shown(report(other), verbose=True)
    quiet = text.report(report(other), colour=False, verbose=True, mode="status", unmanaged=False)
    assert "other@1.0.0" not in quiet


def test_an_apply_lists_what_it_imported_although_it_is_in_sync_by_now() -> None:
    """What was just done is worth a line."""
    cycle_report = report(item(Verdict.IN_SYNC, model_id="id-1"), item(Verdict.IN_SYNC, "old"))
    output = text.report(
        cycle_report,
        colour=False,
        verbose=False,
        mode="apply",
        imported=[("local", ModelKey("mnist", "1.0.0"))],
    )
    assert output.startswith("  = in-sync     mnist@1.0.0  imported  models.d/mnist.yaml:1  id id-1\n")
    assert "Applied: 1 imported; 2 in sync.\n" in output
    assert "old@" not in output


def test_verbose_lists_models_in_sync_with_commit_and_author() -> None:
    """Everything that is known of a model is one flag away."""
    cycle_report = report(item(Verdict.IN_SYNC, commit=COMMIT, author="Ada <ada@example.org>"))
    assert f"{COMMIT[:12]} Ada <ada@example.org>" in shown(cycle_report, verbose=True)


def test_several_targets_are_grouped_below_their_names() -> None:
    """One target needs no heading, two do."""
    cycle_report = report(item(Verdict.IMPORT), item(Verdict.IMPORT, target="prod"))
    assert shown(cycle_report).startswith("local\n  + import      mnist@1.0.0")
    assert "\n\nprod\n  + import" in shown(cycle_report)


def test_a_failed_target_and_notes_are_told_and_never_called_nothing_to_do() -> None:
    """A target that could not be asked is not in sync."""
    cycle_report = report(
        item(Verdict.IN_SYNC),
        failures=(TargetFailure("prod", "target prod: no route to host"),),
        notes=("uncommitted changes are not looked at",),
    )
    output = shown(cycle_report)
    assert "note: uncommitted changes are not looked at\n" in output
    assert "1 in sync; 1 target could not be reconciled." in output
    assert "Nothing to do" not in output


def test_a_reason_tells_its_place_only_where_that_says_more() -> None:
    """The item's own line is not repeated, a column or another file is told."""
    reasons = (
        Reason("a", "its own line", "models.d/mnist.yaml", 1),
        Reason("b", "a column", "models.d/mnist.yaml", 1, 4, "warning"),
        Reason("c", "another file", "models.d/z.yaml", 3),
    )
    output = shown(report(item(Verdict.CONFLICT, reasons=reasons)))
    assert "\n      its own line\n" in output
    assert "\n      models.d/mnist.yaml:1:4: warning: a column\n" in output
    assert "\n      models.d/z.yaml:3: another file\n" in output


def test_status_counts_even_when_nothing_is_to_do() -> None:
    """`status` answers what is, not what would be done."""
    assert shown(report(item(Verdict.IN_SYNC)), mode="status").startswith("Status: 1 in sync.\n")


def test_every_verdict_has_its_line_and_its_count() -> None:
    """Symbol, word and number for each of the eleven."""
    output = shown(report(*(item(verdict) for verdict in Verdict)), verbose=True)
    for verdict in Verdict:
        assert re.search(rf"^  {re.escape(WORDS[verdict].symbol)} {verdict} ", output, re.MULTILINE), verdict
        assert f"1 {WORDS[verdict].counted}" in output


def test_wide_names_keep_the_columns_straight() -> None:
    """A Chinese name takes two cells a character."""
    output = shown(report(item(Verdict.IMPORT, "中文"), item(Verdict.IMPORT, "abcd")))
    assert "中文@1.0.0  models.d" in output
    assert "abcd@1.0.0  models.d" in output


def test_colour_changes_nothing_but_the_colour() -> None:
    """Without its escape sequences the coloured text is the plain one."""
    cycle_report = report(DRIFTED, DRIFTED._replace(target="prod"))
    painted = text.report(cycle_report, colour=True, verbose=True)
    assert "\x1b[33m" in painted
    assert re.sub(r"\x1b\[\d+m", "", painted) == shown(cycle_report, verbose=True)
