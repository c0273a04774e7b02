"""Which commits are trusted: by real signatures of ssh-keygen and GnuPG, in real repositories."""

from __future__ import annotations

import re
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sshsig

from reconciler.engine.trust import HoldCode
from reconciler.errors import ConfigurationError, GuardError
from reconciler.source import GitSource, KeyFiles, TrustRules, open_source
from reconciler.source.commands import Commands
from tests.git_repository import GitRepository, git_environment
from tests.signing import PgpKey, SshKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.engine.trust import Hold

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@dataclass
class Memory:
    """What a ledger keeps of it."""

    kept: dict[str, str] = field(default_factory=dict)
    writes: int = 0

    def marks(self, target: str) -> Mapping[str, str]:
        assert target == ""
        return self.kept

    def mark(self, target: str, name: str, value: str) -> None:
        assert target == ""
        self.writes += self.kept.get(name) != value
        self.kept[name] = value


@dataclass
class Place:
    """A repository, keys beside it, and what is remembered of both."""

    repository: GitRepository
    keys: SshKeys
    folder: Path
    stack: ExitStack
    memory: Memory = field(default_factory=Memory)
    now: datetime = NOW

    @property
    def signers(self) -> Path:
        """The file of allowed signers."""
        return self.folder / "signers"

    def opened(self, mode: str = "range", **rules: Any) -> GitSource:
        """The source, as a new process opens it."""
        files = {"allowed_signers": self.signers, "revoked_signers": None, "gpg_keyring": None}
        given = KeyFiles(**{name: rules.pop(name, file) for name, file in files.items()})
        made = open_source(
            str(self.repository.path), branch=None, cache_dir=self.folder / "cache", base=self.folder
        )
        source = self.stack.enter_context(made)
        options: Any = {"mode": mode, **rules}
        source.require(TrustRules(files=given, **options), self.memory, writes=True, now=lambda: self.now)
        return source

    def commit(self, name: str | None, files: Mapping[str, str | None] | None = None, *options: str) -> str:
        """One commit, signed or not."""
        return self.keys.commit(self.repository, name, files or {}, *options)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SshKeys:
    """Ssh keys for the whole module."""
    return SshKeys.made(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def place(repository: GitRepository, keys: SshKeys, tmp_path: Path) -> Iterator[Place]:
    """Ada and Bob may sign; Ada has made the first commit."""
    keys.allow(tmp_path / "signers", ada="", bob="")
    with ExitStack() as stack:
        made = Place(repository, keys, tmp_path, stack)
        made.commit("ada", {"models.d/a.yaml": "first\n"})
        yield made


def _hold(source: GitSource) -> Hold:
    hold = source.held()
    assert hold is not None
    return hold


def _git_says(repository: GitRepository, commit: str, *configuration: str) -> bool:
    """Whether git itself finds the signature good, by its exit status."""
    options = [part for one in configuration for part in ("-c", one)]
    done = subprocess.run(
        ["git", *options, "verify-commit", commit],
        cwd=repository.path,
        env=git_environment(),
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


# --- ssh -------------------------------------------------------------------------------------------------


def test_a_commit_that_a_known_key_signed_is_reconciled(place: Place) -> None:
    """The newest, and all before it."""
    commit = place.commit("bob")
    source = place.opened()
    assert source.head() == commit
    assert source.held() is None
    vouched = source.vouched(commit)
    committer = place.repository.git("log", "-1", "--format=%cn <%ce>")
    signer = f"bob@example.org ({place.keys.fingerprint('bob')})"
    assert vouched == f"verified: signed by {signer}, committed by {committer}"


def _tampered(place: Place) -> str:
    """A signed commit whose message was changed afterwards."""
    signed = place.repository.git("cat-file", "commit", place.commit("ada"))
    forged = place.repository.git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed.replace("Change", "Chance").encode()
    )
    place.repository.git("update-ref", "refs/heads/main", forged)
    return forged


def _merged(place: Place) -> str:
    """A commit by nobody, in a merge that Ada signed."""
    place.repository.git("checkout", "-q", "-b", "side")
    bad = place.commit(None, {"models.d/b.yaml": "b\n"})
    place.repository.git("checkout", "-q", "main")
    place.commit("ada", {"models.d/c.yaml": "c\n"})
    place.repository.git(*place.keys.signed_by("ada", "merge"), "-q", "--no-ff", "-m", "Merge", "side")
    return bad


def _tagged(place: Place) -> str:
    """A commit by nobody, with a tag that Ada signed."""
    commit = place.commit(None)
    place.repository.git(*place.keys.signed_by("ada", "tag")[:-1], "-s", "-m", "Tag", "v1")
    return commit


def _revoked(place: Place) -> str:
    """A commit by Bob, whose key is in the list of revoked ones."""
    (place.folder / "revoked").write_text(place.keys.public("bob"))
    return place.commit("bob")


def _expired(place: Place) -> str:
    """A commit by Bob, whose key had ended at the commit's own date."""
    place.keys.allow(place.signers, ada="", bob='valid-before="20200101"')
    return place.commit("bob")


def _backdated(place: Place) -> str:
    """A commit by Bob, whose key has ended, with a date of before: git itself calls it good."""
    place.keys.allow(place.signers, ada="", bob='valid-before="20240101Z",namespaces="git"')
    commit = place.commit("bob")
    assert _git_says(place.repository, commit, f"gpg.ssh.allowedSignersFile={place.signers}")
    return commit


def _for_files(place: Place) -> str:
    """A commit by Bob, who may sign files and no commits."""
    place.keys.allow(place.signers, ada="", bob='namespaces="file"')
    return place.commit("bob")


def _rewritten(place: Place) -> str:
    """A force-push that puts a commit by nobody in the place of the good one."""
    return place.commit(None, None, "--amend")


def _hostile(place: Place) -> str:
    """A commit by Eve in a repository whose own configuration has a program that calls everything good."""
    program = place.folder / "program"
    good = 'Good "git" signature for ada@example.org with ED25519 key SHA256:x'
    program.write_text(f"#!/bin/sh\n[ $2 = verify ] && cat > /dev/null\necho '{good}'\n")
    program.chmod(0o755)
    commit = place.commit("eve")
    place.repository.git("config", "gpg.ssh.program", str(program))
    return commit


CASES: dict[str, tuple[Callable[[Place], str], HoldCode]] = {
    "unsigned": (lambda place: place.commit(None), HoldCode.UNSIGNED),
    "an unknown key": (lambda place: place.commit("eve"), HoldCode.UNKNOWN_KEY),
    "a revoked key": (_revoked, HoldCode.REVOKED_KEY),
    "an expired key": (_expired, HoldCode.EXPIRED_KEY),
    "an expired key, backdated": (_backdated, HoldCode.EXPIRED_KEY),
    "another namespace": (_for_files, HoldCode.BAD_SIGNATURE),
    "changed after it was signed": (_tampered, HoldCode.BAD_SIGNATURE),
    "an unsigned commit in a signed merge": (_merged, HoldCode.UNSIGNED),
    "a signed tag of an unsigned commit": (_tagged, HoldCode.UNSIGNED),
    "a force-push of an unsigned commit over a signed one": (_rewritten, HoldCode.UNSIGNED),
    "an unknown key, in a repository whose `gpg.ssh.program` says Good": (_hostile, HoldCode.UNKNOWN_KEY),
}
_ROW = re.compile(r"^\| (.+?) \| (good|bad)[^|]* \| `(untrusted-.+?)` \|", re.MULTILINE)


def _documented() -> dict[str, tuple[str, str]]:
    """By case, what docs/audit.md shows that git says of the newest commit, and what is said here."""
    text = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
    return {case: (word, code) for case, word, code in _ROW.findall(text)}


def test_the_document_shows_every_case() -> None:
    """None is left out, none is made up."""
    assert _documented().keys() == CASES.keys()


@pytest.mark.parametrize("case", CASES)
def test_what_nobody_vouches_for_is_held_and_the_last_good_commit_goes_on(place: Place, case: str) -> None:
    """Each says which commit it is and why; the next process says the same."""
    make, code = CASES[case]
    good = place.opened().head()
    bad = make(place)
    revoked = place.folder / "revoked" if case == "a revoked key" else None
    configured = [f"gpg.ssh.allowedSignersFile={place.signers}"]
    configured += [f"gpg.ssh.revocationFile={revoked}"] if revoked else []
    git_says = "good" if _git_says(place.repository, "HEAD", *configured) else "bad"
    assert (git_says, code) == _documented()[case]
    for source in (place.opened(revoked_signers=revoked), place.opened(revoked_signers=revoked)):
        assert source.head() == good
        hold = _hold(source)
        assert (hold.commit, hold.code, hold.good) == (bad, code, good)
        assert bad[:12] in hold.message
        assert good[:12] in hold.message


@pytest.mark.parametrize("name", ["bob", "eve"])
def test_the_message_tells_whose_key_it_was(place: Place, name: str) -> None:
    """Also of a key that is revoked, of which git does not tell; and of one that nobody knows."""
    place.opened().head()
    (place.folder / "revoked").write_text(place.keys.public("bob"))
    place.commit(name)
    source = place.opened(revoked_signers=place.folder / "revoked")
    source.head()
    assert place.keys.fingerprint(name) in _hold(source).why
    assert ("bob@example.org" in _hold(source).why) is (name == "bob")


def test_head_mode_asks_the_newest_commit_alone(place: Place) -> None:
    """Its signer answers for all that it contains."""
    place.opened("head").head()
    _merged(place)
    newest = place.repository.git("rev-parse", "HEAD")
    assert place.opened("head").head() == newest
    place.commit(None)
    source = place.opened("head")
    assert source.head() == newest
    signed = place.commit("ada")
    assert source.head() == signed
    assert source.held() is None


def test_a_rewritten_branch_is_judged_from_where_it_left_the_good_one(place: Place) -> None:
    """The unsigned commit is gone from it, and what took its place is signed."""
    good = place.commit("ada")
    source = place.opened()
    assert source.head() == good
    place.commit(None)
    assert source.head() == good
    place.repository.git("reset", "-q", "--hard", f"{good}^")
    assert source.head() == place.repository.git("rev-parse", "HEAD")
    rewritten = place.commit("bob")
    assert source.head() == rewritten
    assert source.held() is None


def test_the_first_good_commit_after_a_bad_one_is_judged_with_all_between(place: Place) -> None:
    """In range mode a signature on top does not help; naming the bad one does."""
    good = place.opened().head()
    bad = place.commit(None)
    newest = place.commit("ada")
    source = place.opened()
    assert source.head() == good
    assert _hold(source).commit == bad
    assert _hold(source).head == newest
    assert place.opened(since=bad).head() == newest


def test_with_nothing_good_there_is_nothing_to_reconcile(place: Place) -> None:
    """The message names the setting that says where to begin."""
    first = place.repository.git("rev-parse", "HEAD")
    place.keys.allow(place.signers, bob="")
    with pytest.raises(GuardError, match=r"source\.verify\.since"):
        place.opened().head()
    assert place.opened(since=first).head() == first


def test_refuse_goes_on_with_nothing(place: Place) -> None:
    """Where holding on to the last good commit is not wanted."""
    source = place.opened(on_failure="refuse")
    source.head()
    place.commit(None)
    with pytest.raises(GuardError, match=r"is not signed by an ssh key .*: nothing is reconciled meanwhile"):
        source.head()


def test_a_commit_is_judged_once(place: Place) -> None:
    """Not again while nothing moves, nor by the next process; new keys are another thing."""
    place.opened().head()
    good = place.commit("bob")
    place.commit("eve")
    source = place.opened()
    source.head()
    commands, writes = Commands.started, place.memory.writes
    source.head()
    assert (Commands.started, place.memory.writes) == (commands, writes)
    place.keys.allow(place.signers, ada="", bob="", eve="")
    assert source.head() != good
    assert source.held() is None


def test_once_taken_a_commit_stays_trusted(place: Place) -> None:
    """What it declared is imported; a key that goes afterwards changes nothing of it."""
    good = place.commit("bob")
    source = place.opened()
    assert source.head() == good
    place.keys.allow(place.signers, ada="")
    assert source.head() == good
    assert place.opened().head() == good


def test_a_key_is_held_against_the_moment_at_which_a_commit_was_first_seen(place: Place) -> None:
    """Also when it is judged much later, since another commit held the branch up meanwhile."""
    place.keys.allow(place.signers, ada="", bob='valid-before="20261201Z"')
    place.opened().head()
    place.commit("bob")
    place.commit("eve")
    assert _hold_of(place.opened()).code is HoldCode.UNKNOWN_KEY
    place.now = NOW + timedelta(days=30)
    place.keys.allow(place.signers, ada="", bob='valid-before="20261201Z"', eve="")
    assert place.opened().head() == place.repository.git("rev-parse", "HEAD")
    late = place.commit("bob")
    hold = _hold_of(place.opened())
    assert (hold.commit, hold.code) == (late, HoldCode.EXPIRED_KEY)


def _hold_of(source: GitSource) -> Hold:
    source.head()
    return _hold(source)


def test_where_history_is_cut_off_a_range_cannot_be_judged(place: Place) -> None:
    """A shallow clone has commits whose parents nobody can look at; `since` says from where on."""
    place.commit("ada")
    shallow = place.folder / "shallow"
    place.repository.git("clone", "-q", "--depth=1", f"file://{place.repository.path}", str(shallow))
    place.repository = GitRepository(shallow)
    with pytest.raises(GuardError, match="shallow clone"):
        place.opened().head()
    newest = place.repository.git("rev-parse", "HEAD")
    assert place.opened(since=newest).head() == newest


def _replaced_by_good(place: Place) -> str:
    """A commit by nobody, in whose place a signed one is read by whoever heeds `refs/replace`."""
    good = place.commit("ada")
    place.repository.git("reset", "-q", "--hard", "HEAD~1")
    bad = place.commit(None, {"models.d/b.yaml": "bad\n"})
    place.repository.git("replace", bad, good)
    assert _git_says(place.repository, bad, f"gpg.ssh.allowedSignersFile={place.signers}")
    return bad


def _hidden_behind_a_graft(place: Place) -> str:
    """A commit by nobody below a signed one, which a graft gives another parent."""
    start = place.repository.git("rev-parse", "HEAD")
    bad = place.commit(None, {"models.d/b.yaml": "bad\n"})
    top = place.commit("ada")
    (place.repository.path / ".git/info/grafts").write_text(f"{top} {start}\n")
    assert bad not in place.repository.git("rev-list", "HEAD").split()
    return bad


def _hidden_behind_a_replacement(place: Place) -> str:
    """The same with `git replace --graft`, which leaves the signed commit its id."""
    start = place.repository.git("rev-parse", "HEAD")
    bad = place.commit(None, {"models.d/b.yaml": "bad\n"})
    place.repository.git("replace", "--graft", place.commit("ada"), start)
    assert bad not in place.repository.git("rev-list", "HEAD").split()
    return bad


@pytest.mark.parametrize("hide", [_replaced_by_good, _hidden_behind_a_graft, _hidden_behind_a_replacement])
def test_what_git_is_told_to_read_in_place_of_a_commit_vouches_for_nothing(
    place: Place, hide: Callable[[Place], str]
) -> None:
    """Whoever may write to the repository may tell it so; judged, and read, is what the commits say."""
    good = place.opened().head()
    bad = hide(place)
    source = place.opened()
    assert source.head() == good
    assert (_hold(source).commit, _hold(source).code) == (bad, HoldCode.UNSIGNED)


def test_a_commit_in_another_encoding_is_judged_and_told_like_any_other(place: Place) -> None:
    """Its signature is over the bytes as they are; its author is shown as written."""
    latin = ("-c", "i18n.commitEncoding=ISO-8859-1", *place.keys.signed_by("bob", "commit"))
    options = ("-q", "--allow-empty", "--author=J\udcfcrgen <j@example.org>", "-m", "gr\udcfcn")
    place.repository.git(*latin, *options)
    commit = place.repository.git("rev-parse", "HEAD")
    assert "encoding ISO-8859-1" in place.repository.git("cat-file", "commit", commit)
    assert place.opened().head() == commit
    place.keys.allow(place.signers, ada="")
    place.repository.git(*latin, *options)
    hold = _hold_of(place.opened())
    assert (hold.code, hold.author) == (HoldCode.UNKNOWN_KEY, "Jürgen <j@example.org>")


def test_a_repository_with_longer_ids_is_judged_like_any_other(keys: SshKeys, tmp_path: Path) -> None:
    """Of SHA-256: what is signed is trusted, what is not is held, and what lies between is judged."""
    keys.allow(tmp_path / "signers", ada="", bob="")
    with ExitStack() as stack:
        place = Place(GitRepository(tmp_path / "long", object_format="sha256"), keys, tmp_path, stack)
        good = place.commit("ada", {"models.d/a.yaml": "first\n"})
        assert (len(good), place.opened().head()) == (64, good)
        bad = place.commit(None)
        place.commit("bob")
        source = place.opened()
        assert source.head() == good
        assert (_hold(source).commit, _hold(source).code) == (bad, HoldCode.UNSIGNED)


def test_any_commit_can_be_asked_about(place: Place) -> None:
    """Nothing is remembered of it."""
    source = place.opened()
    good = source.head()
    place.repository.git("checkout", "-q", "-b", "proposal")
    bad = place.commit(None)
    before = dict(place.memory.kept)
    hold = source.judged(bad)
    assert hold is not None
    assert hold.code is HoldCode.UNSIGNED
    assert source.judged(good) is None
    assert place.memory.kept == before


# --- who may change what -----------------------------------------------------------------------------------

AUTHORS = {"models.d/prod/*": ("ada@*",), "models.d/*": ("*@example.org",)}
PROD = "models.d/prod/a.yaml"


@pytest.mark.parametrize("mode", ["head", "range"])
def test_a_path_is_changed_only_by_those_who_may(place: Place, mode: str) -> None:
    """The signer counts, and never the author's line, which anybody can write."""
    source = place.opened(mode, authors=AUTHORS)
    good = source.head()
    place.commit("bob", {PROD: "a\n"}, "--author=Ada <ada@example.org>")
    assert source.head() == good
    hold = _hold(source)
    assert hold.code is HoldCode.AUTHOR
    assert (PROD in hold.why, "bob@example.org" in hold.why) == (True, True)
    assert hold.author == "Ada <ada@example.org>"
    place.repository.git("reset", "-q", "--hard", good)
    place.commit("bob", {"models.d/b.yaml": "b\n"})
    newest = place.commit("ada", {PROD: "a\n"})
    assert source.head() == newest


def test_a_merge_answers_for_what_it_changes_itself(place: Place) -> None:
    """What a side brings was answered for there; what the merge puts back, its own signer did."""
    source = place.opened(authors=AUTHORS)
    source.head()
    place.repository.git("checkout", "-q", "-b", "side")
    place.commit("ada", {PROD: "a\n"})
    place.repository.git("checkout", "-q", "main")
    place.commit("bob", {"models.d/b.yaml": "b\n"})
    merge = (*place.keys.signed_by("bob", "merge"), "-q", "--no-ff", "-m", "Merge")
    place.repository.git(*merge, "side")
    merged = place.repository.git("rev-parse", "HEAD")
    assert source.head() == merged
    place.repository.git("checkout", "-q", "-b", "old", "HEAD^")
    place.commit("bob", {"models.d/c.yaml": "c\n"})
    place.repository.git("checkout", "-q", "main")
    place.repository.git(*merge, "-s", "ours", "old")
    assert source.head() == place.repository.git("rev-parse", "HEAD")
    theirs = place.repository.git(
        *("commit-tree", "old^{tree}", "-p", "main", "-p", "old", "-m", "Take theirs"),
    )
    place.repository.git("reset", "-q", "--hard", theirs)
    place.commit("bob", None, "--amend")
    assert source.head() != place.repository.git("rev-parse", "HEAD")
    assert (_hold(source).code, PROD in _hold(source).why) == (HoldCode.AUTHOR, True)


# --- OpenPGP ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgpKey]:
    """A key that may sign."""
    yield from PgpKey.made(tmp_path_factory.mktemp("gil") / "home", "Gil <gil@example.org>")


@pytest.mark.parametrize("armour", ["--armor", "--no-armor"])
def test_an_openpgp_key_of_the_keyring_vouches(place: Place, gil: PgpKey, armour: str) -> None:
    """Beside those of ssh, with the names of its user id."""
    keyring = gil.export(place.folder / "keyring", armour)
    place.opened().head()
    commit = gil.commit(place.repository)
    source = place.opened(gpg_keyring=keyring, authors={"*": ("gil@example.org", "ada@*")})
    assert source.head() == commit
    assert f"Gil <gil@example.org> ({gil.fingerprint})" in str(source.vouched(commit))


def test_an_openpgp_key_that_ended_since_vouches_for_what_was_seen_before(place: Place) -> None:
    """Judged years later, since another commit held the branch up; what is new then is held."""
    place.now = datetime(2020, 1, 1, 12, tzinfo=UTC)
    place.opened("head").head()
    for key in PgpKey.made(
        place.folder / "home", "Hal <hal@example.org>", "faked-system-time 20200101T060000"
    ):
        seen = key.commit(place.repository)
        place.commit("eve", {})
        keyring = key.export(place.folder / "keyring")
        held = place.opened(gpg_keyring=keyring, since=place.repository.git("rev-parse", "HEAD~2"))
        held.head()
        assert (_hold(held).code, _hold(held).commit == seen) == (HoldCode.UNKNOWN_KEY, False)
        place.now = NOW
        place.keys.allow(place.signers, ada="", eve="")
        source = place.opened(gpg_keyring=keyring)
        assert source.head() == place.repository.git("rev-parse", "HEAD")
        assert source.vouched(seen) == f"verified: signed by Hal <hal@example.org> ({key.fingerprint})"
        key.commit(place.repository)
        source.head()
        assert _hold(source).code is HoldCode.EXPIRED_KEY


def test_an_openpgp_key_that_is_in_no_keyring_vouches_for_nothing(place: Place, gil: PgpKey) -> None:
    """Whatever keyring the user who runs the program has."""
    place.opened().head()
    gil.commit(place.repository)
    hold = _hold_of(place.opened())
    assert (hold.code, hold.why) == (HoldCode.UNSIGNED, "is not signed by an ssh key")
    for other in PgpKey.made(place.folder / "other", "Other <other@example.org>"):
        source = place.opened(gpg_keyring=other.export(place.folder / "keyring"))
        source.head()
        assert _hold(source).code is HoldCode.UNKNOWN_KEY


def test_an_ssh_key_vouches_for_nothing_where_only_openpgp_keys_may_sign(place: Place, gil: PgpKey) -> None:
    """It is held; also a commit so long that git dies while it asks nobody about the signature."""
    good = gil.commit(place.repository)
    keyring = gil.export(place.folder / "keyring")
    trusting: Any = {"allowed_signers": None, "gpg_keyring": keyring, "since": good}
    assert place.opened(**trusting).head() == good
    for message in ("short", "long\n" * 20_000):
        place.commit("ada", {}, "--amend", f"--message={message}")
        source = place.opened(**trusting)
        assert source.head() == good
        assert _hold(source).code is HoldCode.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("setting", "code"),
    [("faked-system-time 20200101T000000", HoldCode.EXPIRED_KEY), ("", HoldCode.REVOKED_KEY)],
)
def test_a_revoked_or_expired_openpgp_key_vouches_for_nothing(
    place: Place, setting: str, code: HoldCode
) -> None:
    """As the keyring has it now, whatever was so when the commit was made."""
    place.opened().head()
    for key in PgpKey.made(place.folder / "home", "Hal <hal@example.org>", setting):
        key.commit(place.repository)
        if code is HoldCode.REVOKED_KEY:
            key.revoke()
        hold = _hold_of(place.opened(gpg_keyring=key.export(place.folder / "keyring")))
        assert (hold.code, key.fingerprint in hold.why) == (code, True)


