"""The contract cases of the API reference, section 10, that concern a request.

Ids carry the case's number and its source, and the edition where editions differ.
"""

# ruff: noqa: E501 - a table of cases is read row by row

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.contract import EDITIONS, edition
from tests.contract.documents import CONFIG, TEMPLATE, as_text, minimal, packages, param

SEED, CN, OTC, CURRENT = EDITIONS
LATER = (CN, OTC, CURRENT)
HAN_64 = "手" * 64


@dataclass(frozen=True)
class Case:
    """One case: `code` is of the error expected, or of the warning expected, or empty."""

    number: int
    title: str
    source: str
    document: dict[str, Any]
    verdict: str
    code: str = ""
    loc: tuple[str | int, ...] = ()
    editions: tuple[str, ...] = EDITIONS


def named(
    *names: str, verdict: str, code: str, number: int, source: str, editions: tuple[str, ...] = EDITIONS
) -> list[Case]:
    """One case for each model name."""
    return [
        Case(number, f"name {name[:9]!a} of {len(name)}", source, minimal(model_name=name), verdict, code, ("model_name",), editions)
        for name in names
    ]  # fmt: skip


def versioned(*versions: str, verdict: str, number: int, source: str, code: str = "") -> list[Case]:
    """One case for each model version."""
    loc = ("model_version",) if code else ()
    return [
        Case(number, f"version {version!a}", source, minimal(model_version=version), verdict, code, loc)
        for version in versions
    ]


def docs(count: int, **changes: str) -> list[dict[str, str]]:
    """So many documents about a model."""
    return [{"doc_name": f"doc{index}", "doc_url": "https://x/y", **changes} for index in range(count)]


DOC_NAME = ("model_docs", 0, "doc_name")
DOC_URL = ("model_docs", 0, "doc_url")
PACKAGE = ("dependencies", 0, "packages", 0)

