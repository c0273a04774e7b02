from __future__ import annotations

from reconciler.engine.values import Verdict
from reconciler.views import matrix
from tests.views.samples import item, report

FOUND = report(
    item(Verdict.IN_SYNC, version="1.10.0", target="prod"),
    item(Verdict.IN_SYNC, version="1.9.0", target="staging"),
    item(Verdict.FAILED, version="1.10.0", target="staging"),
    item(Verdict.INVALID, "a\x1b", target="prod"),
)


def test_models_by_target_are_lines_and_columns() -> None:
    """By name and version, whichever target knows it; nothing acts on the terminal."""
    assert matrix.text(FOUND, ["staging", "prod"], colour=False).splitlines() == [
        "              staging     prod",
        r"a\x1b@1.0.0   -           invalid",
        "mnist@1.9.0   in-sync     -",
        "mnist@1.10.0  failed      in-sync",
    ]


def test_models_by_target_are_the_same_for_programs() -> None:
    """None where a target does not know the model."""
    assert matrix.as_json(FOUND, ["staging", "prod"])[1] == {
        "model_name": "mnist",
        "model_version": "1.9.0",
        "verdicts": {"staging": "in-sync", "prod": None},
    }
