"""What somebody who may push, or write into the repository, makes up so that a commit is trusted."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.engine.trust import HoldCode
from reconciler.errors import SourceError
from tests.git_repository import GitRepository, path_with_git
from tests.source.test_trust import AUTHORS, PROD, keys, place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.source.test_trust import Place

__all__ = ["keys", "place"]

_END = b"-----END SSH SIGNATURE-----"
_HASH, _ENTRY, _PARENT = 20, 36, 20  # bytes: an id, a commit in a commit-graph, and its first parent therein


def _bytes(place: Place, commit: str) -> bytes:
    command = ["git", "cat-file", "commit", commit]
    return subprocess.run(command, cwd=place.repository.path, check=True, capture_output=True).stdout


def _put(place: Place, content: bytes) -> str:
    """A commit that no git would make is the newest one."""
    command = ("hash-object", "-t", "commit", "-w", "--literally", "--stdin")
    commit = place.repository.git(*command, stdin=content)
    place.repository.git("update-ref", "refs/heads/main", commit)
    return commit


def _with_header(place: Place, header: bytes, name: str | None = None) -> str:
    """A commit with one more header, at the end of them."""
    content = _bytes(place, place.commit(name, {"models.d/b.yaml": "bad\n"}))
    return _put(place, content.replace(b"\n\n", b"\n" + header + b"\n\n", 1))


def _signature(content: bytes) -> bytes:
    return content[content.index(b"gpgsig ") : content.index(_END) + len(_END)]


def _with_a_signature_of_another_commit(place: Place) -> str:
    signature = _signature(_bytes(place, place.commit("ada")))
    place.repository.git("reset", "-q", "--hard", "HEAD^")
    return _with_header(place, signature)


def _with_two_signatures(place: Place) -> str:
    signature = _signature(_bytes(place, place.commit("ada")))
    place.repository.git("reset", "-q", "--hard", "HEAD^")
    content = _bytes(place, place.commit("eve", {"models.d/b.yaml": "bad\n"}))
    return _put(place, content.replace(b"gpgsig ", signature + b"\ngpgsig ", 1))


def _with_the_signature_of_a_tag(place: Place) -> str:
    commit = place.commit(None, {"models.d/b.yaml": "bad\n"})
    place.repository.git(*place.keys.signed_by("ada", "tag")[:-1], "-s", "-m", "Tag", "v1")
    tag = place.repository.git("cat-file", "tag", "v1").encode()
    signature = tag[tag.index(b"-----BEGIN") :].strip().replace(b"\n", b"\n ")
    content = _bytes(place, commit)
    return _put(place, content.replace(b"\n\n", b"\ngpgsig " + signature + b"\n\n", 1))


def _by_a_name_that_ends(place: Place) -> str:
    content = _bytes(place, place.commit(None))
    return _put(place, content.replace(b"author ", b"author A\0G\0ada@example.org\0SHA256:x\0", 1))


def _by_a_long_name(place: Place) -> str:
    content = _bytes(place, place.commit(None))
    return _put(place, content.replace(b"author ", b"author " + b"A" * 2_000_000, 1))


def _in_a_merge_of_three(place: Place) -> str:
    sides = []
    for name in "xy":
        place.repository.git("checkout", "-q", "-b", name, "main")
        sides.append(place.commit(None if name == "y" else "ada", {f"models.d/{name}.yaml": "x\n"}))
    place.repository.git("checkout", "-q", "main")
    place.repository.git(*place.keys.signed_by("ada", "merge"), "-q", "-m", "Merge", "x", "y")
    return sides[1]


def _as_a_root_of_its_own(place: Place) -> str:
    root = place.repository.git("commit-tree", "-m", "Root", "HEAD^{tree}")
    merge = ("-q", "--allow-unrelated-histories", "-s", "ours", "-m", "Merge", root)
    place.repository.git(*place.keys.signed_by("ada", "merge"), *merge)
    return root


def _in_a_merged_tag(place: Place) -> str:
    """The merge has the signed tag among its headers."""
    place.repository.git("checkout", "-q", "-b", "side")
    bad = place.commit(None, {"models.d/b.yaml": "bad\n"})
    place.repository.git(*place.keys.signed_by("ada", "tag")[:-1], "-s", "-m", "Tag", "v1")
    place.repository.git("checkout", "-q", "main")
    place.repository.git(*place.keys.signed_by("ada", "merge"), "-q", "--no-ff", "-m", "Merge", "v1")
    return bad


def _named_by_a_tag_in_the_branchs_place(place: Place) -> str:
    bad = place.commit(None)
    place.repository.git(*place.keys.signed_by("ada", "tag")[:-1], "-s", "-m", "Tag", "v1")
    tag = place.repository.git("rev-parse", "v1")
    (place.repository.path / ".git/refs/heads/main").write_text(f"{tag}\n")
    return bad


def _with_notes_that_say_good(place: Place) -> str:
    bad = place.commit(None)
    place.repository.git("notes", "--ref", "x", "add", "-m", "G", bad)
    place.repository.git("config", "notes.displayRef", "refs/notes/*")
    return bad


def _from_objects_elsewhere(place: Place) -> str:
    other = GitRepository(place.folder / "other")
    bad = other.commit({"models.d/z.yaml": "z\n"})
    alternates = place.repository.path / ".git/objects/info/alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_text(f"{other.path}/.git/objects\n")
    place.repository.git("update-ref", "refs/heads/main", bad)
    return bad


def _hidden_by_a_commit_graph(place: Place) -> str:
    """A file beside the commits says that the signed one on top has another parent."""
    start = place.repository.git("rev-parse", "HEAD")
    bad = place.commit(None, {"models.d/b.yaml": "bad\n"})
    top = place.commit("ada")
    place.repository.git("commit-graph", "write", "--reachable")
    file = place.repository.path / ".git/objects/info/commit-graph"
    graph = bytearray(file.read_bytes())
    table = {bytes(graph[at : at + 4]): at for at in range(8, 8 + 12 * graph[6], 12)}[b"CDAT"]
    (commits,) = struct.unpack(">Q", graph[table + 4 : table + 12])
    ids = sorted([start, bad, top])
    parent = commits + ids.index(top) * _ENTRY + _PARENT
    graph[parent : parent + 4] = struct.pack(">I", ids.index(start))
    file.chmod(0o644)
    file.write_bytes(bytes(graph))
    assert bad not in place.repository.git("rev-list", "HEAD").split()
    return bad


def _with_an_unreadable_signature(place: Place) -> str:
    """What checks it ends before it has read the commit; by its length git always notices, and dies of it."""
    content = _bytes(place, place.commit(None, {"models.d/b.yaml": "bad\n"}))
    signature = b"\ngpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n " + _END + b"\n\n"
    return _put(place, content.replace(b"\n\n", signature, 1) + b"long\n" * 200_000)


def _program(folder: Path) -> Path:
    program = folder / "program"
    good = 'Good "git" signature for ada@example.org with ED25519 key SHA256:x'
    program.write_text(f"#!/bin/sh\n[ $2 = verify ] && cat > /dev/null\necho '{good}'\n")
    program.chmod(0o755)
    return program


def _with_an_included_configuration(place: Place) -> str:
    bad = place.commit("eve")
    (place.repository.path / ".git/more").write_text(f'[gpg "ssh"]\n\tprogram = {_program(place.folder)}\n')
    place.repository.git("config", "include.path", "more")
    return bad


def _with_a_configuration_of_the_work_tree(place: Place) -> str:
    bad = place.commit("eve")
    place.repository.git("config", "extensions.worktreeConfig", "true")
    place.repository.git("config", "--worktree", "gpg.ssh.program", str(_program(place.folder)))
    return bad


_X509 = b"gpgsig -----BEGIN SIGNED MESSAGE-----\n x\n -----END SIGNED MESSAGE-----"
_PGP = b"gpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----"
ATTACKS: dict[str, tuple[Callable[[Place], str], HoldCode]] = {
    "a signature of another commit": (_with_a_signature_of_another_commit, HoldCode.BAD_SIGNATURE),
    "a good signature of another commit beside its own": (_with_two_signatures, HoldCode.BAD_SIGNATURE),
    "the signature of a tag": (_with_the_signature_of_a_tag, HoldCode.BAD_SIGNATURE),
    "a signature of no kind": (lambda one: _with_header(one, b"gpgsig fake"), HoldCode.BAD_SIGNATURE),
    "a signature that cannot be read": (_with_an_unreadable_signature, HoldCode.BAD_SIGNATURE),
    "an X.509 signature": (lambda one: _with_header(one, _X509), HoldCode.UNSIGNED),
    "an OpenPGP signature without a keyring": (lambda one: _with_header(one, _PGP), HoldCode.UNSIGNED),
    "an author's line that ends in the middle": (_by_a_name_that_ends, HoldCode.UNSIGNED),
    "an author's line of two megabytes": (_by_a_long_name, HoldCode.UNSIGNED),
    "a side of a signed merge of three": (_in_a_merge_of_three, HoldCode.UNSIGNED),
    "another root below a signed merge": (_as_a_root_of_its_own, HoldCode.UNSIGNED),
    "a signed merge of a signed tag": (_in_a_merged_tag, HoldCode.UNSIGNED),
    "a tag in the place of the branch": (_named_by_a_tag_in_the_branchs_place, HoldCode.UNSIGNED),
    "notes that are shown": (_with_notes_that_say_good, HoldCode.UNSIGNED),
    "objects of another repository": (_from_objects_elsewhere, HoldCode.UNSIGNED),
    "a commit-graph": (_hidden_by_a_commit_graph, HoldCode.UNSIGNED),
    "an included configuration": (_with_an_included_configuration, HoldCode.UNKNOWN_KEY),
    "a work tree's configuration": (_with_a_configuration_of_the_work_tree, HoldCode.UNKNOWN_KEY),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_is_made_up_makes_a_commit_trusted(place: Place, attack: str) -> None:
    """It is held, and the last trusted one goes on; also where git itself breaks down over the commit."""
    make, code = ATTACKS[attack]
    good = place.opened().head()
    bad = make(place)
    source = place.opened()
    assert source.head() == good
    hold = source.held()
    assert hold is not None
    assert (hold.code, hold.good) == (code, good)
    assert bad in (hold.commit, place.repository.git("rev-parse", f"{hold.commit}^{{commit}}"))


def test_a_signature_of_no_kind_hides_none_of_its_neighbours(place: Place) -> None:
    """Of many commits that are judged together, each is told as it would be alone."""
    source = place.opened()
    source.head()
    first = place.commit("eve")
    _with_header(place, b"gpgsig fake", "ada")
    for _ in range(3):
        place.commit("ada")
    source.head()
    hold = source.held()
    assert hold is not None
    assert (hold.commit, hold.code) == (first, HoldCode.UNKNOWN_KEY)


def test_a_git_that_breaks_down_says_nothing_of_a_signature(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is held for it: the next look, when git works again, goes on to the commit."""
    source = place.opened()
    source.head()
    good = place.commit("ada")
    monkeypatch.setenv("PATH", path_with_git(tmp_path, '*%G?*) echo "fatal: cannot fork" >&2; exit 128'))
    with pytest.raises(SourceError):
        source.head()
    monkeypatch.undo()
    assert (source.head(), source.held()) == (good, None)


