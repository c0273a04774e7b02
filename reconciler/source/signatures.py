"""Whether a commit's signature is good, as git itself judges it, by keys that lie outside the repository.

Whatever a repository's own configuration says of signatures is overruled: programs, formats, signers,
revocations and the least trust. Of git's answer only its status counts (`%G?`); its words say "Good" of a key
that nobody knows.
"""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import closing
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.trust import HoldCode
from reconciler.errors import ConfigurationError
from reconciler.printable import printable
from reconciler.source.commands import FOUND_OR_NOT, Commands, GitError, load_gitpython
from reconciler.source.git_env import NOTHING
from reconciler.source.plumbing import as_lines, blocks, bounded, path_of
from reconciler.source.signers import KeyFiles, Keyring, read_allowed_signers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime


_GOOD = "G"
_OF_ENDED_KEY = "Y"  # good, by an OpenPGP key that has ended since
_CODES = {
    "N": HoldCode.UNSIGNED,
    "U": HoldCode.UNKNOWN_KEY,
    "E": HoldCode.UNKNOWN_KEY,  # of OpenPGP: the key is not in the keyring
    "X": HoldCode.EXPIRED_KEY,
    "Y": HoldCode.EXPIRED_KEY,
    "R": HoldCode.REVOKED_KEY,
}
_NAMES = ("%H", "%an <%ae>", "%cn <%ce>")
_FIELDS = ("%G?", "%GS", "%GF", *_NAMES)
_SHOWN = (
    *("log", "-z", "--no-walk=unsorted", "--no-show-signature", "--no-color"),
    *("--no-use-mailmap", "--encoding=UTF-8", "--stdin"),
)
_KINDS = tuple(
    f"-----BEGIN {kind}-----".encode()
    for kind in ("PGP SIGNATURE", "PGP MESSAGE", "SIGNED MESSAGE", "SSH SIGNATURE")
)
"""How signatures begin; git breaks down over a commit with any other (its `gpg-interface.c`)."""
_SSH_SIGNATURES = (2, 34)  # the first git that knows them


class Signature(NamedTuple):
    """What is known of one commit's signature.

    Attributes:
        fault: None where it is good.
        signer: whose key it is, as the keys say; empty where nobody's.
        key: the key's fingerprint; empty where it is not known.
        author, committer: what the commit says.
        identities: everything that the keys call the signer.
    """

    commit: str
    fault: HoldCode | None
    signer: str
    key: str
    author: str
    committer: str
    identities: tuple[str, ...] = ()

    @property
    def whose(self) -> str:
        """Whose key it is, in words."""
        if not self.key:
            return "a key that cannot be told"
        return f"{self.signer} ({self.key})" if self.signer else f"key {self.key}"


