"""Judging an HTTP body as a server of an edition does."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.contract import EDITIONS, edition
from tests.contract.documents import VENDOR_EXAMPLE, minimal

SEED = edition("seed-2019")


def codes(body: Any, *, strict: bool = False) -> set[tuple[str, Any]]:
    """Code and place of each error."""
    return {(p.code, p.loc) for p in SEED.judge(body, strict=strict) if p.severity == "error"}


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_a_body_that_is_no_object_is_one_problem(body: object) -> None:
    """Whatever JSON it is."""
    assert codes(body) == {("invalid-type", ())}


def test_the_vendors_example_passes_and_a_strict_server_names_what_the_tables_forbid() -> None:
    """The lenient default, and the strict switch of case 21."""
    assert codes(VENDOR_EXAMPLE) == set()
    assert ("tolerated", ("output_params", 0, "param_type")) in codes(VENDOR_EXAMPLE, strict=True)


def test_unknown_fields_are_tolerated_unless_strict() -> None:
    """Consumers send undocumented ones; only initial_config is closed."""
    body = minimal(prebuild=True, model_docs=[{"doc_name": "d", "doc_url": "http://x", "lang": "en"}])
    assert SEED.judge(body) == ()
    assert codes(body, strict=True) == {
        ("unknown-field", ("prebuild",)),
        ("unknown-field", ("model_docs", 0, "lang")),
    }


def test_a_body_has_json_types() -> None:
    """Numbers are not text, and an object is not JSON text."""
    body = minimal(
        source_job_id=55, initial_config={"model_algorithm": "a"}, model_metrics={}, model_name=None
    )
    assert codes(body) == {
        ("invalid-type", ("source_job_id",)),
        ("invalid-type", ("initial_config",)),
        ("invalid-type", ("model_metrics",)),
        ("missing-field", ("model_name",)),
    }


@pytest.mark.parametrize("name", EDITIONS)
def test_the_empty_object_lacks_what_is_required(name: str) -> None:
    """Each missing field by name."""
    missing = {p.loc for p in edition(name).judge({}) if p.code == "missing-field"}
    assert missing == {("model_name",), ("model_version",), ("model_type",), ("source_location",)}
