"""Every error this program raises on purpose, in one tree.

Each answers "what next?": the message says where, what and what to do, and `exit_code` is the process's
answer when nothing narrower caught it. An error about one manifest or one model is never raised across a
cycle: it becomes a reason in the report (`reconciler.manifest.Reason`).

    ReconcilerError
    ├── ConfigurationError        2  stop, and correct the configuration
    ├── SourceError               3  git could not be read; the last good commit stays
    │   ├── BudgetError           3  a commit declares more than `[limits]` allows; the last good one stays
    │   ├── NoCommitError         3  the repository is new: no branch has a commit
    │   └── UnknownRevisionError  3  no commit of the repository goes by that name
    ├── StateError                3  the state cannot be used; never guessed, never overwritten
    │   └── StateLockedError      3  another process is the writer
    ├── LeaseLost                 3  another replica leads the target; nothing was sent
    ├── StuckError                3  the loop stood still; a supervisor starts the process again
    ├── GuardError                4  refused on purpose; the message names the knob
    ├── NoAnswerError             3  a web server that is no registry did not answer, or its address is none
    ├── SinkError                 3  a sink did not take a message; it is sent again later
    ├── ForgeError                3  the host of a repository did not take a comment or a status
    ├── TargetUnusable          2, 3 one target cannot be opened; the others go on
    └── RegistryError             3  the registry's answer, or the lack of one
        ├── RegistryUnavailable   3  a read failed, or a request was certainly not executed; later
        │   ├── Unreachable       3  no connection: nothing was sent, and nothing else would be
        │   └── IntentTooOld      3  writing an intent took too long: the call was not sent
        ├── OutcomeUnknown        3  a write was sent and nobody knows whether it was executed
        ├── Unauthorised          3  credentials or permission refused: stop this target, never retry
        ├── Rejected              3  the registry says no to this request, and will say no again
        │   └── AlreadyExists     3  409: the pair is taken
        └── NotFound              3  404: no such model
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the process says with its exit code; README holds the same table."""

    OK = 0
    ATTENTION = 1
    CONFIGURATION = 2
    UNAVAILABLE = 3
    REFUSED = 4
    PENDING = 5

    @property
    def meaning(self) -> str:
        """One line, as in README."""
        return _MEANING[self]


_MEANING = {
    Exit.OK: "all well",
    Exit.ATTENTION: (
        "something needs a human: invalid, conflict, failed, drifted or missing; or `diff` found a difference"
    ),
    Exit.CONFIGURATION: "usage or configuration is wrong",
    Exit.UNAVAILABLE: "git, registry or state could not be used",
    Exit.REFUSED: "refused by a guard",
    Exit.PENDING: (
        "nothing is wrong, and not everything declared is registered yet: imports are pending "
        "(`plan --detailed-exitcode`), or another attempt is scheduled (`apply`)"
    ),
}


class ReconcilerError(Exception):
    """The root: `str(error)` is a complete sentence or two for a person."""

    exit_code = Exit.ATTENTION


class ConfigurationError(ReconcilerError):
    """The command line, the configuration file or the environment is wrong."""

    exit_code = Exit.CONFIGURATION


class SourceError(ReconcilerError):
    """Git could not be read."""

    exit_code = Exit.UNAVAILABLE


class BudgetError(SourceError):
    """There is more to read than a setting of `[limits]` allows; nothing beyond it was read."""


class UnknownRevisionError(SourceError):
    """No commit of the repository goes by that name."""


class NoCommitError(SourceError):
    """The repository is new: none of its branches has a commit."""


class StateError(ReconcilerError):
    """The state could not be read or written."""

    exit_code = Exit.UNAVAILABLE


class EarlierStateError(StateError):
    """The state was written by an earlier version of this program; a writer brings it up to date."""


class StateLockedError(StateError):
    """Another process holds the writer's lock, or leads a target."""

    @classmethod
    def of(cls, writer: str) -> StateLockedError:
        """The error that names the writer, such as `process 7 on host-a since …`, and says what to do."""
        return cls(
            f"the state is being written by {writer}. If it is `reconciler run`, it imports new commits by "
            "itself; otherwise wait until it ends. `plan`, `status` and `history` work meanwhile."
        )


