"""Reading a manifest document: what is sent, and how problems are told."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.contract import EDITIONS, Problem, UnquotedScalar, edition
from reconciler.contract.editions.edition import ENGINES_2019
from reconciler.contract.models import problems_in
from tests.contract.documents import VENDOR_EXAMPLE, as_text, minimal, packages, param
from tests.contract.strategies import damaged, documents, holders, unquoted, wrong
from tests.effort import examples

SEED = edition("seed-2019")
TYPES = ", ".join((*ENGINES_2019, "Image"))
RESTRAINT = "dependencies[0].packages[0].restraint"
UNCHECKED = "sent unchecked, because extra asks for it"
QUICK = settings(deadline=None, max_examples=examples(80), suppress_health_check=list(HealthCheck))


def errors(document: dict[str, Any], name: str = "seed-2019") -> list[str]:
    """The messages of the errors."""
    return [p.message for p in edition(name).parse(document).problems if p.severity == "error"]


def test_the_vendors_example_is_sent_as_it_is_with_warnings_only() -> None:
    """Box, bounds on a string, urls, execution_code: the tables disagree, so each is a warning."""
    parsed = SEED.parse(VENDOR_EXAMPLE)
    assert parsed.request == VENDOR_EXAMPLE
    assert list(parsed.request or ()) == list(VENDOR_EXAMPLE)
    assert {problem.severity for problem in parsed.problems} == {"warning"}
    assert {problem.loc for problem in parsed.problems} == {
        ("input_params", 0, "min"),
        ("input_params", 0, "max"),
        ("output_params", 0, "param_type"),
        ("apis", 0, "url"),
        ("apis",),
        ("execution_code",),
    }


@pytest.mark.parametrize("name", EDITIONS)
@QUICK
@given(data=st.data())
def test_nothing_is_added_to_what_the_user_wrote_and_order_is_kept(name: str, data: st.DataObject) -> None:
    """The request has the manifest's keys in the manifest's order, as JSON types only."""
    document = data.draw(documents(name))
    request = edition(name).parse(unquoted(document)).request
    assert request is not None
    assert list(request) == list(document)
    assert_json(request)


def assert_json(value: object) -> None:
    """No Plain, no type of ours: exactly JSON's types."""
    assert type(value) in (dict, list, str, int, float, bool, type(None))
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        assert_json(inner)


def test_all_problems_are_told_at_once() -> None:
    """Types, unknown keys, enumerations and rules across fields in one run."""
    document = {
        "model_name": "a b",
        "model_version": "01.0.0",
        "model_type": "tensorflow",
        "desription": "x",
        "dependencies": packages(package_version="1.5"),
        "source_job_id": 55,
    }
    assert errors(document) == [
        "model_version '01.0.0': a part must not start with 0",
        "source_job_id 55: must be text; put it in quotes",
        "source_location: is required",
        "model_name 'a b': may hold only letters, Chinese characters, digits, - and _",
        f"model_type 'tensorflow': must be one of {TYPES}; did you mean 'TensorFlow'?",
        "desription: is not a known field; did you mean 'description'?",
        f"{RESTRAINT}: is needed where package_version is given: EXACT, ATLEAST or ATMOST",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Model_Type": "x"}, "Model_Type: is not a known field; did you mean 'model_type'?"),
        ({"version": "1"}, "version: is not a known field; did you mean 'model_version'?"),
        ({"health": {}}, "health: is not a known field; a health check goes inside initial_config"),
        ({"colour": 1}, "colour: is not a known field; a field to be sent all the same goes under extra"),
        (
            {"cmd": "run"},
            "cmd: is not a field of this edition, only of current; set the target's edition",
        ),
        (
            {"dependencies": [{"installer": "pip", "package": []}]},
            "dependencies[0].package: is not a field here; did you mean 'packages'?",
        ),
        ({"runtime": "python3.7"}, "runtime 'python3.7': must be 'python2.7' or 'python3.6'"),
        ({"model_version": "1.0.100"}, "a part has one or two digits, so 99 is the highest"),
        ({"model_version": "v1"}, "must be three numbers with dots between, such as 1.0.0"),
        (
            {"execution_code": "https://b/x/model/service.py"},
            "must end in the file name customize_service.py",
        ),
        ({"source_location": "https://"}, "names no bucket or host"),
        ({"source_location": "/a b"}, "must not hold blanks or control characters"),
        ({"model_docs": {}}, "model_docs: must be a list"),
        ({"description": ["x"]}, "description: must be text, and this is a list"),
        ({"description": True}, "description true: must be text; put it in quotes"),
        ({"model_type": None}, "model_type: is required"),
        ({"input_params": param(min="0")}, "input_params[0].min '0': must be a number; take off the quotes"),
        ({"input_params": param(min=UnquotedScalar("low"))}, "must be a number, such as 0.5"),
        ({"input_params": param(min=UnquotedScalar("1e999"))}, "must be a number"),
        ({"input_params": param(min=float("nan"))}, "must be a number"),
        ({"input_params": param(min=10**310)}, "min: must be a number between -1.8e308 and 1.8e308"),
        (
            {"input_params": param(min=UnquotedScalar("1" + "0" * 310))},
            "min: must be a number between -1.8e308 and 1.8e308",
        ),
        ({"\ud800": 1}, "'\\ud800' '\\ud800': holds half of a surrogate pair, which UTF-8 cannot carry"),
        (
            {"input_params": param(**{"\ud800": 1})},
            "input_params[0].'\\ud800' '\\ud800': holds half of a surrogate pair, which UTF-8 cannot carry",
        ),
        ({"description": "\ud800"}, "half of a surrogate pair"),
    ],
)
def test_a_message_says_where_what_and_what_to_do(changes: dict[str, Any], message: str) -> None:
    """Field, value when short, rule, remedy."""
    assert any(message in error for error in errors(minimal(**changes)))


