"""Fields in which the API wants JSON inside a string, and free JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.contract import EDITIONS, UnquotedScalar, edition
from tests.contract.documents import CONFIG, as_text, minimal


def sent(name: str = "cn-2021", **changes: Any) -> dict[str, Any]:
    """The request of a document that is valid."""
    parsed = edition(name).parse(minimal(**changes))
    assert parsed.request is not None, parsed.problems
    return parsed.request


def faults(**changes: Any) -> list[str]:
    """The messages of the errors of a document."""
    problems = edition("cn-2021").parse(minimal(**changes)).problems
    return [problem.message for problem in problems if problem.severity == "error"]


@pytest.mark.parametrize("name", EDITIONS)
def test_a_mapping_is_sent_as_compact_text_in_its_own_order(name: str) -> None:
    """Nothing escaped that need not be, nothing reordered."""
    config = {
        "runtime": "python3.6",
        "model_algorithm": "a",
        "apis": [{"request": {"数据": UnquotedScalar("0.5")}}],
    }
    request = sent(
        name,
        initial_config=config,
        model_metrics={"recall": UnquotedScalar("1"), "f1": UnquotedScalar("0.50")},
    )
    assert request["initial_config"] == (
        '{"runtime":"python3.6","model_algorithm":"a","apis":[{"request":{"数据":0.5}}]}'
    )
    assert request["model_metrics"] == '{"recall":1,"f1":0.5}'


@pytest.mark.parametrize("name", EDITIONS)
def test_a_string_is_checked_and_sent_verbatim(name: str) -> None:
    """Blanks and order included."""
    text = json.dumps(CONFIG, indent=2)
    request = sent(name, initial_config=text, model_metrics='{ "f1": 1 }')
    assert request["initial_config"] == text
    assert request["model_metrics"] == '{ "f1": 1 }'


def test_apis_as_text_stay_text_in_2019_and_become_an_array_later() -> None:
    """The vendor's type changed from String to array."""
    text = '[ {"url": "/", "more": [1, null]} ]'
    assert sent("seed-2019", apis=text)["apis"] == text
    assert sent("cn-2021", apis=text)["apis"] == [{"url": "/", "more": [1, None]}]


@pytest.mark.parametrize("text", ["", "{", "nope", '{"a": NaN}', "[" * 200_000, '{"f1": 1, "f1": 2}'])
def test_a_string_that_is_no_json_is_one_clear_error(text: str) -> None:
    """Not a traceback, whatever the depth; and nothing else is said about the field."""
    (message,) = faults(model_metrics=text)
    assert message.startswith("model_metrics: is not valid JSON: ")


def test_the_message_names_the_place_inside_the_text() -> None:
    """Line and column of the JSON, the key that occurs twice, or the depth."""
    assert faults(initial_config='{"a":\n}') == [
        "initial_config: is not valid JSON: Expecting value at line 2, column 1"
    ]
    assert faults(initial_config='{"a":1,"a":2}') == [
        "initial_config: is not valid JSON: the key 'a' occurs twice"
    ]
    deep = f'{{"port": {"[" * 70}{"]" * 70}}}'
    assert faults(initial_config=deep) == [
        "initial_config: is not valid JSON: it is nested deeper than 64 levels"
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["\\ud800", "\ud800"])
@pytest.mark.parametrize(
    ("field", "text", "where"),
    [
        ("initial_config", '{"KEY": 1}', "initial_config.'\\ud800'"),
        ("initial_config", '{"KEY": null}', "initial_config.'\\ud800'"),
        ("initial_config", '{"health": {"KEY": 1}}', "initial_config.health.'\\ud800'"),
        ("initial_config", '{"port": [{"KEY": 1}]}', "initial_config.port[0].'\\ud800'"),
        ("model_metrics", '{"KEY": 1}', "model_metrics.'\\ud800'"),
        ("apis", '[{"KEY": 1}]', "apis[0].'\\ud800'"),
    ],
)
def test_a_key_with_half_a_surrogate_pair_is_refused_by_all(
    key: str, field: str, text: str, where: str
) -> None:
    """Escaped in the text or not; by the quick way, by the one that words it, and by a server."""
    document = minimal(**{field: text.replace("KEY", key)})
    message = f"{where} '\\ud800': holds half of a surrogate pair, which UTF-8 cannot carry"
    for name in EDITIONS:
        assert edition(name).accept(document) is None
        for problems in (edition(name).parse(document).problems, edition(name).judge(document)):
            assert [p.message for p in problems if p.severity == "error"] == [message]


@pytest.mark.parametrize(
    ("digits", "message"),
    [
        (310, "model_metrics.f1: must be a number between -1.8e308 and 1.8e308, of at most 320 characters"),
        (5000, "model_metrics: is not valid JSON: a number of 5000 characters is too long to be read"),
    ],
)
def test_a_number_that_is_too_large_is_told(digits: int, message: str) -> None:
    """For a float, or for an integer of Python."""
    assert faults(model_metrics=f'{{"f1": {"9" * digits}}}') == [message]


