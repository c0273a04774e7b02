"""What docs/reliability.md says of the harness is what the harness does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from reconciler.embedded import load_faults
from reconciler.embedded.testing.faults import Corrupt, Drop, ExpireTokens, Late, Meddle, Reply, Slow
from tests.torture.points import FAMILIES, POINTS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_document_lists_every_point_and_no_other() -> None:
    """A new point is documented."""
    text = (DOCS / "reliability.md").read_text("utf-8")
    names = set(re.findall(rf"`((?:{'|'.join(FAMILIES)})/[a-z-]+)`", text))
    assert names == set(POINTS)


def test_the_document_describes_every_kind_of_fault() -> None:
    """By the word that stands in the file."""
    text = (DOCS / "reliability.md").read_text("utf-8")
    for kind in (Drop, Reply, Slow, Late, Corrupt, ExpireTokens, Meddle):
        (word,) = get_args(kind.model_fields["action"].annotation)
        assert f"`{word}`" in text


def test_the_example_of_a_script_loads_and_shows_every_kind_of_fault() -> None:
    """What is shown can be used."""
    faults = load_faults(DOCS / "faults.toml")
    assert {type(rule) for rule in faults.rules} == {Drop, Reply, Slow, Late, Corrupt, ExpireTokens, Meddle}
