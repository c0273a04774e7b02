"""Values that not the API's page lists but another page of the vendor are accepted with a warning."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from reconciler.contract import EDITIONS, edition
from tests.contract.documents import minimal

ELSEWHERE = {
    "seed-2019": ({"MindSpore"}, "the import model page", "list and detail pages"),
    "otc-2024": ({"XGBoost", "PyTorch"}, "the import page of the Open Telekom Cloud", "samples"),
    "current": (
        {"XGBoost", "Scikit_Learn", "Spark_MLlib", "MXNet", "Caffe"},
        "the CreateModel page",
        "workflow page",
    ),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in ELSEWHERE for value in sorted(ELSEWHERE[name][0])]
)
def test_a_model_type_of_another_page_is_accepted_with_a_warning_that_names_both_pages(
    name: str, value: str
) -> None:
    """In the request and in the configuration; a strict server of the edition refuses it."""
    _, page, other = ELSEWHERE[name]
    document = minimal(model_type=value, initial_config={"model_algorithm": "a", "model_type": value})
    parsed = edition(name).parse(document)
    assert parsed.request is not None
    assert [(p.code, p.loc, p.severity) for p in parsed.problems] == [
        ("tolerated", ("model_type",), "warning"),
        ("tolerated", ("initial_config", "model_type"), "warning"),
    ]
    assert all(page in p.message and other in p.message for p in parsed.problems)
    Draft202012Validator(edition(name).json_schema()).validate(document)
    body = minimal(model_type=value)
    assert {p.severity for p in edition(name).judge(body)} == {"warning"}
    assert {p.severity for p in edition(name).judge(body, strict=True)} == {"error"}


@pytest.mark.parametrize("name", EDITIONS)
def test_what_no_page_lists_is_refused(name: str) -> None:
    """With a did-you-mean that knows the other pages' words, too."""
    assert edition(name).parse(minimal(model_type="ONNX")).request is None
    if name in ELSEWHERE:
        word = max(ELSEWHERE[name][0])
        (problem,) = edition(name).parse(minimal(model_type=word.lower())).problems
        assert problem.message.endswith(f"did you mean {word!r}?")


def test_each_edition_says_which_page_it_follows_of_which_day_and_when_it_was_checked() -> None:
    """For `doctor` and the schema: no edition is checked before its page was written."""
    for name in EDITIONS:
        rules = edition(name)
        assert rules.source == f"{rules.page} of {rules.dated.isoformat()}"
        assert rules.checked > rules.dated
        assert rules.source in rules.json_schema()["description"]