def test_a_revoked_openpgp_key_that_has_also_ended_vouches_for_nothing(place: Place) -> None:
    """Also for what was seen before its end: of the two, GnuPG tells with a signature only the end."""
    place.now = datetime(2020, 1, 1, 12, tzinfo=UTC)
    place.opened("head").head()
    for key in PgpKey.made(
        place.folder / "home", "Hal <hal@example.org>", "faked-system-time 20200101T060000"
    ):
        good = place.repository.git("rev-parse", "HEAD")
        place.commit("eve", {})
        seen = key.commit(place.repository)
        place.opened(gpg_keyring=key.export(place.folder / "keyring"), since=good).head()
        key.revoke()
        place.now = NOW
        place.keys.allow(place.signers, ada="", eve="")
        source = place.opened(gpg_keyring=key.export(place.folder / "keyring"), since=good)
        source.head()
        assert (_hold(source).commit, _hold(source).code) == (seen, HoldCode.EXPIRED_KEY)


# --- a repository that wants to be believed ----------------------------------------------------------------


def test_what_a_repository_configures_about_signatures_counts_for_nothing(place: Place) -> None:
    """Neither its programs are started, nor its signers, revocations or least trust believed."""
    trace = place.folder / "trace"
    program = place.folder / "program"
    program.write_text(f"#!/bin/sh\necho $0 >> {trace}\necho 'Good \"git\" signature'\nexit 0\n")
    program.chmod(0o755)
    eve = place.keys.allow(place.repository.path / "signers", eve="")
    hostile = {
        "gpg.format": "ssh",
        **dict.fromkeys(("gpg.program", "gpg.openpgp.program", "gpg.x509.program"), str(program)),
        **dict.fromkeys(("gpg.ssh.program", "gpg.ssh.defaultKeyCommand"), str(program)),
        "gpg.ssh.allowedSignersFile": str(eve),
        "gpg.ssh.revocationFile": str(eve),
        "gpg.minTrustLevel": "undefined",
        "log.showSignature": "true",
        "core.hooksPath": str(place.folder),
    }
    good = place.opened().head()
    bad = place.commit("eve")
    for key, value in hostile.items():
        place.repository.git("config", key, value)
    source = place.opened()
    assert source.head() == good
    assert (_hold(source).commit, _hold(source).code) == (bad, HoldCode.UNKNOWN_KEY)
    assert not trace.exists()
    place.repository.git("reset", "-q", "--hard", good)
    place.repository.git("config", "gpg.ssh.program", "ssh-keygen")
    assert source.head() == good
    signed = place.commit("ada")
    place.repository.git("config", "gpg.ssh.program", str(program))
    assert source.head() == signed
    assert not trace.exists()


