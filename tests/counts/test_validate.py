"""What `validate FILE` and `doctor` open and start does not grow with the number of manifests."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bench.generate import declared, generate, git
from bench.measure import git_counted
from tests.git_repository import git_environment
from tests.program import EMBEDDED, Done, Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FEW, _MANY = 10, 1500
_HEARING: list[set[str]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Notes the manifests that this process opens; a hook that Python keeps for good."""
    if event == "open" and _HEARING and "models.d/" in str(arguments[0]):
        _HEARING[-1].add(str(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def _heard() -> None:
    sys.addaudithook(_hear)


@contextmanager
def _opened() -> Iterator[set[str]]:
    _HEARING.append(set())
    yield _HEARING[-1]
    _HEARING.pop()


@dataclass(frozen=True)
class Tree:
    """A clone of a generated repository, and the program in it."""

    folder: Path
    models: int

    def counted(self, *arguments: str) -> tuple[Done, int, int]:
        """What a command says, the manifests it opens and the git processes it starts.

        Those that ask for git's version are not counted: a process of the program asks once, and the tests'
        own once for all.
        """
        with git_counted(self.folder.parent, git_environment()) as (variables, log), _opened() as opened:
            done = Program(self.folder)(*arguments, PATH=variables["PATH"])
            started = log.read_text("utf-8").splitlines()
            return done, len(opened), sum(words != "version" for words in started)


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Tree]:
    """By the number of manifests."""

    def made(models: int) -> Tree:
        folder = tmp_path_factory.mktemp("tree")
        generate(folder / "models.git", models)
        git(folder, "clone", "--quiet", "models.git", "clone")
        Program(folder / "clone").configure(EMBEDDED)
        return Tree(folder / "clone", models)

    return {models: made(models) for models in (_FEW, _MANY)}


def test_one_file_costs_one_process_and_opens_itself_alone_in_a_large_tree(trees: dict[int, Tree]) -> None:
    """In a small one all manifests are opened; the first time in a large one, git reads a commit's."""
    one = declared(3).path
    _, opened, processes = trees[_FEW].counted("validate", one)
    assert (opened, processes) == (_FEW + 1, 1)
    _, opened, processes = trees[_MANY].counted("validate", one)
    assert (opened, processes) == (1, 4)
    for _ in range(2):
        _, opened, processes = trees[_MANY].counted("validate", one)
        assert (opened, processes) == (1, 1)


def test_the_whole_tree_is_opened_once_and_a_commit_is_read_by_a_few_processes(
    trees: dict[int, Tree],
) -> None:
    """However many manifests there are."""
    for models, tree in trees.items():
        assert tree.counted("validate")[1:] == (models + 1, 1)
        assert tree.counted("validate", "--commit", "HEAD")[1:] == (0, 3)


def test_doctor_reads_the_manifests_of_a_small_repository_and_counts_those_of_a_large_one(
    trees: dict[int, Tree],
) -> None:
    """With a process less, and it says so."""
    (few, *small), (many, *large) = (tree.counted("doctor") for tree in trees.values())
    assert (small[0], large[0]) == (0, 0)
    assert small[1] - large[1] == 1
    assert f"{_FEW + 1} manifests: 0 errors" in few.out
    assert f"{_MANY + 1:,} files, counted and not read; `reconciler validate --commit" in many.out
