"""`validate FILE` in a large work tree: what else claims the pair is found without opening every manifest."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Fleet, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

_MANY = 1100
_KEPT = ".git/reconciler"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A repository of more manifests than are opened one by one."""
    fleet = Fleet(tmp_path_factory.mktemp("large") / "fleet")
    fleet.configure(EMBEDDED)
    fleet.declare(*(f"m{number}@1.0.0" for number in range(_MANY)))
    return fleet


@pytest.fixture
def large(made: Fleet) -> Iterator[Fleet]:
    """The same at the start of each test."""
    first = made.repository.git("rev-parse", "HEAD")
    yield made
    made.repository.git("reset", "--quiet", "--hard", first)
    made.repository.git("clean", "--quiet", "--force", "-d")


def _conflicts(fleet: Fleet, path: str, **environment: str) -> list[str]:
    """The other places that claim what a file claims."""
    report = fleet.json("validate", path, **environment).json
    assert all(problem["code"] == "conflict" for problem in report["problems"]), report
    places = " ".join(
        problem["message"].partition("(")[2].partition(")")[0] for problem in report["problems"]
    )
    return sorted(
        place.rpartition(":")[0] for place in places.split(", ") if place and f"{path}:" not in place
    )


@pytest.mark.parametrize(
    "written",
    [
        manifest("m7@1.0.0"),
        "# c\n---\n" + manifest("m7@1.0.0").replace('"m7"', "m7 # c"),
        manifest("m7@1.0.0").replace('"m7"', '"m\\u0037"'),
        manifest("m7@1.0.0").replace('"m7"', "\n    m7"),
        manifest("m7@1.0.0").replace("model_name:", '"model\\u005fname":'),
        manifest("n@1.0.0") + "---\n" + manifest("m7@1.0.0"),
    ],
)
def test_a_second_claim_is_found_however_it_is_written(large: Fleet, written: str) -> None:
    """For the new file and for the old one, and in a small tree as well."""
    small = Fleet(large.folder.parent / "small")
    small.repository.write({"models.d/m7-1.0.0.yaml": manifest("m7@1.0.0")})
    for fleet in (large, small):
        fleet.configure(EMBEDDED)
        fleet.repository.write({"models.d/twin.yaml": written})
        fleet.repository.git("add", "models.d")
        assert _conflicts(fleet, "models.d/twin.yaml") == ["models.d/m7-1.0.0.yaml"]
        assert _conflicts(fleet, "models.d/m7-1.0.0.yaml") == ["models.d/twin.yaml"]
    assert _conflicts(large, "models.d/m8-1.0.0.yaml") == []


def test_what_was_not_looked_at_is_said(large: Fleet) -> None:
    """What is not staged, beside the file that is given: in text, and in JSON."""
    large.repository.write({"models.d/other.yaml": manifest("m7@1.0.0")})
    done = large("validate", "models.d/m7-1.0.0.yaml")
    assert (done.code, done.out) == (0, "1 manifest: 0 errors, 0 warnings\n")
    assert "note: another manifest of the same model and version was looked for in what is staged" in done.err
    assert len(large.json("validate", "models.d/m7-1.0.0.yaml").json["notes"]) == 1
    assert large("validate").code == 1
    assert large.json("validate").json["notes"] == []


def test_what_is_staged_counts_and_not_what_was_committed(large: Fleet) -> None:
    """A claim that is staged for removal, or moved to another version, is none any more."""
    large.repository.write(
        {
            "models.d/twin.yaml": manifest("m7@1.0.0"),
            "models.d/m7-1.0.0.yaml": None,
            "models.d/eight.yaml": manifest("m8@1.0.0"),
            "models.d/m8-1.0.0.yaml": manifest("m8@1.1.0"),
        }
    )
    large.repository.git("add", "--all", "models.d")
    assert _conflicts(large, "models.d/twin.yaml") == []
    assert _conflicts(large, "models.d/eight.yaml") == []