@pytest.mark.parametrize("name", EDITIONS)
@QUICK
@given(data=st.data())
def test_a_problem_is_told_whatever_else_is_wrong(name: str, data: st.DataObject) -> None:
    """What is told of a document with one fault is also told when there is another fault elsewhere."""
    struct, sound = edition(name).struct, data.draw(documents(name))
    faults = data.draw(st.lists(st.tuples(st.sampled_from(holders(sound)), wrong), min_size=2, max_size=2))
    alone = [{problem.message for problem in problems_in(struct, _spoilt(sound, [one]))} for one in faults]
    together = {problem.message for problem in problems_in(struct, _spoilt(sound, faults))}
    assert alone[0] | alone[1] <= together


def _spoilt(document: dict[str, Any], faults: list[tuple[tuple[str | int, ...], tuple[str, Any]]]) -> Any:
    """The document with more keys in some of its mappings."""
    spoilt = copy.deepcopy(document)
    for path, (key, value) in faults:
        holder: Any = spoilt
        for step in path:
            holder = holder[step]
        holder[key] = value
    return spoilt


def test_what_stops_pydantic_hides_nothing() -> None:
    """Keys that no UTF-8 carries, in the document and in a JSON text, and a list that is too long."""
    current = edition("current")
    doc = {"doc_name": "", "colour": "red"}
    document = minimal(model_metrics='{"\\ud800": 1, "\\ud801": 2, "f1": "x"}', model_docs=[doc] * 4)
    places = {problem.loc for problem in current.parse(document).problems if problem.severity == "error"}
    fields = {("model_docs", at, key) for at in range(4) for key in ("doc_name", "doc_url", "colour")}
    metrics = {("model_metrics", key) for key in ("\ud800", "\ud801", "f1")}
    assert places == {("model_docs",)} | fields | metrics


def test_an_unquoted_scalar_is_text_where_text_is_meant() -> None:
    """`1.10` stays `1.10`; `55` is the text 55."""
    document = minimal(
        model_version=UnquotedScalar("1.10.0"),
        source_job_id=UnquotedScalar("55"),
        dependencies=packages(package_version=UnquotedScalar("1.10"), restraint=UnquotedScalar("EXACT")),
    )
    request = SEED.parse(document).request or {}
    assert (request["model_version"], request["source_job_id"]) == ("1.10.0", "55")
    assert request["dependencies"][0]["packages"][0]["package_version"] == "1.10"
    assert_json(request)


def test_an_unquoted_number_is_a_number_where_a_number_is_meant() -> None:
    """In any of JSON's notations."""
    document = minimal(input_params=param(min=UnquotedScalar("-1.50"), max=UnquotedScalar("1e2")))
    request = SEED.parse(document).request or {}
    assert (request["input_params"][0]["min"], request["input_params"][0]["max"]) == (-1.5, 100.0)


