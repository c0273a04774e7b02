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


def shown(found: Report, *, verbose: bool = False, mode: Mode = "plan") -> str:
    """The text without colour."""
    return text.report(found, colour=False, verbose=verbose, mode=mode)


def test_a_plan_lists_what_is_not_in_sync_and_counts_the_rest() -> None:
    """The whole output for a small plan."""
    found = report(item(Verdict.IMPORT), DRIFTED, *(item(Verdict.IN_SYNC, f"ok-{n}") for n in range(5)))
    assert shown(found) == (
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
    found = report(*(item(Verdict.IN_SYNC, f"ok-{n}") for n in range(7)))
    for mode in ("plan", "apply"):
        assert shown(found, mode=mode).startswith("Nothing to do: 7 models in sync.\n")
    assert shown(report(item(Verdict.IN_SYNC))).startswith("Nothing to do: 1 model in sync.\n")


def test_unmanaged_models_are_counted_and_named_on_request() -> None:
    """They are somebody else's, may be very many, and give nothing to do."""
    other = ModelState(
        "local", Verdict.UNMANAGED, "other", "1.0.0", reasons=(Reason("x", "declared nowhere"),)
    )
    told = shown(report(item(Verdict.IN_SYNC), other))
    assert told.startswith("Nothing to do: 1 model in sync, 1 unmanaged.\n")
    assert "`reconciler adopt`" in told
    assert "? unmanaged   other@1.0.0\n      declared nowhere\n" in shown(report(other), verbose=True)
    quiet = text.report(report(other), colour=False, verbose=True, mode="status", unmanaged=False)
    assert "other@1.0.0" not in quiet


def test_an_apply_lists_what_it_imported_although_it_is_in_sync_by_now() -> None:
    """What was just done is worth a line."""
    found = report(item(Verdict.IN_SYNC, model_id="id-1"), item(Verdict.IN_SYNC, "old"))
    told = text.report(
        found,
        colour=False,
        verbose=False,
        mode="apply",
        imported=[("local", ModelKey("mnist", "1.0.0"))],
    )
    assert told.startswith("  = in-sync     mnist@1.0.0  imported  models.d/mnist.yaml:1  id id-1\n")
    assert "Applied: 1 imported; 2 in sync.\n" in told
    assert "old@" not in told


def test_verbose_lists_models_in_sync_with_commit_and_author() -> None:
    """Everything that is known of a model is one flag away."""
    found = report(item(Verdict.IN_SYNC, commit=COMMIT, author="Ada <ada@example.org>"))
    assert f"{COMMIT[:12]} Ada <ada@example.org>" in shown(found, verbose=True)


def test_several_targets_are_grouped_below_their_names() -> None:
    """One target needs no heading, two do."""
    found = report(item(Verdict.IMPORT), item(Verdict.IMPORT, target="prod"))
    assert shown(found).startswith("local\n  + import      mnist@1.0.0")
    assert "\n\nprod\n  + import" in shown(found)


def test_a_failed_target_and_notes_are_told_and_never_called_nothing_to_do() -> None:
    """A target that could not be asked is not in sync."""
    found = report(
        item(Verdict.IN_SYNC),
        failures=(TargetFailure("prod", "target prod: no route to host"),),
        notes=("uncommitted changes are not looked at",),
    )
    told = shown(found)
    assert "note: uncommitted changes are not looked at\n" in told
    assert "1 in sync; 1 target could not be reconciled." in told
    assert "Nothing to do" not in told


def test_a_reason_tells_its_place_only_where_that_says_more() -> None:
    """The item's own line is not repeated, a column or another file is told."""
    reasons = (
        Reason("a", "its own line", "models.d/mnist.yaml", 1),
        Reason("b", "a column", "models.d/mnist.yaml", 1, 4, "warning"),
        Reason("c", "another file", "models.d/z.yaml", 3),
    )
    told = shown(report(item(Verdict.CONFLICT, reasons=reasons)))
    assert "\n      its own line\n" in told
    assert "\n      models.d/mnist.yaml:1:4: warning: a column\n" in told
    assert "\n      models.d/z.yaml:3: another file\n" in told


def test_status_counts_even_when_nothing_is_to_do() -> None:
    """`status` answers what is, not what would be done."""
    assert shown(report(item(Verdict.IN_SYNC)), mode="status").startswith("Status: 1 in sync.\n")


def test_every_verdict_has_its_line_and_its_count() -> None:
    """Symbol, word and number for each of the eleven."""
    told = shown(report(*(item(verdict) for verdict in Verdict)), verbose=True)
    for verdict in Verdict:
        assert re.search(rf"^  {re.escape(WORDS[verdict].symbol)} {verdict} ", told, re.MULTILINE), verdict
        assert f"1 {WORDS[verdict].counted}" in told


def test_wide_names_keep_the_columns_straight() -> None:
    """A Chinese name takes two cells a character."""
    told = shown(report(item(Verdict.IMPORT, "中文"), item(Verdict.IMPORT, "abcd")))
    assert "中文@1.0.0  models.d" in told
    assert "abcd@1.0.0  models.d" in told


def test_colour_changes_nothing_but_the_colour() -> None:
    """Without its escape sequences the coloured text is the plain one."""
    found = report(DRIFTED, DRIFTED._replace(target="prod"))
    painted = text.report(found, colour=True, verbose=True)
    assert "\x1b[33m" in painted
    assert re.sub(r"\x1b\[\d+m", "", painted) == shown(found, verbose=True)
