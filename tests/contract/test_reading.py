"""The quick way through a document gives what the careful way gives, or leaves the document to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.contract import EDITIONS, edition
from reconciler.contract.json_text import open_texts
from reconciler.contract.rules import concerned
from tests.contract.documents import CONFIG, TEMPLATE, VENDOR_EXAMPLE, as_text, minimal, packages
from tests.contract.strategies import damaged, documents, unquoted


def _agree(name: str, document: dict[str, Any]) -> None:
    quick, careful = edition(name).accept(document), edition(name)._judged(document)
    if careful.request is None or "extra" in document:
        assert quick is None
    else:
        assert quick == careful
        assert as_text(quick.request) == as_text(careful.request)


@pytest.mark.parametrize("name", EDITIONS)
@given(st.data())
def test_every_good_document_is_accepted_and_gives_the_same_request(name: str, data: st.DataObject) -> None:
    """With and without quotes, the keys in the order in which they were written."""
    document = data.draw(documents(name))
    _agree(name, document)
    _agree(name, unquoted(document))


@pytest.mark.parametrize("name", EDITIONS)
@given(st.data())
def test_no_document_with_an_error_is_accepted(name: str, data: st.DataObject) -> None:
    """And warnings are the same."""
    document = data.draw(damaged(name))
    _agree(name, document)
    _agree(name, unquoted(document))


@pytest.mark.parametrize("name", EDITIONS)
@pytest.mark.parametrize(
    "changes",
    [
        {"initial_config": as_text(CONFIG)},
        {"initial_config": "{"},
        {"initial_config": "[]"},
        {"initial_config": "null"},
        {"model_metrics": as_text({"f1": 1, "recall": 1.5, "precision": 0, "accuracy": None})},
        {"apis": "[]"},
        {"apis": [{"url": "/", "more": {"a": [None]}}]},
        {"template": TEMPLATE, "model_type": "Template"},
        {"extra": None},
        {"extra": {}},
        {"colour": None},
        {"model_name": None},
        {"model_docs": [{"doc_name": "d", "doc_url": "https://x/y"}] * 4},
        {"dependencies": packages(package_version="", restraint="")},
        {"dependencies": packages(package_version=None)},
        {"description": "\ud800"},
        {"deployment_constraints": {"model_security": {"is_verify_app": True}}},
        {"deployment_constraints": {"model_security": {"is_verify_app": "true"}}},
        VENDOR_EXAMPLE,
    ],
)
def test_special_cases_are_judged_alike(name: str, changes: dict[str, Any]) -> None:
    """JSON texts, nulls, limits of lists, blank members."""
    _agree(name, minimal(**changes))


@pytest.mark.parametrize("name", EDITIONS)
@given(st.data())
def test_a_rule_is_passed_over_only_where_it_has_nothing_to_say(name: str, data: st.DataObject) -> None:
    """What a rule says of its fields is true."""
    written, _ = open_texts(data.draw(damaged(name)))
    heard = concerned(edition(name).rules, written)
    for rule in edition(name).rules:
        assert rule in heard or not [*rule.check(written)]
