"""What the rules warn about without stopping an import."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.contract import edition
from tests.contract.documents import minimal, param


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"input_params": param(param_name="x" * 65)}, ("input_params", 0, "param_name")),
        ({"input_params": param(param_desc="x" * 101)}, ("input_params", 0, "param_desc")),
    ],
)
def test_lengths_of_parameters_are_limits_in_2019_and_advice_later(
    changes: dict[str, Any], loc: tuple[str, ...]
) -> None:
    """64 and 100 characters."""
    for name, severity in (("seed-2019", "error"), ("cn-2021", "warning"), ("current", "warning")):
        problems = edition(name).parse(minimal(**changes)).problems
        assert [(p.code, p.loc, p.severity) for p in problems] == [("too-long", loc, severity)]


@pytest.mark.parametrize(
    ("name", "changes", "loc"),
    [
        ("current", {"template": {"template_id": "t", "template_inputs": []}}, ("template",)),
        ("current", {"source_copy": "true"}, ("source_copy",)),
        ("current", {"cmd": "run"}, ("cmd",)),
        ("current", {"deployment_constraints": {"cpu_type": "x"}}, ("deployment_constraints",)),
        (
            "current",
            {"model_type": "Custom", "model_docs": [{"doc_name": "d", "doc_url": "http://x"}]},
            ("model_docs",),
        ),
        ("cn-2021", {"input_params": param(protocol="ftp")}, ("input_params", 0, "protocol")),
        ("seed-2019", {"source_location": "ftp://x/y"}, ("source_location",)),
        ("seed-2019", {"execution_code": "https://o/model/customize_service.py"}, ("execution_code",)),
        ("seed-2019", {"model_metrics": {"f1": 1}}, ("model_metrics",)),
        ("cn-2021", {"model_metrics": {"f1": 1, "reca1l": 1}}, ("model_metrics", "reca1l")),
        ("cn-2021", {"apis": [{"ulr": "/"}]}, ("apis", 0, "ulr")),
        ("cn-2021", {"initial_config": {}, "model_algorithm": "a"}, ...),
        (
            "cn-2021",
            {"initial_config": {"protocol": "http", "model_algorithm": "a"}},
            ("initial_config", "protocol"),
        ),
        ("current", {"initial_config": {"protocol": "http", "model_algorithm": "a"}}, ...),
        ("current", {"initial_config": {"port": 80}}, ("initial_config",)),
        (
            "current",
            {"initial_config": {"model_type": "PyTorch", "model_algorithm": "a"}},
            ("initial_config", "model_type"),
        ),
        (
            "current",
            {"initial_config": {"health": {"url": "/"}, "model_algorithm": "a"}},
            ("initial_config", "health"),
        ),
        (
            "current",
            {
                "initial_config": {
                    "model_algorithm": "a",
                    "apis": [{"request": {"Content-type": "applicaton/json"}}],
                }
            },
            ("initial_config", "apis", 0, "request", "Content-type"),
        ),
        (
            "current",
            {"initial_config": {"model_algorithm": "a", "apis": [{"request": {"body": 1}}]}},
            ("initial_config", "apis", 0, "request", "body"),
        ),
        (
            "current",
            {"initial_config": {"model_algorithm": "a", "apis": [{"response": "x"}]}},
            ("initial_config", "apis", 0, "response"),
        ),
        (
            "current",
            {"initial_config": {"model_algorithm": "a", "apis": [{"input_params": {}}]}},
            ("initial_config", "apis", 0, "input_params"),
        ),
    ],
)
def test_what_is_likely_a_mistake_is_a_warning(name: str, changes: dict[str, Any], loc: Any) -> None:
    """One warning at the place, and a request all the same; `...` expects none."""
    parsed = edition(name).parse(minimal(**changes))
    assert [(p.loc, p.severity) for p in parsed.problems] == ([] if loc is ... else [(loc, "warning")])
    assert parsed.request is not None
