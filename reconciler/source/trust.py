"""Which commit of a branch is to be reconciled where only trusted ones are: the newest, or the last good one.

Only a commit that was the branch's newest is ever taken: one in between was perhaps never meant to stand.
Once taken, a commit stays trusted, whatever becomes of its keys: what it declared is imported. When a commit
was first seen, and which signatures were good, is remembered, so that neither a restart nor a commit that is
held makes the same work or moves the moment that keys are held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.engine.trust import Hold, HoldCode
from reconciler.errors import ConfigurationError, GuardError
from reconciler.printable import printable
from reconciler.source.signatures import Signature, Verifier
from reconciler.source.signed_paths import all_paths, differing, written_by
from reconciler.source.trust_memory import MARK, TrustMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.engine.ports import Marks
    from reconciler.source.commands import Commands
    from reconciler.source.layout import Layout
    from reconciler.source.rules import TrustRules

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
class _Question:
    """Whether this commit is trusted, where it is the newest; what is remembered, and git to ask.

    `goes_on` says whether the last trusted commit is reconciled while it is not.
    """

    head: str
    remembered: TrustMemory
    commands: Commands
    layout: Layout
    goes_on: bool

    @property
    def base(self) -> str | None:
        """The last commit that was trusted."""
        return self.remembered.good

    def hold(self, code: HoldCode, why: str, one: Signature) -> Hold:
        """The answer that it is not."""
        good = self.base if self.goes_on else None
        return Hold(self.head, one.commit, code, why, one.author, one.committer, good)


class Trust:
    """Judges the newest commit of one branch; used from the thread that git runs in."""

    def __init__(
        self,
        rules: TrustRules,
        memory: Marks,
        *,
        writes: bool,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Reads nothing yet; `writes` says whether what is found may be remembered."""
        self._rules = rules
        self._memory = memory
        self._writes = writes
        self._now = now
        self._read: TrustMemory | None = None
        self._verifier: Verifier | None = None
        self._keys: object = None
        self._judged: tuple[str, object] | None = None
        self.hold: Hold | None = None

    def accepted(self, head: str, commands: Commands, layout: Layout) -> str:
        """The commit to reconcile, where `head` is the branch's newest; `hold` tells why it is another.

        Judges nothing that was judged before by the same keys.

        Raises:
            GuardError: there is no commit to go on with.
            ConfigurationError: the keys cannot be used.
            SourceError: git failed.
        """
        keys = self._rules.files.stamp()
        if self._judged != (head, keys):
            question = self._question(head, commands, layout)
            self.hold = None if head == question.base else self._first_sight(question)
            self._judged = (head, keys)
        if self.hold is None:
            return head
        if self.hold.good is None:
            raise GuardError(self.hold.message)
        return self.hold.good

    def judged(self, commit: str, commands: Commands, layout: Layout) -> Hold | None:
        """Why a commit would not be reconciled if it were the newest; None when it would. Remembers nothing.

        Raises:
            ConfigurationError, SourceError: as `accepted` does.
        """
        question = self._question(commit, commands, layout)
        return None if commit == question.base else self._judge(question)

    def vouched(self, commit: str) -> str | None:
        """Who vouches for a commit that is reconciled, as far as that is remembered."""
        remembered = self._remembered()
        if commit in remembered.signers:
            return f"verified: signed by {_whose(remembered.signers[commit])}"
        good = remembered.good
        if good in remembered.signers:
            return f"verified: vouched for by {good[:12]}, signed by {_whose(remembered.signers[good])}"
        return None if good is None else f"verified: contained in {good[:12]}"

    def require_outside(self, layout: Layout) -> None:
        """Refuses keys that a commit could change. Raises ConfigurationError."""
        inside = {folder.resolve() for folder in (layout.top, layout.git_dir, layout.common_dir) if folder}
        for name, file in self._rules.files.given.items():
            if inside.intersection(file.resolve().parents):
                raise ConfigurationError(
                    f"source.verify.{name}: {printable(str(file))} lies in the repository itself, whose "
                    "commits it is to judge; keep it outside"
                )

    def close(self) -> None:
        """Removes what was made for it; safe to call twice."""
        if self._verifier is not None:
            self._verifier.close()

    def _question(self, commit: str, commands: Commands, layout: Layout) -> _Question:
        return _Question(commit, self._remembered(), commands, layout, self._rules.on_failure == "hold")

    def _first_sight(self, question: _Question) -> Hold | None:
        """Judges the newest commit and remembers what was found."""
        remembered = question.remembered
        remembered.seen.setdefault(question.head, self._now())
        hold = self._judge(question)
        if hold is None:
            remembered.good, remembered.seen = question.head, {}
        if self._writes:
            self._memory.mark("", MARK, remembered.write())
        return hold

    def _judge(self, question: _Question) -> Hold | None:
        head, remembered, commands = question.head, question.remembered, question.commands
        verifier = self._current(remembered)
        since = [] if self._rules.since is None else [f"^{self._rules.since}"]
        base = [*since, *([f"^{remembered.good}"] if remembered.good and self._rules.mode == "range" else [])]
        if self._rules.mode == "head":
            commits = _commits(commands, "--max-count=1", head, *base)
            moments = {head: remembered.seen.get(head, self._now())}
        else:
            commits = _commits(commands, f"--max-count={_JUDGED + 1}", head, *base)
            if len(commits) > _JUDGED:
                return question.hold(HoldCode.CUT_OFF, _TOO_LONG, _nobody(head))
            if cut_off := question.layout.shallow().intersection(commits):
                return question.hold(HoldCode.CUT_OFF, _CUT_OFF, _nobody(min(cut_off)))
            moments = _moments(commands, commits, remembered.seen, base, self._now())
        answered: set[str] = set()
        for signature in _signatures(question, verifier, commits, moments):
            paths = self._changed(question, signature.commit) if signature.fault is None else []
            if signature.commit == head:
                paths += self._put_back(question, answered)
            hold = self._fault(question, signature, paths)
            if hold is not None:
                return hold
            answered.update(paths)
        return None

    def _fault(self, question: _Question, signature: Signature, paths: list[str]) -> Hold | None:
        """Why this commit, which changes these files, holds the branch up; None when it does not."""
        if signature.fault is not None:
            why = _WHAT[signature.fault].format(whose=signature.whose, kinds=self._rules.files.kinds)
            return question.hold(signature.fault, why, signature)
        path = next((path for path in paths if not self._rules.may_change(path, signature.identities)), None)
        if path is None:
            return None
        who = f"is signed by {signature.whose}, who may not (source.verify.authors)"
        return question.hold(HoldCode.AUTHOR, f"changes {printable(path)}, and {who}", signature)

    def _changed(self, question: _Question, commit: str) -> list[str]:
        """What the signer of a commit answers for: of a merge, what it wrote itself, or left out."""
        if not self._rules.authors:
            return []
        if self._rules.mode == "range":
            return written_by(question.commands, commit)
        changed = self._since_good(question, commit)
        return all_paths(question.commands, commit) if changed is None else changed

    def _put_back(self, question: _Question, answered: Collection[str]) -> list[str]:
        """What differs from the last good commit and no commit of the range changed: a merge put it back."""
        if not self._rules.authors or self._rules.mode == "head":
            return []
        return [path for path in self._since_good(question, question.head) or () if path not in answered]

    def _since_good(self, question: _Question, commit: str) -> list[str] | None:
        base = question.base or self._rules.since
        return None if base is None else differing(question.commands, base, commit)

    def _remembered(self) -> TrustMemory:
        if self._read is None:
            self._read = TrustMemory.read(self._memory.marks("").get(MARK))
        return self._read

    def _current(self, remembered: TrustMemory) -> Verifier:
        """The verifier of the keys as they are now; by other keys nothing is remembered to be good."""
        stamp = self._rules.files.stamp()
        if self._verifier is None or self._keys != stamp:
            self.close()
            self._verifier, self._keys = Verifier(self._rules.files), stamp
        if remembered.by != self._verifier.fingerprint:
            remembered.by, remembered.signers = self._verifier.fingerprint, {}
        return self._verifier