def test_the_wrong_shape_of_json_is_named() -> None:
    """An object is not an array."""
    assert faults(initial_config="[]") == [
        "initial_config: must be a mapping, or text that holds a JSON object"
    ]
    assert faults(apis="{}") == ["apis: must be a list, or text that holds a JSON array"]
    assert faults(apis=UnquotedScalar("7")) == ["apis 7: must be a list, or text that holds a JSON array"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5), ("1", 1), ("-3", -3), ("1.0", 1.0), ("1e-07", 1e-07), ("python2.7", "python2.7"),
        ("1.0.0", "1.0.0"), ("2019-12-10", "2019-12-10"), ("yes", "yes"), ("1:30", "1:30"), ("v1", "v1"),
    ],
)  # fmt: skip
def test_in_free_json_an_unquoted_scalar_is_a_number_if_json_would_print_it_so(
    text: str, value: object
) -> None:
    """Everything else that cannot be mistaken for a number is text."""
    read = sent(apis=[{"input_params": {"x": UnquotedScalar(text)}}])["apis"][0]["input_params"]["x"]
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("1.10", ", or write 1.1"), ("1e5", ", or write 100000.0"), ("01", ""), ("+1", ""), (".5", ""),
        ("0x1f", ""), ("1_000", ""), (".inf", ""), ("-0", ", or write 0"), ("1e999", ""), ("1.", ""),
    ],
)  # fmt: skip
def test_in_free_json_a_doubtful_number_asks_for_quotes(text: str, instead: str) -> None:
    """Digits would be lost, or readers would disagree; the place is exact."""
    problems = (
        edition("cn-2021").parse(minimal(apis=[{"input_params": {"x": [UnquotedScalar(text)]}}])).problems
    )
    assert [p.loc for p in problems if p.severity == "error"] == [("apis", 0, "input_params", "x", 0)]
    assert problems[0].message == (
        f"apis[0].input_params.x[0] {text!r}: could be a number or text; put it in quotes{instead}"
    )
    assert sent(apis=[{"input_params": {"x": text}}])["apis"][0]["input_params"] == {"x": text}


def test_positions_known_to_be_text_take_the_text() -> None:
    """`package_version: 1.10` and the seconds of a probe, inside initial_config."""
    config = {
        "model_algorithm": "a",
        "dependencies": [
            {
                "installer": "pip",
                "packages": [
                    {"package_name": "x", "package_version": UnquotedScalar("1.10"), "restraint": "EXACT"}
                ],
            }
        ],
        "health": {"url": "/health", "period_seconds": UnquotedScalar("05"), "timeout_seconds": 30},
    }
    request = sent(
        model_type="Image", source_location="swr.x/y:1", initial_config={**config, "dependencies": []}
    )
    assert json.loads(request["initial_config"])["health"] == {
        "url": "/health", "period_seconds": "05", "timeout_seconds": "30",
    }  # fmt: skip
    config.pop("health")
    request = sent(initial_config=config)
    assert (
        json.loads(request["initial_config"])["dependencies"][0]["packages"][0]["package_version"] == "1.10"
    )


@pytest.mark.parametrize(
    "value", ["0", "x", "3000000000", "-1", True, 1.5, "٣", 0, 2**31, pytest.param(10**5000, id="huge")]
)
def test_the_seconds_of_a_probe_have_a_range(value: object) -> None:
    """1 to 2147483647."""
    (message,) = faults(model_type="Image", initial_config={"health": {"period_seconds": value}})
    assert "must be a whole number from 1 to 2147483647" in message


def test_a_key_of_the_configuration_gets_a_did_you_mean() -> None:
    """Official samples have `procotol`: a warning, unless the target is strict about configurations."""
    document = minimal(initial_config={"model_algorithm": "a", "apis": [{"procotol": "http"}]})
    for strict, severity in ((False, "warning"), (True, "error")):
        (problem,) = edition("seed-2019", strict_config=strict).parse(document).problems
        assert (problem.severity, problem.message) == (
            severity,
            (
                "initial_config.apis[0].procotol: is not documented, and is sent as it stands; "
                "did you mean 'protocol'?"
            ),
        )
    (problem,) = (
        edition("cn-2021")
        .parse(minimal(initial_config=as_text({"model_algorithm": "a", "depedencies": []})))
        .problems
    )
    assert problem.message.startswith("initial_config.depedencies: is not documented")
    assert problem.message.endswith("did you mean 'dependencies'?")


def test_free_json_is_followed_to_a_depth_and_no_further() -> None:
    """A manifest's own limit is lower; a server's body has none."""
    nested: list[Any] = []
    for _ in range(500):
        nested = [nested]
    (problem,) = edition("cn-2021").judge(minimal(apis=[{"input_params": nested}]))
    assert "nested deeper than 64 levels" in problem.message


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("inf"), "must be a finite number"),
        (10**310, "must be a finite number"),
        pytest.param(-(10**5000), "must be a finite number", id="huge"),
        ("\udc00", "half of a surrogate pair"),
        ({"\udc00": 1}, "half of a surrogate pair"),
        ({"k" * 100: "\udc00"}, "input_params.'" + "k" * 63 + "…' '\\udc00'"),
    ],
)
def test_free_json_that_cannot_be_sent_is_refused(value: object, why: str) -> None:
    """What has no JSON or no UTF-8 form; long keys are cut in the message."""
    (message,) = faults(apis=[{"input_params": value}])
    assert why in message