CASES = [
    *named("m", "m" * 64, verdict="accept", code="", number=1, source="SEED [D]"),
    *named("", verdict="reject", code="invalid-value", number=2, source="SEED [D]"),
    *named("m" * 65, verdict="reject", code="too-long", number=2, source="SEED [D]"),
    *named(HAN_64, verdict="accept", code="", number=3, source="SEED [D]", editions=(SEED, CN, CURRENT)),
    *named(HAN_64, verdict="reject", code="invalid-value", number=3, source="OTC24 [D]", editions=(OTC,)),
    *named("a b", "a.b", "a/b", "a😀", "a\n", verdict="reject", code="invalid-value", number=4, source="SEED whitelist [D]"),
    *named("3d", "-a", "_a", verdict="warn", code="unusual-value", number=5, source="no first-character rule [D]"),
    *versioned("1.0.0", "0.0.1", "99.99.99", verdict="accept", number=6, source="example; FAQ0249 [O]"),
    *versioned("0.0.0", verdict="warn", code="unusual-value", number=7, source="OTC SDK range [D]"),
    *versioned("01.0.0", "1.01.0", "01.01.01", "00.0.1", verdict="reject", code="invalid-value", number=8, source="SEED [D]"),
    *versioned(
        "1.0.100", "1.0", "1.0.0.0", "v1.0.0", "1.0.0-rc1", "-1.0.0", "1.0.0 ", "１.0.0", "1.0.0\n", "",
        verdict="reject", code="invalid-value", number=9, source="SEED format [D]",
    ),
    Case(12, "description of 100", "SEED [D]", minimal(description="d" * 100), "accept"),
    Case(12, "description of 101", "SEED [D]", minimal(description="d" * 101), "reject", "too-long", ("description",)),
    Case(12, "description with <", "SEED [D]", minimal(description="a < b"), "accept", editions=(SEED,)),
    Case(12, "description with <", "CN2021 [D]", minimal(description="a < b"), "reject", "invalid-value", ("description",), LATER),
    Case(12, "empty description", "SEED [D]", minimal(description=""), "accept", editions=(SEED, CN, OTC)),
    Case(12, "empty description", "OTC25 [D]", minimal(description=""), "warn", "unusual-value", ("description",), (CURRENT,)),
    Case(13, "3 model_docs", "SEED [D]", minimal(model_docs=docs(3)), "accept"),
    Case(13, "4 model_docs", "SEED [D]", minimal(model_docs=docs(4)), "reject", "too-long", ("model_docs",)),
    Case(14, "doc_name of 48", "SEED [D]", minimal(model_docs=docs(1, doc_name="d" * 48)), "accept"),
    Case(14, "doc_name of 49", "SEED [D]", minimal(model_docs=docs(1, doc_name="d" * 49)), "reject", "too-long", DOC_NAME),
    Case(14, "doc_name 1st", "SEED [D]", minimal(model_docs=docs(1, doc_name="1st")), "reject", "invalid-value", DOC_NAME),
    Case(14, "doc_name _x", "SEED [D]", minimal(model_docs=docs(1, doc_name="_x")), "reject", "invalid-value", DOC_NAME),
    Case(14, "Chinese doc_name", "SEED [D]", minimal(model_docs=docs(1, doc_name="说明")), "accept", editions=(SEED, CN, CURRENT)),
    Case(14, "Chinese doc_name", "OTC24 [D]", minimal(model_docs=docs(1, doc_name="说明")), "reject", "invalid-value", DOC_NAME, (OTC,)),
    Case(15, "ftp doc_url", "SEED [D]", minimal(model_docs=docs(1, doc_url="ftp://x/y")), "reject", "invalid-value", DOC_URL),
    Case(15, "relative doc_url", "SEED [D]", minimal(model_docs=docs(1, doc_url="docs/y.md")), "reject", "invalid-value", DOC_URL),
    Case(16, "version without restraint", "SEED; ERR 3041 [D]", minimal(dependencies=packages(package_version="1.5.0")), "reject", "conditional", (*PACKAGE, "restraint")),
    Case(17, "restraint without version", "SEED wording [D]", minimal(dependencies=packages(restraint="EXACT")), "warn", "tolerated", (*PACKAGE, "restraint")),
    Case(18, "both empty", "vendor sample [D]", minimal(dependencies=packages(package_version="", restraint="")), "accept"),
    Case(19, "restraint exact", "SEED [D]", minimal(dependencies=packages(package_version="1", restraint="exact")), "reject", "not-in-enumeration", (*PACKAGE, "restraint")),
    Case(19, "installer conda", "SEED; ERR 3041 [D]", minimal(dependencies=[{"installer": "conda", "packages": []}]), "reject", "not-in-enumeration", ("dependencies", 0, "installer")),
    Case(19, "installer PIP", "SEED [D]", minimal(dependencies=[{"installer": "PIP", "packages": []}]), "reject", "not-in-enumeration", ("dependencies", 0, "installer")),
    Case(20, "package numpy==1.0", "SEED charset [D]", minimal(dependencies=packages(package_name="numpy==1.0")), "reject", "invalid-value", (*PACKAGE, "package_name")),
    Case(20, "Chinese package", "SEED charset [D]", minimal(dependencies=packages(package_name="包")), "reject", "invalid-value", (*PACKAGE, "package_name")),
    Case(21, "param_type box", "SEED table against example", minimal(output_params=param(param_type="box")), "warn", "tolerated", ("output_params", 0, "param_type")),
    Case(21, "min on a string", "SEED table against example", minimal(input_params=param(param_type="string", min=0)), "warn", "tolerated", ("input_params", 0, "min")),
    Case(22, "apis as array", "SEED example", minimal(apis=[{"url": "/"}]), "warn", "tolerated", ("apis",), (SEED,)),
    Case(22, "apis as array", "CN2021 [D]", minimal(apis=[{"url": "/"}]), "accept", editions=LATER),
    Case(22, "apis as JSON string", "SEED table [D]", minimal(apis='[{"url": "/"}]'), "accept"),
    Case(23, "initial_config not JSON", "ERR 3015 [D]", minimal(initial_config="{"), "reject", "invalid-json", ("initial_config",)),
    Case(23, "initial_config no object", "ERR 3015 [D]", minimal(initial_config="[]"), "reject", "invalid-type", ("initial_config",)),
    Case(23, "unknown key in initial_config", "ERR 3016 [D]", minimal(initial_config='{"model_algorithm": "a", "colour": 1}'), "warn", "unknown-field", ("initial_config", "colour")),
    Case(24, "model_type tensorflow", "ERR 3037 or 3053 [D]", minimal(model_type="tensorflow"), "reject", "not-in-enumeration", ("model_type",)),
    Case(24, "model_type ONNX", "ERR 3037 or 3053 [D]", minimal(model_type="ONNX"), "reject", "not-in-enumeration", ("model_type",)),
    Case(25, "Template without template", "ERR 3034 [D]", minimal(model_type="Template"), "reject", "missing-field", ("template",), LATER),
    Case(25, "Template without template_id", "ERR 3029 [D]", minimal(model_type="Template", template={"template_inputs": []}), "reject", "missing-field", ("template", "template_id"), LATER),
    Case(25, "duplicate input_id", "ERR 3039 [D]", minimal(model_type="Template", template={**TEMPLATE, "template_inputs": TEMPLATE["template_inputs"] * 2}), "reject", "duplicate", ("template", "template_inputs", 1, "input_id"), LATER),
    Case(25, "Template without source_location", "OTC25 [D]", minimal(model_type="Template", template=TEMPLATE, source_location=...), "accept", editions=(CURRENT,)),
    Case(25, "Template without source_location", "CN2021, OTC24 tables [D]", minimal(model_type="Template", template=TEMPLATE, source_location=...), "reject", "missing-field", ("source_location",), (CN, OTC)),
    Case(25, "Template", "SEED has no such type [D]", minimal(model_type="Template"), "reject", "not-in-enumeration", ("model_type",), (SEED,)),
    Case(26, "Image with dependencies", "events list [D]", minimal(model_type="Image", dependencies=packages()), "reject", "content-rule", ("dependencies",)),
    Case(26, "TensorFlow with swr_location", "events list [D]", minimal(initial_config={"swr_location": "swr.x/y:1", "model_algorithm": "a"}), "reject", "content-rule", ("initial_config", "swr_location")),
    Case(27, "two apis", "CN2021 UG against SEED example", minimal(apis=as_text([{"url": "/"}, {"url": "/"}])), "warn", "tolerated", ("apis",)),
    Case(27, "url of an api", "CN2021 UG against SEED example", minimal(apis=as_text([{"url": "/v1"}])), "warn", "tolerated", ("apis", 0, "url")),
    Case(27, "url of an Image's api", "CN2021 UG [D]", minimal(model_type="Image", apis=as_text([{"url": "/v1"}])), "accept"),
    Case(28, "install_type []", "CN2021 [D]", minimal(install_type=[]), "accept", editions=LATER),
    Case(28, "install_type Real-Time", "CN2021 [D]", minimal(install_type=["Real-Time"]), "reject", "not-in-enumeration", ("install_type", 0), LATER),
    Case(28, "install_type edge", "CN2021 [D]", minimal(install_type=["edge"]), "accept", editions=(CN,)),
    Case(28, "install_type edge", "OTC24, OTC25 [D]", minimal(install_type=["edge"]), "reject", "not-in-enumeration", ("install_type", 0), (OTC, CURRENT)),
    Case(28, "install_type", "SEED has no such field [D]", minimal(install_type=["batch"]), "reject", "field-of-another-edition", ("install_type",), (SEED,)),
    Case(29, "source_copy true", "type [D], leniency [?]", minimal(model_type="Image", source_copy=True), "accept", editions=(CURRENT,)),
    Case(29, "source_copy 'true'", "type [D]", minimal(model_type="Image", source_copy="true"), "accept", editions=(CURRENT,)),
]  # fmt: skip