@pytest.mark.parametrize("setting", ["allowed_signers", "revoked_signers", "gpg_keyring"])
def test_keys_that_a_commit_could_change_are_refused(place: Place, setting: str) -> None:
    """They would be judged by themselves."""
    inside = place.keys.allow(place.repository.path / "signers", ada="")
    rules: dict[str, Any] = {setting: inside}
    with pytest.raises(ConfigurationError, match=f"{setting}.* lies in the repository"):
        place.opened(**rules)


BROKEN: dict[str, Callable[[Place], str]] = {
    "no such line": lambda place: f"ada@example.org {place.keys.public('ada')[:30]}",
    "no key": lambda _: "ada@example.org",
    "a time that is none": lambda place: f'ada@example.org valid-before="soon" {place.keys.public("ada")}',
    "an authority": lambda place: f"ada@example.org cert-authority {place.keys.public('ada')}",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_line_of_signers_that_cannot_be_read_is_named(place: Place, case: str) -> None:
    """Leaving it out could let a key live longer than it should."""
    place.signers.write_text(f"# first\n{BROKEN[case](place)}\n")
    with pytest.raises(ConfigurationError, match=r"signers:2: "):
        place.opened().head()


def test_keys_that_are_gone_stop_the_judging_and_say_so(place: Place) -> None:
    """Nothing new is taken on trust."""
    source = place.opened()
    source.head()
    place.commit(None)
    place.signers.unlink()
    with pytest.raises(ConfigurationError, match=r"allowed_signers: .*signers cannot be read"):
        source.head()


def test_what_is_found_good_is_what_git_itself_finds_good(place: Place) -> None:
    """The oracles: the exit status of `git verify-commit`, and another reader of ssh signatures."""
    place.keys.allow(place.signers, ada='valid-after="20200101Z"', bob='valid-before="20200101Z"')
    source = place.opened(since=place.repository.git("rev-parse", "HEAD"))
    source.head()
    configured = f"gpg.ssh.allowedSignersFile={place.signers}"
    for name in ("ada", "bob", "eve", None, "ada"):
        place.repository.git("reset", "-q", "--hard", source.head())
        commit = place.commit(name)
        is_good = source.judged(commit) is None
        assert is_good is _git_says(place.repository, commit, configured)
        assert is_good is (_sshsig_says(place, commit, "ada") is not None)
    forged = _tampered(place)
    assert source.judged(forged) is not None
    assert _sshsig_says(place, forged, "ada") is None


def _sshsig_says(place: Place, commit: str, *allowed: str) -> sshsig.PublicKey | None:
    """The key, one of these, that made the signature of a commit, where it is good."""
    raw = place.repository.git("cat-file", "commit", commit)
    signature, lines, head = "", list[str](), True
    for line in raw.splitlines(keepends=True):
        head = head and line != "\n"
        if head and (line.startswith("gpgsig ") or (signature and line.startswith(" "))):
            signature += line.removeprefix("gpgsig").removeprefix(" ")
        else:
            lines.append(line)
    keys = [sshsig.PublicKey.from_openssh_str(place.keys.public(name)) for name in allowed]
    try:
        return sshsig.verify("".join(lines) + "\n", signature, keys)
    except sshsig.InvalidSignature:
        return None
