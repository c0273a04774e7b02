"""Chinese is one set of characters, whichever rule speaks of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.contract import EDITIONS, edition, request
from reconciler.contract.patterns import HAN
from tests.contract.documents import minimal, packages

if TYPE_CHECKING:
    from reconciler.contract.patterns import PatternRule

CHINESE = ["手", "㐀", "〇", "豈", "\ufa0e", "\U00020000", "𠮷", "\U0002f800", "\U0003134a"]
OTHERS = ["é", "あ", "한", "😀", "。", "ａ"]
LETTERS = "seed-2019", "cn-2021", "current"

DOC = [{"doc_name": "d", "doc_url": "https://x/y"}]


def accepted(name: str, document: dict[str, Any]) -> bool:
    """Whether the rules accept it; the editor's schema must say the same."""
    valid = edition(name).parse(document).request is not None
    assert Draft202012Validator(edition(name).json_schema()).is_valid(document) is valid
    return valid


@pytest.mark.parametrize("character", CHINESE, ids=ascii)
def test_a_chinese_character_is_one_to_every_rule(character: str) -> None:
    """Names of models and of documents take it, names and versions of packages and algorithms refuse it."""
    for name in EDITIONS:
        takes = name in LETTERS
        assert accepted(name, minimal(model_name=f"a{character}")) is takes
        assert accepted(name, minimal(model_docs=[{**DOC[0], "doc_name": character}])) is takes
        assert accepted(name, minimal(model_docs=[{**DOC[0], "doc_name": f"d{character}"}]))
        assert accepted(name, minimal(description=character))
        assert not accepted(name, minimal(dependencies=packages(package_name=f"a{character}")))
        version = packages(package_version=f"1{character}", restraint="EXACT")
        assert not accepted(name, minimal(dependencies=version))
        assert not accepted(name, minimal(initial_config={"model_algorithm": f"a{character}"}))


@pytest.mark.parametrize("character", OTHERS, ids=ascii)
def test_other_characters_are_not_chinese(character: str) -> None:
    """Letters of other scripts, signs and full-width forms."""
    for name in EDITIONS:
        assert not accepted(name, minimal(model_name=f"a{character}"))
        assert accepted(name, minimal(dependencies=packages(package_name=f"a{character}")))


@pytest.mark.parametrize("rule", [request.NAME_CLAUSE, request.PACKAGE_CLAUSE])
def test_a_rule_finds_in_a_text_without_chinese_what_the_whole_pattern_finds(rule: PatternRule) -> None:
    """Such a text is searched with a pattern that leaves the Chinese characters out."""
    assert HAN in rule.sought
    for text in ["", "a\n", *map(chr, range(128)), *(f"a{chr(code)}b" for code in range(128)), *CHINESE]:
        match = re.search(rule.sought, text)
        again = rule.search(text)
        assert (again and again.span()) == (match and match.span()), repr(text)
