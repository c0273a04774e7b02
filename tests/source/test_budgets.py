"""However much git has to say of a commit, so much is read and no more, and what was over is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.budgets import DEFAULTS, Budgets
from reconciler.errors import BudgetError
from reconciler.source import open_source
from reconciler.source.git_log import commits
from reconciler.source.plumbing import blocks, bounded
from tests.git_repository import GitRepository
from tests.torture.hostile.commits import deep, long_author, nested
from tests.torture.hostile.objects import Entry, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.source import GitSource

pytestmark = pytest.mark.long

SMALL = Budgets(paths=50, changes=50, commits=5)


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """A bare repository with one good commit."""
    made = GitRepository(tmp_path_factory.mktemp("hostile") / "made", bare=True)
    nested(ObjectStore(made.path), "", deep=1, wide=2)
    return made


def _opened(repository: GitRepository, budgets: Budgets) -> GitSource:
    folder = repository.path
    return open_source(str(folder), branch="main", cache_dir=folder, base=folder, budgets=budgets)


@pytest.mark.parametrize(
    ("budgets", "named"),
    [(SMALL, "limits.paths"), (DEFAULTS._replace(listed_bytes=2000), "limits.listed_bytes")],
)
def test_a_list_of_files_ends_at_its_budget_whatever_git_goes_on_saying(
    repository: GitRepository, budgets: Budgets, named: str
) -> None:
    """Ten million paths take no longer than fifty; the setting is named."""
    commit = nested(ObjectStore(repository.path), "", deep=7)
    with _opened(repository, budgets) as source, pytest.raises(BudgetError, match=named):
        source.snapshot(commit, "models.d")


def test_a_difference_or_a_log_over_its_budget_tells_too_little(repository: GitRepository) -> None:
    """The commit is looked at as a whole, which has a budget of its own; that the branch goes on is known."""
    good = repository.git("rev-parse", "main")
    bad = nested(ObjectStore(repository.path), good, deep=2)
    with _opened(repository, SMALL) as source:
        assert source.changes(good, bad, "models.d") is None
        since = source.graph_since(good, bad, "models.d")
        assert since is not None
        assert [(one.commit, one.deltas) for one in since] == [(bad, ())]
        assert "limits.changes" in str(since.cut)
        assert source.graph_since(bad, good, "models.d") is None
    with _opened(repository, DEFAULTS) as source:
        assert len(source.changes(good, bad, "models.d") or ()) == 102
        since = source.graph_since(good, bad, "models.d")
        assert since is not None
        assert since.cut is None


def test_history_ends_where_it_is_over_its_budget_and_says_so(repository: GitRepository) -> None:
    """The newest commits are told; nothing is raised."""
    tip = repository.git("rev-parse", "main")
    for number in range(8):
        tip = nested(ObjectStore(repository.path), tip, deep=1, wide=3 + number % 2)
    with _opened(repository, SMALL) as source:
        with source.graph(tip, ["models.d"], whole=True) as graph:
            assert next(logged.commit for logged in graph) == tip
            assert len(list(graph)) == 5
            assert "limits.commits" in str(graph.cut)
        with source.graph(tip, ["models.d/hostile/0.yaml"]) as graph:
            assert len(list(graph)) == 5
            assert graph.cut is not None


def test_few_files_are_credited_although_another_commit_changed_millions(repository: GitRepository) -> None:
    """What else a commit did is not even told."""
    store = ObjectStore(repository.path)
    good = repository.git("rev-parse", "main")
    tip = store.commit(repository.git("rev-parse", f"{good}^{{tree}}"), [nested(store, good, deep=7)])
    with _opened(repository, SMALL) as source, source.graph(tip, ["models.d/hostile/0.yaml"]) as graph:
        assert [logged.commit for logged in graph][-1] == good
        assert graph.cut is None


def test_a_git_that_breaks_down_under_a_commit_is_no_repository_that_cannot_be_read(
    repository: GitRepository,
) -> None:
    """By its own stack in folders too deep, or by its bound on memory in ten million paths."""
    good = repository.git("rev-parse", "main")
    store = ObjectStore(repository.path)
    for bad in (deep(store, good, levels=20_000), nested(store, good, deep=7)):
        with _opened(repository, DEFAULTS._replace(git_memory=64 << 20)) as source:
            assert source.changes(good, bad, "models.d") is None
            with source.graph(bad, ["models.d"], whole=True) as graph:
                assert list(graph) == []
                assert graph.cut is not None
            with pytest.raises(BudgetError):
                source.snapshot(bad, "models.d")


def test_a_log_that_git_cannot_go_on_with_ends_where_it_breaks_down(repository: GitRepository) -> None:
    """A message larger than git may allocate hides what is older, and nothing is raised."""
    good = repository.git("rev-parse", "main")
    tree = repository.git("rev-parse", f"{good}^{{tree}}")
    store = ObjectStore(repository.path)
    tip = store.commit(tree, [store.commit(tree, [good], message=b"x" * (80 << 20))])
    with _opened(repository, DEFAULTS._replace(git_memory=64 << 20)) as source:
        for paths, whole in ((["models.d/hostile/0.yaml"], False), (["models.d"], True)):
            with source.graph(tip, paths, whole=whole) as graph:
                assert good not in [logged.commit for logged in graph]
                assert "limits.git_memory" in str(graph.cut)
        assert source.graph_since(good, tip, "models.d") is None
        assert good in source.commit_infos([tip, good])


def test_a_long_author_and_subject_are_kept_as_far_as_the_settings_say(repository: GitRepository) -> None:
    """A megabyte of each is read once and kept nowhere."""
    commit = long_author(ObjectStore(repository.path), "", size=1_000_000, models=1)
    with (
        _opened(repository, DEFAULTS._replace(author=20, subject=10)) as source,
        source.graph(commit, ["models.d/long0.yaml"]) as graph,
    ):
        commit_info = next(iter(graph)).commit_info
    assert (commit_info.author, commit_info.subject) == ("N" * 19 + "…", "S" * 9 + "…")


def test_history_tells_of_no_path_that_is_too_long_to_be_read(repository: GitRepository) -> None:
    """What is asked for by its name is told of."""
    good, long = repository.git("rev-parse", "main"), "x" * 300 + ".yaml"
    store = ObjectStore(repository.path)
    entries = [Entry(b"100644", name.encode(), store.blob(b"x: 1\n")) for name in (long, "short.yaml")]
    tip = store.commit(store.tree([Entry(b"40000", b"models.d", store.tree(entries))]), [good])
    with _opened(repository, DEFAULTS._replace(path=300)) as source:
        since = source.graph_since(good, tip, "models.d")
        assert since is not None
        with source.graph(tip, ["models.d"], whole=True) as whole:
            for graph in (since, whole):
                changed = [delta.path for delta in next(iter(graph)).deltas if delta.after is not None]
                assert changed == ["models.d/short.yaml"]
        with source.graph(tip, [f"models.d/{long}"]) as graph:
            assert [delta.path for delta in next(iter(graph)).deltas] == [f"models.d/{long}"]


def test_a_record_without_an_end_is_given_up() -> None:
    """One commit, or one path, never fills the memory."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with pytest.raises(BudgetError):
        next(blocks(endless(), longest=1 << 20))
    with pytest.raises(BudgetError):
        list(commits(endless(), DEFAULTS._replace(log_bytes=1 << 20)))
    with pytest.raises(BudgetError):
        list(bounded([b"\0" * 5], 100, "", fields=4))