class Verifier:
    """Judges signatures by what the files say at the moment it is made; closed by its owner."""

    def __init__(self, files: KeyFiles) -> None:
        """Reads the keys.

        Raises:
            ConfigurationError: a file cannot be used, or the program that it needs is not there.
        """
        self.fingerprint = files.fingerprint()
        self._files = files
        self._ssh = self._ssh_keygen() if files.allowed_signers else NOTHING
        self._signers = read_allowed_signers(files.allowed_signers) if files.allowed_signers else ()
        self._keyring = Keyring(files.gpg_keyring) if files.gpg_keyring else None

    def close(self) -> None:
        """Removes what was made for GnuPG; safe to call twice."""
        if self._keyring is not None:
            self._keyring.close()

    def signatures(
        self, commands: Commands, commits: Sequence[str], seen_at: Mapping[str, datetime]
    ) -> list[Signature]:
        """What is known of each commit's signature, in their order; one git, and some programs a commit.

        Args:
            commands: git in the repository.
            commits: whole object ids.
            seen_at: when each was first seen here: its key has to be valid then, too.

        Raises:
            SourceError: git failed.
        """
        revoked = str(self._files.revoked_signers or os.devnull)
        signatures = list(self._asked(commands, commits, revoked))
        bad = [one.commit for one in signatures if one.fault is HoldCode.BAD_SIGNATURE]
        if bad and self._files.revoked_signers:
            signatures = self._named_as_revoked(commands, signatures, bad)
        return [self._at_first_sight(one, seen_at[one.commit]) for one in signatures]

    def _named_as_revoked(
        self, commands: Commands, signatures: list[Signature], bad: Sequence[str]
    ) -> list[Signature]:
        """What is bad only by the list of revoked keys; git does not tell whose key it was."""
        without = {one.commit: one for one in self._asked(commands, bad, os.devnull)}
        return [
            without[one.commit]._replace(fault=HoldCode.REVOKED_KEY)
            if one.commit in without and without[one.commit].fault is not HoldCode.BAD_SIGNATURE
            else one
            for one in signatures
        ]

    def _asked(self, commands: Commands, commits: Sequence[str], revoked: str) -> Iterator[Signature]:
        """The signatures; one over which git breaks down is bad, and costs more processes.

        That is one of no kind, and one that the program which checks it does not even read: git writes to a
        pipe that is closed, and dies of it unless it was faster.
        """
        try:
            shown = self._shown(commands, commits, revoked)
        except GitError as error:
            if len(commits) > 1:
                half = len(commits) // 2
                for some in (commits[:half], commits[half:]):
                    yield from self._asked(commands, some, revoked)
                return
            if error.status != -signal.SIGPIPE and _is_of_a_kind(commands, commits[0]):
                raise  # git's own trouble, which may pass: nothing is known of the signature
            (names,) = _printed(commands, commits, _NAMES)
            shown = [["", "", "", *names]]
        for status, signer, key, commit, author, committer in shown:
            fault = None if status == _GOOD else _CODES.get(status, HoldCode.BAD_SIGNATURE)
            identities = self._identities(signer, key) if fault is None or status == _OF_ENDED_KEY else ()
            yield Signature(
                commit, fault, printable(signer), key, printable(author), printable(committer), identities
            )

    def _shown(self, commands: Commands, commits: Sequence[str], revoked: str) -> list[list[str]]:
        home = {"GNUPGHOME": str(self._keyring.home)} if self._keyring else {"GNUPGHOME": os.devnull}
        with closing(commands.configured(self._pins(revoked), home)) as pinned:
            return _printed(pinned, commits, _FIELDS)

    def _pins(self, revoked: str) -> list[tuple[str, str]]:
        """Everything about signatures that a repository's configuration could say."""
        gpg = self._keyring.program if self._keyring else NOTHING
        return [
            ("gpg.format", "openpgp"),
            ("gpg.program", gpg),
            ("gpg.openpgp.program", gpg),
            ("gpg.x509.program", NOTHING),
            ("gpg.ssh.program", self._ssh),
            ("gpg.ssh.defaultKeyCommand", NOTHING),
            ("gpg.ssh.allowedSignersFile", str(self._files.allowed_signers or os.devnull)),
            ("gpg.ssh.revocationFile", revoked),
            ("gpg.minTrustLevel", "fully"),
        ]

    def _identities(self, signer: str, key: str) -> tuple[str, ...]:
        """What the keys call the owner of a key; of OpenPGP the address of the user id, and all of it."""
        principals = {name for one in self._signers if one.fingerprint == key for name in one.principals}
        if principals:
            return tuple(sorted(principals))
        address = signer.rpartition("<")[2].rstrip(">")
        return (signer, address)

    def _at_first_sight(self, signature: Signature, moment: datetime) -> Signature:
        """A signature counts if the key was valid when the commit was first seen, whenever it is judged.

        git held the times of an ssh key against the committer's date, which whoever has an expired key can
        set back; and GnuPG held those of its own against this moment, which may be long after.
        """
        if signature.fault is HoldCode.EXPIRED_KEY and signature.identities:
            end = self._keyring.ends.get(signature.key) if self._keyring else None
            return signature if end is None or end < moment else signature._replace(fault=None)
        lines = [one for one in self._signers if one.fingerprint == signature.key]
        if not lines or signature.fault not in (None, HoldCode.UNKNOWN_KEY):
            return signature
        if signature.fault is None and any(one.is_valid(moment) for one in lines):
            return signature
        named = ", ".join(sorted({name for one in lines for name in one.principals}))
        return signature._replace(fault=HoldCode.EXPIRED_KEY, signer=signature.signer or named)

    @staticmethod
    def _ssh_keygen() -> str:
        program = shutil.which("ssh-keygen")
        if program is None:
            raise ConfigurationError(
                "source.verify.allowed_signers: ssh-keygen is not on PATH; install OpenSSH's client"
            )
        if load_gitpython().Git().version_info < _SSH_SIGNATURES:
            raise ConfigurationError(
                "source.verify.allowed_signers: git 2.34 or later is needed for ssh keys"
            )
        return program