class LeaseLost(ReconcilerError):  # noqa: N818 - reads as what happened
    """The lease of a target is not held any more: what it allows was not done."""

    exit_code = Exit.UNAVAILABLE

    def __init__(self, target: str, message: str) -> None:
        super().__init__(message)
        self.target = target


class StuckError(ReconcilerError):
    """The loop cannot go on in this process."""

    exit_code = Exit.UNAVAILABLE


class IndexLostError(ReconcilerError):
    """The index, which is only a cache, turned out to be unusable; asked again, it is an empty one."""

    exit_code = Exit.UNAVAILABLE


class GuardError(ReconcilerError):
    """A guard refused to go on."""

    exit_code = Exit.REFUSED


class NoAnswerError(ReconcilerError):
    """A web server did not answer; whether it did what it was asked, nobody knows."""

    exit_code = Exit.UNAVAILABLE


class ForgeError(ReconcilerError):
    """The host of a repository refused what it was asked, or could not be asked.

    Attributes:
        status: the HTTP status, or None when there was no answer.
    """

    exit_code = Exit.UNAVAILABLE

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class SinkError(ReconcilerError):
    """A sink did not take a message; the words hold no part of its URL but the host.

    Attributes:
        retry_after: seconds the sink asked to wait, or None.
    """

    exit_code = Exit.UNAVAILABLE

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TargetUnusable(ReconcilerError):  # noqa: N818 - reads as what happened
    """One target cannot be used: its registry cannot be opened, or a step of its cycle broke unexpectedly."""

    def __init__(self, message: str, exit_code: Exit) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RegistryError(ReconcilerError):
    """What a registry answered, or that it did not.

    Attributes:
        method, path: the request, without query, headers or body (they may carry secrets).
        status: the HTTP status, or None when no response arrived.
        code: the vendor's error code, such as `ModelArts.3002`, or None.
        request_id: the value of `X-request-id`, or None.
        retry_after: seconds the server asked to wait, or None.
    """

    exit_code = Exit.UNAVAILABLE

    def __init__(  # noqa: PLR0913 - the facts of one answer
        self,
        message: str,
        *,
        method: str,
        path: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.method = method
        self.path = path
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def reason(self) -> str:
        """A word for machines: the vendor's code, else the status as `http-503`, else `no-answer`."""
        if self.code:
            return self.code
        return "no-answer" if self.status is None else f"http-{self.status}"

    def __str__(self) -> str:
        facts = [f"{self.method} {self.path}"]
        facts += [f"HTTP {self.status}"] if self.status is not None else []
        facts += [self.code] if self.code else []
        facts += [f"request id {self.request_id}"] if self.request_id else []
        return f"{self.args[0]} ({', '.join(facts)})"


class RegistryUnavailable(RegistryError):  # noqa: N818 - reads as what happened
    """No usable answer to a read, or a request that was certainly not executed. Safe to repeat later."""


class Unreachable(RegistryUnavailable):
    """No connection could be made, so that no other request to this registry would fare better."""


class IntentTooOld(RegistryUnavailable):
    """An import was not sent, because too much time went by while its intent was written to the state."""

    @property
    def reason(self) -> str:
        """Always the same: the registry has nothing to do with it."""
        return "state-slow"


class OutcomeUnknown(RegistryError):  # noqa: N818
    """A write was sent, and whether it was executed is not known. Never repeat it blindly."""


class Unauthorised(RegistryError):  # noqa: N818
    """Credentials or permission were refused. Never retried: the vendor locks a key after five failures."""


class Rejected(RegistryError):  # noqa: N818
    """A documented, permanent refusal of this very request; it was certainly not executed."""


class AlreadyExists(Rejected):
    """The (name, version) pair is already registered."""


class NotFound(RegistryError):  # noqa: N818
    """No model has this id, or no project this id."""