def _signatures(
    question: _Question, verifier: Verifier, commits: Sequence[str], moments: Mapping[str, datetime]
) -> Iterable[Signature]:
    """The signatures, oldest commit first, each judged when it is asked for."""
    signers = question.remembered.signers
    for start in range(0, len(commits), _AT_ONCE):
        some = commits[start : start + _AT_ONCE]
        new = [commit for commit in some if commit not in signers]
        fresh = (
            {one.commit: one for one in verifier.signatures(question.commands, new, moments)} if new else {}
        )
        for commit in some:
            if commit in fresh:
                signature = fresh[commit]
            else:
                signer, key, author, committer, identities = signers[commit]
                signature = Signature(commit, None, signer, key, author, committer, tuple(identities))
            if signature.fault is None:
                signers[commit] = [*signature[2:6], list(signature.identities)]
            yield signature


def _commits(commands: Commands, *revisions: str) -> list[str]:
    """The commits that these reach, parents first."""
    return commands.run(*_REACHED, *revisions, "--").decode("ascii", "replace").split()


def _moments(
    commands: Commands,
    commits: Collection[str],
    seen: Mapping[str, datetime],
    base: Sequence[str],
    now: datetime,
) -> dict[str, datetime]:
    """When each commit was first seen: with the first of the newest commits that contains it."""
    first_seen: dict[str, datetime] = {}
    for head, moment in sorted(seen.items(), key=lambda one: one[1]):
        for commit in _commits(commands, head, *base):
            first_seen.setdefault(commit, moment)
    return {commit: first_seen.get(commit, now) for commit in commits}


def _whose(remembered: Sequence[Any]) -> str:
    """Whose signature it is; and who committed, where that is not whom the commit calls its author."""
    signer, key, author, committer, *_ = remembered
    return f"{signer} ({key})" + ("" if committer == author else f", committed by {committer}")


def _nobody(commit: str) -> Signature:
    return Signature(commit, HoldCode.CUT_OFF, "", "", "unknown", "unknown")