def _printed(commands: Commands, commits: Iterable[str], fields: Sequence[str]) -> list[list[str]]:
    shown = f"--format=tformat:{'%x00'.join(fields)}"
    with commands.stream(*_SHOWN, shown, feed=as_lines(commits)) as output:
        parts = path_of(b"".join(output.pieces())).split("\0")
    width = len(fields)
    return [parts[start : start + width] for start in range(0, len(parts) - 1, width)]


def _is_of_a_kind(commands: Commands, commit: str) -> bool:
    header = commands.run("cat-file", "commit", commit).partition(b"\n\n")[0]
    signatures = (line.partition(b" ")[2] for line in header.split(b"\n") if line.startswith(b"gpgsig"))
    return all(signature.startswith(_KINDS) for signature in signatures)


# --- which files the signer of a commit answers for ----------------------------------------------------

_PATHS = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-relative", "--no-ext-diff")
_OF_COMMIT = ("-c", "--root", "--no-commit-id")
_ALL_PATHS = ("ls-tree", "-r", "-z", "--name-only", "--full-tree")
_MOST = 64 * 1024 * 1024  # bytes of paths of one commit
_TOO_MANY = "source.verify.authors: a commit changes more files than are looked at"


def written_by(commands: Commands, commit: str) -> list[str]:
    """What a commit changes; of a merge, what it wrote itself, or left out. Raises SourceError."""
    return _names([commands.run(*_PATHS, *_OF_COMMIT, commit, "--")]) + _left_out(commands, commit)


def differing(commands: Commands, base: str, commit: str) -> list[str] | None:
    """In what two commits differ; None where one is not there. Raises SourceError."""
    return commands.attempt(*_PATHS, base, commit, "--", read=_names)


def all_paths(commands: Commands, commit: str) -> list[str]:
    """Every file of a commit. Raises SourceError."""
    return _names([commands.run(*_ALL_PATHS, commit, "--")])


def _left_out(commands: Commands, merge: str) -> list[str]:
    """What a merge took from one of its parents, although another had changed it since the two parted.

    Each two parents are asked about: of three, one may hide what another changed.
    """
    parents = commands.text("rev-parse", f"{merge}^@").split()
    pairs = list(permutations(parents, 2))
    by_parent = {one: {*_names([commands.run(*_PATHS, one, merge, "--")])} for one in parents if pairs}
    left_out: set[str] = set()
    for one, other in pairs:
        names = by_parent[one] - by_parent[other]
        bases = commands.text("merge-base", "--all", one, other, accept=FOUND_OR_NOT) if names else ""
        for base in bases.split():
            names.intersection_update(_names([commands.run(*_PATHS, base, one, "--")]))
        left_out |= names
    return sorted(left_out)


def _names(pieces: Iterable[bytes]) -> list[str]:
    return [name for block in blocks(bounded(pieces, _MOST, _TOO_MANY)) for name in block.split("\0") if name]
