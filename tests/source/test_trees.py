"""Trees that git itself would never write, and names that no command line can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.program import Fleet, manifest, modelarts
from tests.relay import Relay, relayed
from tests.source.asking import attributed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.git_repository import GitRepository
    from tests.source.conftest import Opener


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A registry that publishes at once."""
    with relayed() as registry:
        yield registry


@pytest.fixture
def fleet(tmp_path: Path, relay: Relay) -> Fleet:
    """A repository with one commit, for that registry."""
    made = Fleet(tmp_path / "fleet")
    made.commit({".gitignore": "reconciler.toml\n.reconciler/\n"})
    made.configure(modelarts(relay.url))
    return made


def _tree(repository: GitRepository, *entries: tuple[str, str, str]) -> str:
    raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(blob) for mode, name, blob in entries)
    return repository.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=raw)


def _commit(repository: GitRepository, models: str, parent: str | None = None) -> str:
    """A commit of main whose `models.d` is this tree."""
    root = _tree(repository, ("40000", "models.d", models))
    more = ("-p", parent) if parent else ()
    commit = repository.git("commit-tree", "-m", "By hand", *more, root)
    repository.git("update-ref", "refs/heads/main", commit)
    return commit


def _blob(repository: GitRepository, text: str) -> str:
    return repository.git("hash-object", "-w", "--stdin", stdin=text.encode())


def test_what_a_tree_names_twice_is_nobodys_manifest(repository: GitRepository, opened: Opener) -> None:
    """Files and folders; also where they are asked for by name, and as a change."""
    one, other = _blob(repository, "1"), _blob(repository, "2")
    first = _commit(repository, _tree(repository, ("100644", "a.yaml", one), ("100644", "c.yaml", one)))
    twice = (("100644", "a.yaml", one), ("100644", "a.yaml", other), ("100644", "c.yaml", one))
    second = _commit(repository, _tree(repository, *twice), first)
    source = opened("repo")
    modes = {"models.d/a.yaml": "ambiguous", "models.d/c.yaml": "100644"}
    assert {file.path: file.mode for file in source.snapshot(second, "models.d").files} == modes
    assert {path: file.mode for path, file in source.files(second, list(modes)).items()} == modes
    assert source.changes(first, second, "models.d") is None
    folder = _tree(repository, ("100644", "x.yaml", one))
    both = _commit(repository, _tree(repository, ("40000", "f", folder), ("40000", "f", folder)), second)
    assert [file.mode for file in source.snapshot(both, "models.d").files] == ["ambiguous"]


@pytest.mark.parametrize("name", ["a/b.yaml", "a//b.yaml", "../b.yaml", "./b.yaml"])
def test_a_name_that_no_checkout_could_have_is_nobodys_manifest(
    repository: GitRepository, opened: Opener, name: str
) -> None:
    """Its neighbours are as good as ever."""
    blob = _blob(repository, "1")
    commit = _commit(repository, _tree(repository, ("100644", "0.yaml", blob), ("100644", name, blob)))
    modes = {file.path: file.mode for file in opened("repo").snapshot(commit, "models.d").files}
    assert modes == {"models.d/0.yaml": "100644", f"models.d/{name}": "ambiguous"}


def test_one_odd_tree_entry_is_an_error_for_that_file_only(fleet: Fleet) -> None:
    """In a plan and a validation of the commit alike; the other model is imported."""
    repository = fleet.repository
    a, b = (_blob(repository, manifest(model)) for model in ("a@1.0.0", "b@1.0.0"))
    names = (("100644", "a.yaml", a), ("100644", "b.yaml", b), ("100644", "b.yaml", b))
    _commit(repository, _tree(repository, *names), repository.git("rev-parse", "main"))
    done = fleet.json("apply")
    assert (done.code, done.verdicts) == (1, {"a@1.0.0": "in-sync", "models.d/b.yaml": "invalid"})
    [reason] = done.items["models.d/b.yaml"]["reasons"]
    assert (reason["code"], "names this path twice" in reason["message"]) == ("ambiguous-path", True)
    problems = fleet.json("validate", "--commit", "main").json["problems"]
    assert [problem["code"] for problem in problems] == ["ambiguous-path"]