ON_EDITION = [
    pytest.param(case, name, id=f"case {case.number} {name}: {case.title}: {case.verdict} ({case.source})")
    for case in CASES
    for name in case.editions
]


@pytest.mark.parametrize(("case", "name"), ON_EDITION)
def test_a_case_of_the_reference_is_judged_as_it_says(case: Case, name: str) -> None:
    """A manifest is accepted, accepted with the warning, or rejected at the place, as the case says."""
    parsed = edition(name).parse(case.document)
    problems = {(problem.code, problem.loc, problem.severity) for problem in parsed.problems}
    if case.verdict == "accept":
        assert problems == set()
    elif case.verdict == "warn":
        assert problems == {(case.code, case.loc, "warning")}
    else:
        assert (case.code, case.loc, "error") in problems
    assert (parsed.request is None) == (case.verdict == "reject")


def on_the_wire(document: dict[str, Any]) -> dict[str, Any]:
    """The document as a client would send it: JSON texts closed."""
    return {
        key: as_text(value)
        if key in ("initial_config", "model_metrics") and isinstance(value, dict)
        else value
        for key, value in document.items()
    }


@pytest.mark.parametrize(("case", "name"), ON_EDITION)
def test_a_server_judges_a_case_as_the_manifest_reader_does(case: Case, name: str) -> None:
    """The same document as an HTTP body: same errors, save what a service tolerates or finds only later."""
    problems = edition(name).judge(on_the_wire(case.document))
    errors = {(problem.code, problem.loc) for problem in problems if problem.severity == "error"}
    if case.code in ("field-of-another-edition", "content-rule") or case.verdict != "reject":
        assert errors == set()
    else:
        assert (case.code, case.loc) in errors


def test_content_that_fails_only_after_the_call_is_a_warning_to_the_server() -> None:
    """Case 26: the service answers 200, and the model fails later; the code says so."""
    problems = edition(SEED).judge(minimal(model_type="Image", dependencies=packages()))
    assert [(problem.code, problem.severity) for problem in problems] == [("content-rule", "warning")]


def test_a_configuration_like_the_vendors_samples_is_accepted() -> None:
    """Section 8.2: samples with empty restraints and versions are accepted as mapping and as text."""
    for config in (CONFIG, as_text(CONFIG)):
        for name in (SEED, CN, OTC, CURRENT):
            assert edition(name).parse(minimal(initial_config=config)).problems == ()