def test_where_a_range_begins_has_to_be_there(place: Place) -> None:
    """A `since` that names no commit of the repository takes nothing out of what is judged."""
    unknown: Any = {"since": "1" * 40}
    good = place.opened(**unknown).head()
    place.commit(None)
    assert place.opened(**unknown).head() == good


@pytest.mark.parametrize("on_top", [False, True])
@pytest.mark.parametrize("parents", [("main", "old"), ("mine", "main", "old")])
def test_whoever_merges_answers_for_what_the_merge_leaves_out(
    place: Place, parents: tuple[str, ...], *, on_top: bool
) -> None:
    """Of a change that one side made, and also where somebody who may goes on from the merge."""
    source = place.opened(authors=AUTHORS)
    source.head()
    place.commit("ada", {PROD: "one\n"})
    place.repository.git("branch", "old")
    good = place.commit("ada", {PROD: "two\n"})
    assert source.head() == good
    for branch in ("mine", "old"):
        place.repository.git("checkout", "-q", "-B", branch, "main" if branch == "mine" else "old")
        place.commit("bob", {"models.d/c.yaml": "c\n"})
    named = [word for parent in parents for word in ("-p", parent)]
    merge = place.repository.git("commit-tree", "old^{tree}", *named, "-m", "Leave two out")
    place.repository.git("checkout", "-q", "main")
    place.repository.git("reset", "-q", "--hard", merge)
    merge = place.commit("bob", None, "--amend")
    if on_top:
        place.commit("ada", {"models.d/d.yaml": "d\n"})
    assert source.head() == good
    hold = source.held()
    assert hold is not None
    assert (hold.commit, hold.code, PROD in hold.why) == (merge, HoldCode.AUTHOR, True)


def test_a_merge_of_sides_that_were_merged_before_answers_for_nothing_of_them(place: Place) -> None:
    """Two branches that took each other's changes, and each other's again."""
    source = place.opened(authors=AUTHORS)
    source.head()
    place.repository.git("branch", "side")
    merge = (*place.keys.signed_by("bob", "merge"), "-q", "--no-ff", "-m", "Merge")
    for number in range(2):
        place.commit("ada", {PROD: f"{number}\n"})
        place.repository.git("checkout", "-q", "side")
        place.commit("bob", {"models.d/c.yaml": f"{number}\n"})
        place.repository.git("branch", "-f", "before")
        place.repository.git(*merge, "main")
        place.repository.git("checkout", "-q", "main")
        place.repository.git(*merge, "before")
    place.repository.git(*merge, "side")
    assert source.head() == place.repository.git("rev-parse", "HEAD")
    assert source.held() is None
