"""Versions, statuses, editions by name, and what loading the room costs."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reconciler.contract as room
from reconciler.contract import (
    DEFAULT_EDITION,
    EDITIONS,
    FreeVersions,
    ModelKey,
    Parsed,
    edition,
    lifecycle,
    version_key,
)
from reconciler.contract.catalogue import EDITIONS_OF_FIELD
from reconciler.errors import ConfigurationError


@pytest.mark.parametrize(
    ("version", "taken", "free"),
    [
        ("1.0.0", (), "1.0.1"),
        ("1.0.0", ("1.0.1", "1.0.2"), "1.0.3"),
        ("1.0.99", (), "1.1.0"),
        ("1.99.99", ("2.0.0",), "2.0.1"),
        ("99.99.99", (), None),
        ("99.99.98", ("99.99.99",), None),
        ("v1", (), None),
        ("01.0.0", (), None),
    ],
)
def test_the_next_free_version(version: str, taken: tuple[str, ...], free: str | None) -> None:
    """Patches first, parts carry over, None when nothing is left."""
    assert FreeVersions(taken).after(version) == free


few = st.integers(0, 499).map(lambda number: f"99.{95 + number // 100}.{number % 100}")


@given(taken=st.sets(few), asked=st.lists(st.tuples(few, st.booleans())))
def test_every_answer_is_the_first_version_behind_that_is_not_taken(
    taken: set[str], asked: list[tuple[str, bool]]
) -> None:
    """Whatever was asked before, and was taken since."""
    free = FreeVersions([*taken, "latest"])
    every = [f"99.{minor}.{patch}" for minor in range(95, 100) for patch in range(100)]
    for version, takes in asked:
        behind = (one for one in every if version_key(one) > version_key(version) and one not in taken)
        first = next(behind, None)
        assert free.after(version) == first
        if takes and first is not None:
            free.take(first)
            taken.add(first)


def test_that_all_versions_of_a_name_drifted_costs_no_more_for_each_of_them() -> None:
    """Passing over all that is taken once for each of a hundred thousand would take half an hour."""
    taken = [f"{number // 10_000}.{number // 100 % 100}.{number % 100}" for number in range(100_000)]
    free = FreeVersions(taken)
    assert {free.after(version) for version in taken} == {"10.0.0"}


def test_versions_sort_by_number_and_others_after_them() -> None:
    """A registry may hold versions that no edition would take."""
    ordered = ["0.0.1", "1.2.0", "1.10.0", "10.0.0", "1.0.100", "latest"]
    assert sorted(set(ordered), key=version_key) == ordered
    assert all(version_key(one) < version_key(other) for one, other in pairwise(ordered))


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("publishing", "pending"), ("building", "pending"), ("foo", "pending"), (None, "pending"),
        ("", "pending"), ("published", "published"), ("failed", "failed"), ("building_failed", "failed"),
    ],
)  # fmt: skip
def test_a_status_is_pending_until_it_is_known_to_be_final(status: str | None, meaning: str) -> None:
    """Case 44: a word nobody documents means: keep looking."""
    assert lifecycle(status) == meaning


def test_editions_are_found_by_name_and_unknown_ones_name_the_four() -> None:
    """The default is the document this project began with."""
    assert DEFAULT_EDITION == EDITIONS[0] == "seed-2019"
    assert [edition(name).name for name in EDITIONS] == list(EDITIONS)
    assert edition("current") is edition("current")
    with pytest.raises(
        ConfigurationError, match="'2019' is not known; choose one of seed-2019, cn-2021, otc"
    ):
        edition("2019")


def test_the_table_of_fields_by_edition_is_right() -> None:
    """It is kept apart so that one edition loads without the others."""
    fields = {name: set(edition(name).fields) for name in EDITIONS}
    everywhere = set.intersection(*fields.values())
    assert {
        field: tuple(name for name in EDITIONS if field in fields[name])
        for field in set.union(*fields.values()) - everywhere
    } == EDITIONS_OF_FIELD


def test_loading_the_room_loads_no_edition_and_one_edition_loads_no_other() -> None:
    """Start-up stays quick: pydantic comes with the first edition."""
    script = (
        "import sys, reconciler.contract as room; assert 'pydantic' not in sys.modules;"
        "room.edition('cn-2021').parse({});"
        "print(sorted(name.rsplit('.')[-1] for name in sys.modules if '.contract.editions.' in name))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "['cn_2021', 'edition']"


def test_edition_and_parsed_can_be_named_from_the_room() -> None:
    """For annotations; anything else is no part of it."""
    assert isinstance(edition("current"), room.Edition)
    assert isinstance(edition("current").parse({}), Parsed)
    assert not hasattr(room, "nothing")


def test_a_pair_reads_as_name_at_version() -> None:
    """As in every output."""
    assert str(ModelKey("mnist", "1.0.0")) == "mnist@1.0.0"
