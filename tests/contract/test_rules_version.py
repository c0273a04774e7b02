"""The name under which results of reading may be kept changes with all that decides them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler import contract
from reconciler.contract.rules_identity import RULES
from tests.contract.rules import PACKAGE, ROOMS, code_of, digest, stored

if TYPE_CHECKING:
    from pathlib import Path


def test_other_rules_have_another_number() -> None:
    """What an index kept would be a lie otherwise; a number is never used for two."""
    rules = stored()
    assert max(map(int, rules)) == RULES
    assert rules[str(RULES)] == digest(), (
        "the code of contract or manifest has changed: raise RULES in contract/rules_identity.py, then run "
        "`python -m tests.contract.rules`"
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of both rooms."""
    for room in ROOMS:
        shutil.copytree(PACKAGE / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_every_module_counts_by_its_code_and_by_its_name(copied: Path) -> None:
    """Not by its comments."""
    digests = {digest(copied)}
    module = copied / "manifest" / "editor" / "x.py"
    module.parent.mkdir()
    for text in ("", "a = 1\n", "a = 2\n", "a = 2  # two\n"):
        module.write_text(text, "utf-8")
        digests.add(digest(copied))
    module.rename(module.with_name("y.py"))
    digests.add(digest(copied))
    assert len(digests) == 5


def test_comments_docstrings_and_layout_are_no_code() -> None:
    """But a text in the same place as a value is."""
    plain = 'def f(a):\n    return "# ü", a\n'
    written = '"""Ü."""\n\ndef f(a):  # ü\n    """Dö:\n\n    ä.\n    """\n\n    return "# ü", a  # why\n\n'
    assert code_of(plain) == code_of(written)
    assert code_of(plain) != code_of(plain.replace("# ü", "# u"))


def test_it_is_the_same_in_every_process_of_one_python() -> None:
    """So that what one start kept is used by the next."""
    asked = [sys.executable, "-c", "from reconciler.contract import rules_version; print(rules_version())"]
    printed = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    assert printed == contract.rules_version()
    assert printed.startswith(f"{RULES} ")