@pytest.mark.parametrize("character", ["\u200b", "\u3164", "\u2060", "\ufeff", "\u00ad", "\U000e0041"])
def test_a_file_name_with_something_invisible_is_refused(fleet: Fleet, relay: Relay, character: str) -> None:
    """Two names that look the same are no way to declare something twice."""
    fleet.declare("a@1.0.0")
    fleet.commit({f"models.d/a{character}.yaml": manifest("b@1.0.0")})
    done = fleet.json("apply")
    assert done.verdicts["a@1.0.0"] == "in-sync"
    [path] = set(done.verdicts) - {"a@1.0.0"}
    assert character not in path
    assert done.items[path]["reasons"][0]["code"] == "unsafe-path"
    assert relay.posts == 1


def _long_path(*parts: int) -> str:
    return "models.d/" + "/".join("x" * part for part in parts) + "/b.yaml"


@pytest.mark.parametrize(
    "path", [_long_path(200_000), _long_path(*(1000,) * 150), "models.d/" + "é" * 100_000 + ".yaml"]
)
def test_a_path_that_no_command_line_takes_stops_nothing(fleet: Fleet, relay: Relay, path: str) -> None:
    """Alone in a push, and with others; what it declares is imported and credited, if it may be so long."""
    fleet.environment["RECONCILER_LIMITS__PATH"] = "1000000"
    fleet.declare("a@1.0.0")
    assert fleet("apply").code == 0
    content = manifest("b@1.0.0")
    _add(fleet.repository, path, content)
    assert fleet("plan").code == 0
    assert fleet("apply").code == 0
    assert fleet.json("status").verdicts == {"a@1.0.0": "in-sync", "b@1.0.0": "in-sync"}
    named = path.removeprefix("models.d/").replace(".yaml", ".json")
    companion = manifest("c@1.0.0", initial_config_file=named)
    _add(fleet.repository, path, content + "\n", ("c.yaml", companion))
    done = fleet.json("apply")
    assert (done.code, sorted(done.verdicts.values())) == (1, ["in-sync", "in-sync", "invalid"])
    assert done.verdicts["b@1.0.0"] == "in-sync"
    assert fleet("history", "b").code == 0
    assert relay.posts == 2


def _add(repository: GitRepository, path: str, content: str, *more: tuple[str, str]) -> str:
    """A commit on main that adds a file at a path of any length, and more beside it in `models.d`."""
    folders = path.split("/")[1:]
    mode, made = "100644", _blob(repository, content)
    for name in reversed(folders[1:]):
        made, mode = _tree(repository, (mode, name, made)), "40000"
    entries = [("100644", name, blob) for _, name, blob in _listed(repository) if name not in dict(more)]
    entries += [("100644", name, _blob(repository, text)) for name, text in more]
    tree = _tree(repository, *sorted([*entries, (mode, folders[0], made)], key=lambda entry: entry[1]))
    return _commit(repository, tree, repository.git("rev-parse", "main"))


def _listed(repository: GitRepository) -> list[tuple[str, str, str]]:
    """The files that lie directly in `models.d`, each with a short name."""
    lines = repository.git("ls-tree", "main:models.d").splitlines()
    entries = [(line.split()[0], line.partition("\t")[2], line.split()[2]) for line in lines]
    return [entry for entry in entries if entry[0] == "100644" and len(entry[1]) < 100]


def test_a_long_path_is_credited_to_its_commit(repository: GitRepository, opened: Opener) -> None:
    """Whoever asks for it alone."""
    repository.commit({"models.d/a.yaml": "1"})
    path = _long_path(200_000)
    _add(repository, path, "x")
    source = opened("repo")
    commit = source.head()
    assert attributed(source, commit, [path])[path].commit == commit
    changes = source.changes(repository.git("rev-parse", "main~1"), commit, "models.d")
    assert changes is not None
    assert list(changes) == [path]
