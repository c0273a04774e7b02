"""The JSON Schema of a manifest, as an editor would use it."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.contract import EDITIONS, edition
from reconciler.contract.json_values import JSON_TEXTS
from tests.contract.documents import CONFIG, TEMPLATE, VENDOR_EXAMPLE, minimal, param
from tests.contract.strategies import damaged, documents, unquoted
from tests.effort import examples

QUICK = settings(deadline=None, max_examples=examples(120), suppress_health_check=list(HealthCheck))


@cache
def validator(name: str) -> Draft202012Validator:
    """The schema's validator."""
    return Draft202012Validator(edition(name).json_schema())


def accepted(name: str, document: dict[str, Any]) -> bool:
    """Whether `parse` finds no error."""
    return edition(name).parse(unquoted(document)).request is not None


def beyond_schema(document: dict[str, Any]) -> bool:
    """Whether a document has something that JSON Schema cannot judge: text that should hold JSON."""
    return any(isinstance(document.get(field), str) for field in JSON_TEXTS)


@pytest.mark.parametrize("name", EDITIONS)
def test_the_schema_is_a_schema(name: str) -> None:
    """It is valid by the metaschema of 2020-12, and every field has a description."""
    schema = edition(name).json_schema()
    Draft202012Validator.check_schema(schema)
    assert [key for key, field in schema["properties"].items() if "description" not in field] == []


@pytest.mark.parametrize("name", EDITIONS)
@QUICK
@given(data=st.data())
def test_a_valid_document_is_valid_to_the_editor_too(name: str, data: st.DataObject) -> None:
    """Generated valid documents pass both."""
    document = data.draw(documents(name))
    assert accepted(name, document)
    validator(name).validate(document)


@pytest.mark.parametrize("name", EDITIONS)
@QUICK
@given(data=st.data())
def test_schema_and_parse_agree_on_damaged_documents(name: str, data: st.DataObject) -> None:
    """What one accepts, the other accepts; only the content of JSON texts is parse's alone."""
    document = data.draw(damaged(name))
    parses, validates = accepted(name, document), validator(name).is_valid(document)
    assert parses <= validates
    assert validates <= (parses or beyond_schema(document))


NUMBERS = [0, -1, 1, 1.5, True, 2**31 - 1, 2**31, 1e308, 10**308, 10**309, -(10**309)]
COUNTS = ["0", "00", "1", "010", "2147483647", "-1", "1.5", "12345678901", ""]


@pytest.mark.parametrize("name", EDITIONS)
@pytest.mark.parametrize(
    ("config", "holder", "key"),
    [
        (False, ("input_params", 0), "min"),
        (False, ("model_metrics",), "f1"),
        (True, ("metrics",), "recall"),
        *((True, ("health",), f"{part}_seconds") for part in ("initial_delay", "timeout", "period")),
        (True, ("health",), "failure_threshold"),
    ],
)
def test_the_editor_sees_the_limits_of_numbers(
    name: str, config: bool, holder: tuple[str | int, ...], key: str
) -> None:
    """Of each number that the contract judges: what `parse` refuses is refused, and nothing else."""
    for number in (*NUMBERS, *(COUNTS if holder == ("health",) else ())):
        document = minimal(input_params=param(), model_metrics={}, initial_config=copy.deepcopy(CONFIG))
        inner: Any = document["initial_config"] if config else document
        inner |= {"metrics": {}, "health": {"url": "/"}} if config else {}
        for step in holder:
            inner = inner[step]
        inner[key] = number
        assert validator(name).is_valid(document) == accepted(name, document), number


def test_the_vendors_example_is_valid_to_the_editor() -> None:
    """Field for field."""
    validator("seed-2019").validate(VENDOR_EXAMPLE)


@pytest.mark.parametrize(
    "document",
    [
        minimal(source_location=...),
        minimal(model_type="Template"),
        minimal(model_type="Template", template=None),
        minimal(
            dependencies=[{"installer": "pip", "packages": [{"package_name": "x", "package_version": 1.5}]}]
        ),
        minimal(model_type="Image", initial_config={"dependencies": [{"installer": "pip", "packages": []}]}),
        minimal(initial_config={"swr_location": "x"}),
        minimal(initial_config={}, initial_config_file="config.json"),
        minimal(extra={"model_name": "x"}),
        minimal(model_version="1.0.0\n"),
    ],
    ids=str,
)
def test_the_editor_sees_rules_that_span_fields(document: dict[str, Any]) -> None:
    """Conditions are if/then in the schema."""
    assert not validator("current").is_valid(document)


def test_the_editor_accepts_local_keys_and_unquoted_text() -> None:
    """`metadata`, `initial_config_file`, `extra`, null, and digits where text is meant."""
    document = minimal(
        metadata={"owner": "vision", "labels": {"tier": 1}},
        initial_config_file="config.json",
        extra={"prebuild": True},
        source_job_id=55,
        description=None,
        template=TEMPLATE,
    )
    validator("current").validate(document)
