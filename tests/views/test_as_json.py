from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.engine.values import ModelState, Report, Verdict
from reconciler.views import as_json
from tests.views.samples import COMMIT, DIGEST, DRIFTED, REPORTS, printed, report

ITEM_KEYS = [
    *(
        "target",
        "model_name",
        "model_version",
        "verdict",
        "since",
        "path",
        "line",
        "commit",
        "author",
        "model_id",
    ),
    *("model_status", "next_attempt_at", "reasons", "diff"),
]


def test_a_report_is_the_promised_object() -> None:
    """Every key of DESIGN section 6, and no other."""
    assert json.loads(printed(report(DRIFTED))) == {
        "version": 1,
        "commit": COMMIT,
        "digest": DIGEST,
        "summary": {verdict.value: int(verdict is Verdict.DRIFTED) for verdict in Verdict},
        "failures": [],
        "notes": [],
        "items": [
            {
                "target": "local",
                "model_name": "resnet",
                "model_version": "0.9.0",
                "verdict": "drifted",
                "since": "2026-11-23T12:00:00+00:00",
                "path": "models.d/resnet.yaml",
                "line": 1,
                "commit": COMMIT,
                "author": "Ada <ada@example.org>",
                "model_id": "id-7",
                "model_status": "published",
                "next_attempt_at": None,
                "reasons": [
                    {
                        "code": "drifted",
                        "message": "registered with other content: declare version 0.9.1",
                        "path": "models.d/resnet.yaml",
                        "line": 1,
                        "column": None,
                    }
                ],
                "diff": [{"field": "description", "declared": "a", "registered": "b"}],
            }
        ],
    }


def test_what_is_unknown_is_null_and_never_left_out() -> None:
    """An item of which only the verdict is known still has all its keys."""
    (entry,) = json.loads(printed(report(ModelState("local", Verdict.INVALID))))["items"]
    assert list(entry) == ITEM_KEYS
    assert entry["model_name"] is entry["line"] is entry["commit"] is None
    assert entry["reasons"] == entry["diff"] == []


@given(REPORTS)
def test_every_report_survives_json_and_counts_every_item_once(report: Report) -> None:
    """What is printed reads back, and the summary adds up."""
    document = json.loads(printed(report))
    assert document["items"] == [as_json.report_item(item) for item in report.items]
    assert list(document["summary"]) == list(Verdict)
    assert sum(document["summary"].values()) == len(document["items"])


@given(REPORTS)
def test_a_report_that_is_printed_in_pieces_is_the_report(report: Report) -> None:
    """To the last blank and line break; a page of it, too."""
    whole = printed(report)
    assert as_json.dumps(json.loads(whole)) + "\n" == whole
    assert "".join(as_json.page_pieces(report, 1)) == whole


_VISIBLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _VISIBLE | st.just("中文")


@given(st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_VISIBLE, inner)))
def test_json_is_laid_out_as_the_library_lays_it_out(value: object) -> None:
    """With an indentation of two, whatever is inside what."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    assume("##" not in text)  # which a runner of pipelines must not see
    assert as_json.dumps(value) == text


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250])
def test_a_list_that_is_printed_in_pieces_is_the_list(number: int) -> None:
    """To the last blank and line break."""
    values = [{"a": place, "b": ["\u202e", {"c": None}]} for place in range(number)]
    objects = (as_json.dumps(value).replace("\n", "\n  ") for value in values)
    assert "".join(as_json.list_pieces(objects)) == as_json.dumps(values) + "\n"