def test_what_is_kept_of_a_commit_serves_for_those_after_it(large: Fleet) -> None:
    """It is made once; what later commits changed is asked from git."""
    assert _conflicts(large, "models.d/m7-1.0.0.yaml") == []
    (kept,) = (large.folder / _KEPT).glob("claims-*.db")
    before = kept.stat().st_mtime_ns
    large.commit({"models.d/twin.yaml": manifest("m7@1.0.0"), "models.d/m8-1.0.0.yaml": None})
    assert _conflicts(large, "models.d/m7-1.0.0.yaml") == ["models.d/twin.yaml"]
    assert kept.stat().st_mtime_ns == before


def test_what_is_kept_of_a_commit_that_is_gone_is_made_anew(large: Fleet, tmp_path: Path) -> None:
    """After a rewritten history was cleaned up."""
    assert _conflicts(large, "models.d/m7-1.0.0.yaml") == []
    copy = Fleet(Path(shutil.copytree(large.folder, tmp_path / "fleet")))
    copy.repository.git("checkout", "--quiet", "--orphan", "anew")
    copy.commit({"models.d/twin.yaml": manifest("m7@1.0.0")})
    copy.repository.git("branch", "--delete", "--force", "--quiet", "main")
    copy.repository.git("reflog", "expire", "--expire=now", "--all")
    copy.repository.git("prune", "--expire=now")
    assert _conflicts(copy, "models.d/m7-1.0.0.yaml") == ["models.d/twin.yaml"]


@pytest.mark.parametrize("damage", ["junk", "empty", "in the way"])
def test_what_is_kept_may_be_damaged_or_impossible(large: Fleet, damage: str) -> None:
    """Then it is made anew, or everything is opened: the second claim is found in any case."""
    large.repository.write({"models.d/twin.yaml": manifest("m7@1.0.0")})
    large.repository.git("add", "models.d")
    assert _conflicts(large, "models.d/twin.yaml") == ["models.d/m7-1.0.0.yaml"]
    (kept,) = (large.folder / _KEPT).glob("claims-*.db")
    if damage == "in the way":
        shutil.rmtree(kept.parent)
        kept.parent.write_text("a file")
    else:
        kept.write_bytes(b"junk" * 5000 if damage == "junk" else b"")
    for _ in range(2):
        assert _conflicts(large, "models.d/twin.yaml") == ["models.d/m7-1.0.0.yaml"]
    if damage == "in the way":
        kept.parent.unlink()


def test_a_claim_in_the_index_alone_is_named(large: Fleet) -> None:
    """As in a sparse checkout: it cannot be judged, and it will be in the commit."""
    large.repository.write({"models.d/twin.yaml": manifest("m7@1.0.0")})
    (large.folder / "models.d/m7-1.0.0.yaml").unlink()
    notes = large.json("validate", "models.d/twin.yaml").json["notes"]
    assert any("not looked at: models.d/m7-1.0.0.yaml" in note for note in notes)


def test_without_git_every_manifest_is_opened(large: Fleet, tmp_path: Path) -> None:
    """Nothing is passed over, and so nothing is said."""
    large.repository.write({"models.d/twin.yaml": manifest("m7@1.0.0")})
    nowhere = str(tmp_path / "nothing")
    assert _conflicts(large, "models.d/twin.yaml", PATH=nowhere) == ["models.d/m7-1.0.0.yaml"]
    assert large.json("validate", "models.d/twin.yaml", PATH=nowhere).json["notes"] == []


def test_a_configuration_file_is_judged_with_the_manifest_that_names_it(large: Fleet) -> None:
    """Checking either of them, in a folder of very many."""
    files = {"models.d/c.yaml": manifest("c@1.0.0", initial_config_file="c.json"), "models.d/c.json": "{"}
    large.repository.write(files)
    large.repository.git("add", "models.d")
    for given in ("models.d/c.yaml", "models.d/c.json"):
        done = large("validate", given)
        assert (done.code, "models.d/c.json:1" in done.out) == (1, True)
