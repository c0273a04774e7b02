"""What is measured of auditing: commands that found what they were asked for, on a small stage."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from bench.audit import audited, note_rows, program_rows, write_notes
from bench.generate import git

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

MODELS = 12


def test_questions_and_logs_are_measured_beside_git(tmp_path: Path) -> None:
    """Each model has a commit and three events; a question that finds nothing would end the run."""
    with audited(tmp_path / "run", MODELS) as site:
        rows = list(islice(program_rows(site, 1), 3))  # the others are measured in the same way
        assert write_notes(site, tmp_path / "notes") > 0
        reader = tmp_path / "reader.git"
        lines = list(note_rows(site, reader, 1))
        written = git(reader, "notes", "--ref=three-lines", "list").splitlines()
        last = git(reader, "notes", "--ref=three-lines", "show", "main").splitlines()
    assert (len(written), len(last)) == (MODELS, 3)
    assert [row.title.partition(" ")[0] for row in rows] == ["reconciler", "git", "reconciler"]
    assert all(row.cpu > 0 for row in rows)
    assert [row.title.split()[1] for row in rows if row.beside] == ["history"]
    assert [line.count("|") for line in lines] == [7] * 5
