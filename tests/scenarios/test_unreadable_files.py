"""A file of which nobody knows what it declares makes no registered model unmanaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.program import EMBEDDED, Fleet, manifest

if TYPE_CHECKING:
    from pathlib import Path

_MORE = "---\n".join(manifest(f"more-{number}@1.0.0") for number in range(101))
UNREADABLE: dict[str, bytes] = {
    "101 documents": _MORE.encode(),
    "too large": b"#" * (256 * 1024 + 1),
    "not UTF-8": b"model_name: \xff\n",
    "UTF-16": "model_name: a\n".encode("utf-16"),
    "binary": b"\x00\x01",
    "no YAML": b"a: [\n",
    "conflict markers": b"<<<<<<< HEAD\n---\n=======\n>>>>>>> topic\n",
    "too deep": b"[" * 40,
    "too many nodes": b"a: [" + b"1, " * 20_001 + b"]\n",
}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Two models from one file and one from another, registered."""
    made = Fleet(tmp_path / "fleet")
    made.configure(EMBEDDED)
    made.commit(
        {
            "models.d/m.yaml": manifest("a@1.0.0") + "---\n" + manifest("b@1.0.0"),
            "models.d/c.yaml": manifest("c@1.0.0"),
        }
    )
    assert made("apply").code == 0
    return made


@pytest.mark.parametrize("index", ["kept", "lost"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_models_that_were_declared_in_it_are_not_unmanaged(fleet: Fleet, name: str, index: str) -> None:
    """Where the file lies as before, where models were moved into it, and where the state was lost."""
    fleet.commit({"models.d/m.yaml": None, "models.d/all.yaml": UNREADABLE[name], "models.d/c.yaml": None})
    for command in ("plan", "apply", "plan"):
        done = fleet.json(command)
        assert (done.code, set(done.verdicts.values())) == (1, {"invalid"})
        if index == "lost":
            for file in (fleet.folder / ".reconciler").glob("[is]*.db*"):
                file.unlink()
    fleet.commit({"models.d/all.yaml": manifest("a@1.0.0")})
    assert fleet.json("apply").verdicts == {
        "a@1.0.0": "in-sync",
        "b@1.0.0": "unmanaged",
        "c@1.0.0": "unmanaged",
    }


def test_an_invalid_document_hides_nothing(fleet: Fleet) -> None:
    """It was read to its end: what it claims is known, and what it does not claim is declared nowhere."""
    fleet.commit({"models.d/m.yaml": None, "models.d/x.yaml": manifest("a@1.0.0", colour="red")})
    assert fleet.json("plan").verdicts == {
        "a@1.0.0": "invalid",
        "b@1.0.0": "unmanaged",
        "c@1.0.0": "in-sync",
    }


def test_the_limit_of_documents_is_told_with_its_line(fleet: Fleet) -> None:
    """100 are read; the 101st is named."""
    fleet.commit({"models.d/many.yaml": _MORE})
    (line,) = fleet("validate").out.splitlines()[:1]
    assert line.startswith("models.d/many.yaml:")
    assert line.endswith("a file holds at most 100 documents")
