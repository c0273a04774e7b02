"""`initial_config`: table 2 names its parameters, and what no page documents is sent with one warning."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.contract import EDITIONS, edition
from tests.contract.documents import as_text, minimal, packages, param

PARAM = {"url": "/", "protocol": "http", "method": "post", "param_name": "audio", "param_type": "file"}
PACKAGE = ("initial_config", "dependencies", 0, "packages", 0)

MISSPELT: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({"model_algoritm": "a"}, ("initial_config", "model_algoritm"), "model_algorithm"),
    ({"runtimes": "python3.6"}, ("initial_config", "runtimes"), "runtime"),
    ({"apis": [{"procotol": "http"}]}, ("initial_config", "apis", 0, "procotol"), "protocol"),
    ({"apis": [{"url": "/", "methods": "post"}]}, ("initial_config", "apis", 0, "methods"), "method"),
    (
        {"apis": [{"request": {"content_type": "application/json"}}]},
        ("initial_config", "apis", 0, "request", "content_type"),
        "Content-type",
    ),
    ({"metrics": {"recal": 0.5}}, ("initial_config", "metrics", "recal"), "recall"),
    ({"dependencies": packages(versions="1")}, (*PACKAGE, "versions"), "package_version"),
    (
        {"dependencies": [{"installer": "pip", "packages": [], "package": []}]},
        ("initial_config", "dependencies", 0, "package"),
        "packages",
    ),
    (
        {"input_params": [{**PARAM, "param_dec": "x"}]},
        ("initial_config", "input_params", 0, "param_dec"),
        "param_desc",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("config", "loc", "meant"), MISSPELT, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("name", EDITIONS)
def test_a_misspelling_is_one_warning_and_sent_or_one_error_where_the_target_is_strict(
    name: str, config: dict[str, Any], loc: tuple[str | int, ...], meant: str
) -> None:
    """Wherever it stands, as mapping and as text, with a did-you-mean; nothing else is told because of it."""
    config = config if loc[-1] == "model_algoritm" else {"model_algorithm": "a", **config}
    for given in (config, as_text(config)):
        parsed = edition(name).parse(minimal(initial_config=given))
        assert parsed.request is not None
        assert parsed.request["initial_config"] == (
            given if isinstance(given, str) else as_text(config).replace(", ", ",").replace(": ", ":")
        )
        (problem,) = parsed.problems
        assert (problem.loc, problem.severity, problem.code) == (loc, "warning", "unknown-field")
        assert problem.message.endswith(f"; did you mean {meant!r}?")
        strict = edition(name, strict_config=True).parse(minimal(initial_config=given))
        assert strict.request is None
        assert [(one.loc, one.severity) for one in strict.problems] == [(loc, "error")]


@pytest.mark.parametrize("name", EDITIONS)
def test_the_configuration_takes_the_parameters_that_table_2_names(name: str) -> None:
    """Row `initial_config` of the import page, and the struct of its table 3."""
    config = {
        "model_algorithm": "a",
        "input_params": [PARAM],
        "output_params": [PARAM | {"param_name": "word"}],
    }
    for given in (config, as_text(config)):
        assert edition(name).parse(minimal(initial_config=given)).problems == ()
    Draft202012Validator(edition(name).json_schema()).validate(minimal(initial_config=config))


@pytest.mark.parametrize("name", EDITIONS)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": None}, "missing-field"),
        ({"method": "put"}, "not-in-enumeration"),
        ({"param_type": "double"}, "not-in-enumeration"),
        ({"param_name": ""}, "invalid-value"),
        ({"param_type": "int", "min": "x"}, "invalid-type"),
    ],
)
def test_the_parameters_of_the_configuration_have_the_rules_of_table_3(
    name: str, changes: dict[str, Any], code: str
) -> None:
    """The same as in the request."""
    config = {"model_algorithm": "a", "output_params": [PARAM | changes]}
    (problem,) = edition(name).parse(minimal(initial_config=config)).problems
    assert (problem.code, problem.severity) == (code, "error")
    assert problem.loc[:3] == ("initial_config", "output_params", 0)


@pytest.mark.parametrize("name", EDITIONS)
def test_limits_that_no_value_can_meet_are_a_warning(name: str) -> None:
    """`min` above `max`, in the request and in its configuration; equal limits leave one value."""
    for given, root in (
        ({"input_params": param(min=9, max=0.5)}, ()),
        (
            {"initial_config": {"model_algorithm": "a", "input_params": param(min=9, max=0.5)}},
            ("initial_config",),
        ),
    ):
        parsed = edition(name).parse(minimal(**given))
        assert parsed.request is not None
        assert [(p.code, p.loc, p.severity) for p in parsed.problems] == [
            ("contradiction", (*root, "input_params", 0, "min"), "warning")
        ]
    for changes in ({"min": 1, "max": 1}, {"min": 0}, {"max": 0}, {"min": 0, "max": 9}):
        assert edition(name).parse(minimal(input_params=param(**changes))).problems == ()
