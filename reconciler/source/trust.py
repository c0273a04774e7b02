"""Which commit of a branch is to be reconciled where only trusted ones are: the newest, or the last good one.

Only a commit that was the branch's newest is ever taken: one in between was perhaps never meant to stand.
Once taken, a commit stays trusted, whatever becomes of its keys: what it declared is imported. When a commit
was first seen, and which signatures were good, is remembered, so that neither a restart nor a commit that is
held makes the same work or moves the moment that keys are held against.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from reconciler.engine.trust import Hold, HoldCode
from reconciler.errors import ConfigurationError, GuardError
from reconciler.printable import printable
from reconciler.source.signatures import Signature, Verifier, all_paths, differing, written_by
from reconciler.times import read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from reconciler.engine.ports import Marks
    from reconciler.source.backend import Backend
    from reconciler.source.git_files import Layout
    from reconciler.source.signers import KeyFiles

MARK = "trust"
"""The mark; it belongs to no target."""
_HEADS = 50  # newest commits whose moment is remembered while a commit is held
_KEPT = 500  # signatures that are remembered
_AT_ONCE = 64  # signatures a git process judges; each takes about 10 ms, and the first bad one ends it
_REACHED = ("rev-list", "--ignore-missing", "--topo-order", "--reverse")

_WHAT = {
    HoldCode.UNSIGNED: "is not signed by {kinds}",
    HoldCode.UNKNOWN_KEY: "is signed by {whose}, which nobody here knows",
    HoldCode.EXPIRED_KEY: "is signed by {whose}, which was not valid at its date and when it was first seen",
    HoldCode.REVOKED_KEY: "is signed by {whose}, which is revoked",
    HoldCode.BAD_SIGNATURE: "has a signature that does not fit it, or cannot be checked",
}
_JUDGED = 100_000  # commits of a range; each takes about 10 ms
_TOO_LONG = f"contains more than {_JUDGED:,} commits to judge"
_CUT_OFF = "has parents that are not here (shallow clone), so that not every commit can be judged"


@dataclass(frozen=True, slots=True)
class TrustRules:
    """What makes a commit trusted.

    Attributes:
        mode: `head` judges the newest commit alone, which answers for all that it contains; `range` every
            commit since the last good one, merges included.
        files: where the keys are.
        authors: by pattern of a path, patterns of the signers who may change it; the first that fits counts.
        since: the commit up to which all is trusted.
        on_failure: `hold` goes on with the last good commit, `refuse` with none.
    """

    mode: Literal["head", "range"]
    files: KeyFiles
    authors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: str | None = None
    on_failure: Literal["hold", "refuse"] = "hold"

    def may_change(self, path: str, identities: Sequence[str]) -> bool:
        """Whether the signer who goes by these names may change this file."""
        for pattern, signers in self.authors.items():
            if fnmatchcase(path, pattern):
                return any(fnmatchcase(name, one) for name in identities for one in signers)
        return True


@dataclass(slots=True)
class TrustMemory:
    """What a mark holds.

    Attributes:
        good: the last trusted commit.
        seen: newest commits since it, with the moment at which each was first seen.
        by: names the keys by which the signatures were good.
        signers: commits with a good signature, with whose it is.
        refused: the newest commit, as long as it is not trusted.
    """

    good: str | None = None
    seen: dict[str, datetime] = field(default_factory=dict)
    by: str = ""
    signers: dict[str, list[Any]] = field(default_factory=dict)
    refused: str | None = None

    @classmethod
    def read(cls, text: str | None) -> TrustMemory:
        """What `write` made this text of; of one that cannot be read nothing: all is judged anew."""
        if text is None:
            return cls()
        try:
            facts = json.loads(text)
            seen = {commit: read_time(at) for commit, at in facts["seen"].items()}
            # in states before version 6 it is the newest commit that was seen
            refused = facts.get("refused", next(reversed(seen), None))
            return cls(facts["good"], seen, facts["by"], facts["signers"], refused)
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()

    def write(self) -> str:
        """The value of the mark; of very many commits the newest."""
        seen = {commit: at.isoformat() for commit, at in list(self.seen.items())[:_HEADS]}
        signers = dict(list(self.signers.items())[-_KEPT:])
        facts = {"good": self.good, "seen": seen, "by": self.by, "signers": signers}
        return json.dumps({**facts, "refused": self.refused})


class Trust:
    """Judges the newest commit of one branch; used from the thread that git runs in."""

    def __init__(
        self,
        rules: TrustRules,
        backend: Backend,
        memory: Marks,
        *,
        writes: bool,
        now: Callable[[], datetime],
    ) -> None:
        """Reads nothing yet; `writes` says whether what is found may be remembered.

        Raises:
            ConfigurationError: the keys lie in the repository.
        """
        _require_outside(rules.files, backend.layout)
        self._rules = rules
        self._backend = backend
        self._memory = memory
        self._writes = writes
        self._now = now
        self._verifier: Verifier | None = None
        self._keys: object = None
        self._judged: tuple[str, object] | None = None
        self.hold: Hold | None = None

    def accepted(self, head: str) -> str:
        """The commit to reconcile, where `head` is the branch's newest; `hold` tells why it is another.

        Judges nothing that was judged before by the same keys.

        Raises:
            GuardError: there is no commit to go on with.
            ConfigurationError: the keys cannot be used.
            SourceError: git failed.
        """
        keys = self._rules.files.stamp()
        if self._judged != (head, keys):
            self.hold = None if head == self._remembered.good else self._first_sight(head)
            self._remembered.refused = None if self.hold is None else head
            if self._writes:  # nothing, where the mark is what it was
                self._memory.mark("", MARK, self._remembered.write())
            self._judged = (head, keys)
        if self.hold is None:
            return head
        if self.hold.good is None:
            raise GuardError(self.hold.message)
        return self.hold.good

    def judged(self, commit: str) -> Hold | None:
        """Why a commit would not be reconciled if it were the newest; None when it would. Remembers nothing.

        Raises:
            ConfigurationError, SourceError: as `accepted` does.
        """
        return None if commit == self._remembered.good else self._judge(commit)

    def vouched(self, commit: str) -> str | None:
        """Who vouches for a commit that is reconciled, as far as that is remembered."""
        remembered = self._remembered
        if commit in remembered.signers:
            return f"verified: signed by {_whose(remembered.signers[commit])}"
        good = remembered.good
        if good in remembered.signers:
            return f"verified: vouched for by {good[:12]}, signed by {_whose(remembered.signers[good])}"
        return None if good is None else f"verified: contained in {good[:12]}"

    def close(self) -> None:
        """Removes what was made for it; safe to call twice."""
        if self._verifier is not None:
            self._verifier.close()

    @cached_property
    def _remembered(self) -> TrustMemory:
        return TrustMemory.read(self._memory.marks("").get(MARK))

    def _first_sight(self, head: str) -> Hold | None:
        """Judges a commit that was never the newest trusted one."""
        remembered = self._remembered
        remembered.seen.setdefault(head, self._now())
        hold = self._judge(head)
        if hold is None:
            remembered.good, remembered.seen = head, {}
        return hold

    def _judge(self, head: str) -> Hold | None:
        remembered, verifier = self._remembered, self._current()
        since = [] if self._rules.since is None else [f"^{self._rules.since}"]
        base = [*since, *([f"^{remembered.good}"] if remembered.good and self._rules.mode == "range" else [])]
        if self._rules.mode == "head":
            commits = self._reached("--max-count=1", head, *base)
            moments = {head: remembered.seen.get(head, self._now())}
        else:
            commits = self._reached(f"--max-count={_JUDGED + 1}", head, *base)
            if len(commits) > _JUDGED:
                return self._held(head, HoldCode.CUT_OFF, _TOO_LONG, _nobody(head))
            if cut_off := self._backend.layout.shallow().intersection(commits):
                return self._held(head, HoldCode.CUT_OFF, _CUT_OFF, _nobody(min(cut_off)))
            moments = self._moments(commits, base)
        answered: set[str] = set()
        for signature in self._signatures(verifier, commits, moments):
            paths = self._changed(signature.commit) if signature.fault is None else []
            if signature.commit == head:
                paths += self._put_back(head, answered)
            hold = self._fault(head, signature, paths)
            if hold is not None:
                return hold
            answered.update(paths)
        return None

    def _fault(self, head: str, signature: Signature, paths: list[str]) -> Hold | None:
        """Why this commit, which changes these files, holds the branch up; None when it does not."""
        if signature.fault is not None:
            why = _WHAT[signature.fault].format(whose=signature.whose, kinds=self._rules.files.kinds)
            return self._held(head, signature.fault, why, signature)
        path = next((path for path in paths if not self._rules.may_change(path, signature.identities)), None)
        if path is None:
            return None
        who = f"is signed by {signature.whose}, who may not (source.verify.authors)"
        return self._held(head, HoldCode.AUTHOR, f"changes {printable(path)}, and {who}", signature)

    def _held(self, head: str, code: HoldCode, why: str, one: Signature) -> Hold:
        good = self._remembered.good if self._rules.on_failure == "hold" else None
        return Hold(head, one.commit, code, why, one.author, one.committer, good)

    def _changed(self, commit: str) -> list[str]:
        """What the signer of a commit answers for: of a merge, what it wrote itself, or left out."""
        if not self._rules.authors:
            return []
        if self._rules.mode == "range":
            return written_by(self._backend.commands, commit)
        changed = self._since_good(commit)
        return all_paths(self._backend.commands, commit) if changed is None else changed

    def _put_back(self, head: str, answered: Collection[str]) -> list[str]:
        """What differs from the last good commit and no commit of the range changed: a merge put it back."""
        if not self._rules.authors or self._rules.mode == "head":
            return []
        return [path for path in self._since_good(head) or () if path not in answered]

    def _since_good(self, commit: str) -> list[str] | None:
        base = self._remembered.good or self._rules.since
        return None if base is None else differing(self._backend.commands, base, commit)

    def _current(self) -> Verifier:
        """The verifier of the keys as they are now; by other keys nothing is remembered to be good."""
        stamp = self._rules.files.stamp()
        if self._verifier is None or self._keys != stamp:
            self.close()
            self._verifier, self._keys = Verifier(self._rules.files), stamp
        if self._remembered.by != self._verifier.fingerprint:
            self._remembered.by, self._remembered.signers = self._verifier.fingerprint, {}
        return self._verifier

    def _signatures(
        self, verifier: Verifier, commits: Sequence[str], moments: Mapping[str, datetime]
    ) -> Iterator[Signature]:
        """The signatures, oldest commit first, each judged when it is asked for."""
        commands, signers = self._backend.commands, self._remembered.signers
        for start in range(0, len(commits), _AT_ONCE):
            some = commits[start : start + _AT_ONCE]
            new = [commit for commit in some if commit not in signers]
            judged = verifier.signatures(commands, new, moments) if new else ()
            fresh = {one.commit: one for one in judged}
            for commit in some:
                if commit in fresh:
                    signature = fresh[commit]
                else:
                    signer, key, author, committer, identities = signers[commit]
                    signature = Signature(commit, None, signer, key, author, committer, tuple(identities))
                if signature.fault is None:
                    signers[commit] = [*signature[2:6], list(signature.identities)]
                yield signature

    def _reached(self, *revisions: str) -> list[str]:
        """The commits that these reach, parents first."""
        return self._backend.commands.text(*_REACHED, *revisions, "--").split()

    def _moments(self, commits: Collection[str], base: Sequence[str]) -> dict[str, datetime]:
        """When each commit was first seen: with the first of the newest commits that contains it."""
        now, first_seen = self._now(), dict[str, datetime]()
        for head, moment in sorted(self._remembered.seen.items(), key=lambda one: one[1]):
            for commit in self._reached(head, *base):
                first_seen.setdefault(commit, moment)
        return {commit: first_seen.get(commit, now) for commit in commits}


def _whose(remembered: Sequence[Any]) -> str:
    """Whose signature it is, and who committed, if that is another than the commit's author."""
    signer, key, author, committer, *_ = remembered
    return f"{signer} ({key})" + ("" if committer == author else f", committed by {committer}")


def _nobody(commit: str) -> Signature:
    return Signature(commit, HoldCode.CUT_OFF, "", "", "unknown", "unknown")


def _require_outside(files: KeyFiles, layout: Layout) -> None:
    """Refuses keys that lie in the repository. Raises ConfigurationError."""
    inside = {folder.resolve() for folder in (layout.top, layout.git_dir, layout.common_dir) if folder}
    for name, file in files.given.items():
        if inside.intersection(file.resolve().parents):
            raise ConfigurationError(
                f"source.verify.{name}: {printable(str(file))} lies in the repository itself, whose "
                "commits it is to judge; keep it outside"
            )
