"""The quick way through a document reads what pydantic reads by the same annotations, or leaves it alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from reconciler.contract import EDITIONS, edition
from reconciler.contract.json_values import open_texts
from reconciler.contract.models import model_of, problems_in
from reconciler.contract.request import Package
from reconciler.contract.rules import concerned
from reconciler.contract.structs import reader_of
from tests.contract.documents import CONFIG, TEMPLATE, VENDOR_EXAMPLE, as_text, minimal, packages, param
from tests.contract.strategies import HALF, as_texts, damaged, documents, unquoted

_AS_TEXT = ": must be text that holds a JSON object"
"""What only a server says."""


def _agree(name: str, document: dict[str, Any]) -> None:
    judging = edition(name)
    quick, parsed = judging.accept(document), judging.parse(document)
    own = {key: value for key, value in document.items() if key != "extra"}
    written, opening = open_texts(own)
    problems = (*opening, *problems_in(judging.struct, written), *judging._ruled(written))
    judged = [problem.message for problem in judging.judge(own, strict=True)]
    assert [why for why in judged if _AS_TEXT not in why] == [problem.message for problem in problems]
    if any(problem.severity == "error" for problem in problems):
        assert quick is None
        assert (parsed.request, parsed.problems[: len(problems)]) == (None, problems)
        return
    assert quick == (None if "extra" in document else parsed)
    assert parsed.problems[: len(problems)] == problems
    read = reader_of(judging.struct)(written)
    careful = _read(model_of(judging.struct).model_validate(dict(written)), written)
    assert read == careful
    assert as_text(read) == as_text(careful)


def _read(value: object, written: object) -> object:
    """What pydantic made of a value, with the keys and the order of what was written."""
    if isinstance(value, BaseModel) and isinstance(written, dict):
        values = {**value.__dict__, **(value.__pydantic_extra__ or {})}
        return {
            str(key): _read(values[key], below)
            for key, below in written.items()
            if values[key] is not None and (values[key] != "" or key not in Package.blank_is_absent)
        }
    if isinstance(value, list) and isinstance(written, list):
        return [_read(inner, below) for inner, below in zip(value, written, strict=True)]
    return value


@pytest.mark.parametrize("name", EDITIONS)
@given(st.data())
def test_every_good_document_is_accepted_and_gives_the_same_request(name: str, data: st.DataObject) -> None:
    """With and without quotes, the keys in the order in which they were written."""
    document = data.draw(documents(name))
    for written in (document, unquoted(document), as_texts(document)):
        _agree(name, written)


@pytest.mark.parametrize("name", EDITIONS)
@given(st.data())
def test_no_document_with_an_error_is_accepted(name: str, data: st.DataObject) -> None:
    """And warnings are the same; also where a key or a value is none that JSON in UTF-8 can carry."""
    document = data.draw(damaged(name, writable=False))
    for written in (document, unquoted(document), as_texts(document)):
        _agree(name, written)


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
        {"description": HALF},
        {HALF: None},
        *(
            {key: as_text({HALF: value})}
            for key in ("initial_config", "model_metrics")
            for value in (1, None)
        ),
        {"apis": as_text([{HALF: 1}])},
        {"initial_config": as_text({"health": {HALF: 1}, "apis": [{"request": {"data": {HALF: 1}}}]})},
        {"input_params": param(min=10**310)},
        {"initial_config": as_text({"port": 10**310, "metrics": {"f1": -(10**310)}})},
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
    written, _ = open_texts(data.draw(damaged(name, writable=False)))
    concerned_rules = concerned(edition(name).rules, written)
    for rule in edition(name).rules:
        assert rule in concerned_rules or not [*rule.check(written)]