def test_null_means_absent_for_an_optional_field() -> None:
    """At the top and inside a struct."""
    document = minimal(description=None, input_params=param(min=None), dependencies=packages(restraint=None))
    request = SEED.parse(document).request or {}
    assert "description" not in request
    assert "min" not in request["input_params"][0]
    assert request["dependencies"] == packages()


def test_empty_version_and_restraint_are_not_sent() -> None:
    """The vendor's samples have them; they mean nothing."""
    request = SEED.parse(minimal(dependencies=packages(package_version="", restraint=""))).request or {}
    assert request["dependencies"] == packages()


def test_a_boolean_source_copy_becomes_the_text_that_the_api_wants() -> None:
    """`source_copy: true` is what people write; the API's type is String."""
    request = edition("current").parse(minimal(model_type="Image", source_copy=False)).request or {}
    assert request["source_copy"] == "false"


def test_extra_fields_are_sent_in_their_place_with_a_warning_each() -> None:
    """The way to send what an edition does not document."""
    document = minimal(
        extra={"prebuild": True, "install_type": ["batch"], "level": UnquotedScalar("3")}, description="d"
    )
    parsed = SEED.parse(document)
    assert list(parsed.request or ())[4:] == ["prebuild", "install_type", "level", "description"]
    assert (parsed.request or {})["level"] == 3
    assert [p.message for p in parsed.problems] == [
        f"extra.prebuild: is not documented; {UNCHECKED}",
        f"extra.install_type: is a field of cn-2021, otc-2024 and current; {UNCHECKED}",
        f"extra.level: is not documented; {UNCHECKED}",
    ]


def test_extra_may_not_shadow_a_known_field() -> None:
    """Nor be anything but a mapping."""
    assert errors(minimal(extra={"runtime": "x"})) == [
        "extra.runtime: is a known field; move it out of extra"
    ]
    assert errors(minimal(extra=["x"])) == ["extra: must be a mapping of vendor fields"]
    assert errors(minimal(extra=None)) == []


def test_runtime_follows_the_engine_in_2021() -> None:
    """The table of runtimes by engine."""
    document = minimal(model_type="XGBoost", runtime="tf2.1-python3.7")
    assert errors(document, "cn-2021") == [
        "runtime 'tf2.1-python3.7': is not a runtime of XGBoost; it has python2.7 and python3.6"
    ]
    assert errors(minimal(runtime="tf2.1-python3.7"), "cn-2021") == []


def test_keys_are_never_shown() -> None:
    """A model's security keys stay out of messages."""
    document = minimal(deployment_constraints={"model_security": {"model_key": 12345, "rootKey": ["s3cret"]}})
    text = " ".join(errors(document, "current"))
    assert "model_key: must be text" in text
    assert "12345" not in text
    assert "s3cret" not in text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text().map(UnquotedScalar),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", EDITIONS)
@QUICK
@given(data=st.data())
def test_no_document_makes_the_rules_fail(name: str, data: st.DataObject) -> None:
    """A request exactly when nothing is an error; messages of one printable line; the input untouched."""
    rules = edition(name)
    fields = st.sampled_from([*rules.fields, "extra", "colour"])
    document = data.draw(damaged(name, writable=False)) | data.draw(
        st.dictionaries(fields, anything, max_size=3)
    )
    before = copy.deepcopy(document)
    parsed = rules.parse(document)
    assert as_repr(document) == as_repr(before)
    assert (parsed.request is None) == any(p.severity == "error" for p in parsed.problems)
    assert_printable((*parsed.problems, *rules.judge(document), *rules.judge(document, strict=True)))
    if parsed.request is not None:
        as_text(parsed.request).encode()


def as_repr(document: object) -> str:
    """A form in which NaN equals itself."""
    return repr(document)


def assert_printable(problems: tuple[Problem, ...]) -> None:
    """Every message is one line without control characters."""
    assert [p.message for p in problems if not p.message.isprintable()] == []


def test_the_defaults_are_of_known_fields() -> None:
    """What an embedded server fills in."""
    for name in EDITIONS:
        assert set(edition(name).defaults) <= set(edition(name).fields)
    assert SEED.defaults["runtime"] == "python2.7"
    assert SEED.defaults["workspace_id"] == "0"
