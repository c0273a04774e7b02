"""The repositories that are measured: always the same, and as valid as a person's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.generate import amend, declared, generate, git
from bench.registry import as_sent
from reconciler.contract import comparable, edition
from reconciler.manifest import Manifest, read

if TYPE_CHECKING:
    from pathlib import Path

    from bench.generate import Layout


@pytest.mark.parametrize("layout", ["sharded", "flat"])
def test_the_same_arguments_give_the_same_commit(tmp_path: Path, layout: Layout) -> None:
    """Two machines measure the same repository."""
    for name in ("one", "other"):
        generate(tmp_path / name, 40, commits=3, seed=7, layout=layout)
    heads = [git(tmp_path / name, "rev-parse", "main", "first") for name in ("one", "other")]
    assert heads[0] == heads[1]
    assert git(tmp_path / "one", "merge-base", "main", "first") == heads[0].splitlines()[1]


def test_another_seed_gives_another_repository(tmp_path: Path) -> None:
    """The seed is not decoration."""
    for seed in (0, 1):
        generate(tmp_path / str(seed), 10, seed=seed)
    assert len({git(tmp_path / str(seed), "rev-parse", "main") for seed in (0, 1)}) == 2


def test_the_manifests_are_spread_over_the_commits_without_loss(tmp_path: Path) -> None:
    """Seven manifests in three commits are seven files and three commits, after the first."""
    generate(tmp_path / "models.git", 7, commits=3)
    assert len(git(tmp_path / "models.git", "ls-tree", "-r", "--name-only", "main").splitlines()) == 7 + 1
    assert git(tmp_path / "models.git", "rev-list", "--count", "main") == "4"


def test_a_commit_more_goes_on_from_the_one_before(tmp_path: Path) -> None:
    """What is measured as an edit is one file of one commit."""
    repository = tmp_path / "models.git"
    generate(repository, 3)
    head = git(repository, "rev-parse", "main")
    amend(repository, "main", [[declared(3)]], parent=head, at=9)
    changed = git(repository, "diff-tree", "-r", "--name-only", head, "main")
    assert changed == declared(3).path


@pytest.mark.parametrize("layout", ["sharded", "flat"])
def test_every_manifest_is_valid_and_is_the_request_that_is_preloaded(layout: Layout) -> None:
    """Else the program would measure its error messages, or find everything drifted."""
    rules = edition("seed-2019")
    pairs = set()
    for number in range(0, 3000, 97):
        made = declared(number, layout=layout)
        (manifest,) = read(made.path, made.text().encode(), rules, lambda _: None)
        assert isinstance(manifest, Manifest)
        assert not manifest.warnings
        one, other = comparable(manifest.request, as_sent(made.request))
        assert one == other
        pairs.add(manifest.pair)
    assert len(pairs) == len(range(0, 3000, 97))
