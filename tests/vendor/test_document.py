"""`docs/modelarts.md` says what the tests run and what the program loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.app.credentials import auth_of, keys_of
from reconciler.contract import EDITIONS
from reconciler.registry import AccessKeyAuth, PasswordAuth, TokenAuth
from reconciler.settings import ModelArtsTarget, load
from tests.vendor.cases import table

DOCUMENT = (Path(__file__).parents[2] / "docs" / "modelarts.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


def test_the_table_of_cases_is_the_one_the_tests_run() -> None:
    """Number, verdict, setting and source: held in `tests.vendor.cases`."""
    assert DOCUMENT.partition("## The 45 cases")[2].endswith("\n\n" + table())


def test_each_way_to_log_in_has_an_example() -> None:
    """The first names every key of a target."""
    assert [re.findall(r'method = "(\w+)"', example) for example in EXAMPLES] == [
        ["aksk"], ["aksk"], ["aksk"], ["token"], ["password"],
    ]  # fmt: skip
    assert "security_token_command" in EXAMPLES[2]


@pytest.mark.parametrize(
    ("number", "kind"),
    list(enumerate([AccessKeyAuth, AccessKeyAuth, AccessKeyAuth, TokenAuth, PasswordAuth])),
)
def test_an_example_is_loaded_and_becomes_the_flow_it_shows(number: int, kind: type, tmp_path: Path) -> None:
    """Keys, types and secrets; no file or variable is read before it is used."""
    (tmp_path / "reconciler.toml").write_text(EXAMPLES[number], "utf-8")
    configuration = load(None, cwd=tmp_path)
    target = configuration.settings.targets["prod"]
    assert isinstance(target, ModelArtsTarget)
    assert type(auth_of(tmp_path, target.project_id, keys_of(target.auth))) is kind


def test_every_edition_is_explained() -> None:
    """In the table of editions, in their order."""
    rows = re.findall(r"^\| `((?:seed|cn|otc|current)[^`]*)` \|", DOCUMENT, re.MULTILINE)
    assert tuple(rows) == EDITIONS
