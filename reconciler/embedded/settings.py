"""The settings of the embedded registry; where the vendor's documents are silent, the answer is a setting."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.embedded.testing.faults import Faults

OffsetMode = Literal["page", "item"]
TotalCount = Literal["right", "zero"]
ExactMatch = Literal["escape", "equal"]
ConfigKeys = Literal["sent", "added"]
InstallSpelling = Literal["real-time", "realtime"]
UniqueWithin = Literal["workspace", "project"]
ZeroVersion = Literal["accepted", "refused"]
FieldCodes = Literal["by-field", "0101", "0104", "0107"]
TypeCode = Literal["3037", "3053"]
ContentErrors = Literal["later", "at-once"]
MalformedId = Literal[404, 400]
CascadeOrder = Literal["oldest", "newest"]


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user who may log in with a password.

    Attributes:
        name: the user's name.
        password: never shown.
        domain: name of the account the user belongs to.
    """

    name: str
    password: str = field(repr=False)
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKeys:
    """Whom the registry lets in. The numbers are the vendor's, and settable so that a test need not wait.

    Attributes:
        access_keys: access key (AK) to secret key (SK).
        security_tokens: access key to the `X-Security-Token` it must come with, for temporary credentials.
        users: who may ask `POST /v3/auth/tokens` for a token.
        clock_window: seconds a signature's date may be off, either way.
        token_lifetime: seconds a token holds.
        lockout_after: wrong signatures in a row after which an access key is locked.
        lockout_seconds: how long it stays locked.
    """

    access_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    security_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    users: tuple[User, ...] = ()
    clock_window: float = 15 * 60
    token_lifetime: float = 24 * 3600
    lockout_after: int = 5
    lockout_seconds: float = 5 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """How the embedded registry behaves.

    Attributes:
        database: the SQLite file, made with its folder when absent; None keeps everything in memory.
        edition: the rule set of the vendor's documents that requests are judged by.
        publish_seconds: how long an import takes to reach its final status.
        fail_pattern: shell-style pattern; an import whose model_name matches ends as failed.
        in_use_pattern: shell-style pattern; a model whose name matches is in use by a service and is
            not deleted.
        pending_status: what the status of an import under way is called: `publishing`, or any other word.
        offset_mode: whether `offset` counts pages or items.
        sparse_items: leave out of list items what the vendor's own example leaves out, the status included.
        total_count: `zero` answers 0 whatever matches, as a real service was seen to do.
        exact_match: whether `exact_match=true` only escapes the wildcard `_`, or means equality.
        config_keys: whether the detail's `config` holds what was sent, or also keys the server adds.
        install_spelling: how the detail writes the install type `real-time`.
        unique_within: whether a name and version are taken in their workspace, or in the whole project.
        strict: refuse also what the documents' tables forbid and their examples do.
        zero_version: whether the version 0.0.0 is taken.
        field_codes: the code for a missing or wrong field: 3036 and 3037 and the like, or always the same.
        type_code: the code for a model_type that does not exist: 3037, or 3053 with its status of 500.
        content_errors: when contradictions between fields that concern the model's content come out: as
            the status of the import, or in the answer to the call.
        malformed_id: the status for a model id that cannot be one.
        cascade_order: which other versions a cascade deletes first.
        quota: how many models a project may hold; None for no limit.
        projects: project name to project id; None accepts any project id.
        clock: seconds since the epoch.
        auth: None lets everybody in.
        faults: what goes wrong on purpose; None for nothing.
    """

    database: Path | None = None
    edition: str = "seed-2019"
    publish_seconds: float = 1.0
    fail_pattern: str | None = None
    in_use_pattern: str | None = None
    pending_status: str = "publishing"
    offset_mode: OffsetMode = "page"
    sparse_items: bool = False
    total_count: TotalCount = "right"
    exact_match: ExactMatch = "escape"
    config_keys: ConfigKeys = "sent"
    install_spelling: InstallSpelling = "real-time"
    unique_within: UniqueWithin = "workspace"
    strict: bool = False
    zero_version: ZeroVersion = "accepted"
    field_codes: FieldCodes = "by-field"
    type_code: TypeCode = "3037"
    content_errors: ContentErrors = "later"
    malformed_id: MalformedId = 404
    cascade_order: CascadeOrder = "oldest"
    quota: int | None = None
    projects: Mapping[str, str] | None = None
    clock: Callable[[], float] = time.time
    auth: AccountKeys | None = None
    faults: Faults | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.publish_seconds) and self.publish_seconds >= 0):
            raise ConfigurationError(
                f"publish_seconds is {self.publish_seconds}: give a number of seconds, 0 or more"
            )
        if self.quota is not None and self.quota < 0:
            raise ConfigurationError(f"quota is {self.quota}: give a number of models, 0 or more")
        for name, answers in ANSWERS.items():
            value, allowed = getattr(self, name), get_args(answers)
            if value not in allowed:
                raise ConfigurationError(f"{name} is {value!r}: give {' or '.join(map(str, allowed))}")


ANSWERS: Mapping[str, Any] = {
    each.name: answers
    for each in fields(EmbeddedSettings)
    if get_origin(answers := globals().get(str(each.type))) is Literal
}
"""The switches that choose one of several answers, by name, each with the type of its answers."""
