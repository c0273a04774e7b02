"""The tables and keys of `reconciler.toml`, with their types and defaults, as frozen values."""

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from reconciler.budgets import DEFAULTS
from reconciler.settings.discovery import STATE_DIR
from reconciler.settings.secret_texts import sink_url_fault
from reconciler.settings.section import Credentials, Section, in_file, in_variable, itself, mistakes, table
from reconciler.settings.targets import Target
from reconciler.settings.types import (
    Address,
    CommitId,
    CommitUrl,
    Crontab,
    Duration,
    FileUrl,
    HeldVerdict,
    HostName,
    Interval,
    NotesRef,
    PageTokens,
    PushUrl,
    Repository,
    StateUrl,
    TargetName,
)


class VerifySettings(Section):
    """`[source.verify]`: which commits are trusted; with mode off, every one."""

    mode: Literal["off", "head", "range"] = Field(
        "off", description="Judge no commit, the newest alone, or every one since the last trusted one."
    )
    allowed_signers: Path | None = Field(
        None, description="ssh keys that may sign (ssh-keygen's ALLOWED SIGNERS), outside the repository."
    )
    revoked_signers: Path | None = Field(
        None, description="ssh keys that count for nothing: a KRL or public keys, outside the repository."
    )
    gpg_keyring: Path | None = Field(
        None, description="OpenPGP keys that may sign, as `gpg --export` writes them, outside the repository."
    )
    authors: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="By pattern of a path, patterns of the signers who may change it; the first that fits.",
    )
    since: CommitId | None = Field(None, description="Whole id of the commit up to which all is trusted.")
    on_failure: Literal["hold", "refuse"] = Field(
        "hold", description="Go on with the last trusted commit, or with none."
    )

    @model_validator(mode="after")
    def _has_keys(self) -> Self:
        if self.mode != "off" and self.allowed_signers is None and self.gpg_keyring is None:
            raise mistakes([(("mode",), "give allowed_signers (ssh), gpg_keyring (OpenPGP), or both")])
        return self


class SourceSettings(Section):
    """`[source]`: where the manifests are committed."""

    repo: Repository = Field(
        ".", description="Path or URL of the git repository; a URL is mirrored under state.dir."
    )
    branch: str | None = Field(None, description="Branch to follow; by default the repository's HEAD.")
    timeout: Interval = Field(timedelta(seconds=60), description="Longest a single git command may take.")
    verify: VerifySettings = table("Which commits are trusted.")


class StateSettings(Section):
    """`[state]`: the memory."""

    dir: Path = Field(Path(STATE_DIR), description="Where the state and mirrors of remote sources are kept.")
    url: StateUrl | None = Field(None, description="SQLAlchemy URL; by default state.db in state.dir.")
    compact_after: Duration = Field(
        timedelta(days=30),
        description="Events of models at rest that are older than this are compressed; 0s for none.",
    )


class HaSettings(Section):
    """`[ha]`: replicas on one state in PostgreSQL."""

    lease: Interval = Field(
        timedelta(seconds=8),
        description="How long a leader that died, or cannot reach the database, still counts as one.",
    )
    renew: Interval = Field(timedelta(seconds=2), description="How often a leader renews its lease.")

    @model_validator(mode="after")
    def _renews_in_time(self) -> Self:
        if self.renew * 2 > self.lease:
            late = "a lease that is renewed once in its time is lost by one late answer: at most half"
            raise mistakes([(("renew",), late)])
        return self


class ScheduleSettings(Section):
    """`[schedule]`: when `reconciler run` looks."""

    every: Interval = Field(timedelta(seconds=30), description="Interval between two ticks.")
    cron: Crontab | None = Field(None, description="Crontab line in place of an interval.")
    jitter: Duration = Field(timedelta(0), description="Random delay of up to this much.")
    full_observation: Duration = Field(
        timedelta(hours=1), description="How often all that is registered is looked at."
    )
    compare_at_most: int = Field(
        200, ge=1, description="So many models one cycle compares that could as well be compared later."
    )
    grace: Duration = Field(
        timedelta(seconds=30), description="How long a stop waits for the call in flight."
    )


class GuardSettings(Section):
    """`[guards]`: limits above which a cycle refuses."""

    max_imports_per_cycle: int = Field(100, ge=0, description="More imports than this are all refused.")
    max_disappearances: int = Field(
        3, ge=1, description="A model that vanished from the registry this often is not imported again."
    )
    allow_empty: bool = Field(False, description="A directory that declared models may become empty.")
    allow_rewritten_history: bool = Field(
        False,
        description="Imports may come from a branch that no longer contains the commit reconciled last "
        "(force-push).",
    )


class LimitSettings(Section):
    """`[limits]`: how much is read of a commit, and how much of it is stored and shown."""

    paths: int = Field(DEFAULTS.paths, ge=1, description="Files and folders of a target, in one commit.")
    listed_bytes: int = Field(DEFAULTS.listed_bytes, ge=1024, description="Bytes of git's list of them.")
    manifests: int = Field(DEFAULTS.manifests, ge=1, description="Documents of one target.")
    manifest_bytes: int = Field(
        DEFAULTS.manifest_bytes, ge=1024, description="Bytes of manifests that one cycle reads for a target."
    )
    file_faults: int = Field(
        DEFAULTS.file_faults, ge=1, description="Problems told of one file; the rest are counted."
    )
    faults: int = Field(DEFAULTS.faults, ge=1, description="Problems told of a target; the rest are counted.")
    commits: int = Field(DEFAULTS.commits, ge=1, description="Commits read for one question about history.")
    changes: int = Field(DEFAULTS.changes, ge=1, description="Changes of files in these commits.")
    log_bytes: int = Field(DEFAULTS.log_bytes, ge=1024, description="Bytes of what git tells of them.")
    git_memory: int = Field(
        DEFAULTS.git_memory, ge=64 * 1024 * 1024, description="Bytes that one git process may allocate."
    )
    author: int = Field(DEFAULTS.author, ge=8, description="Characters of an author that are kept.")
    subject: int = Field(DEFAULTS.subject, ge=8, description="Characters of a subject that are kept.")
    path: int = Field(DEFAULTS.path, ge=8, description="Characters of a path; a longer one is refused.")
    reason: int = Field(DEFAULTS.reason, ge=80, description="Characters of a problem's message.")
    output: int = Field(DEFAULTS.output, ge=1024, description="Bytes that one command prints.")


class FollowSettings(Section):
    """`[follow]`: polling of an import until it is final."""

    first: Duration | None = Field(None, description="First wait; 5s, or 200ms for an embedded registry.")
    settle: Duration | None = Field(
        None,
        description="How long a new model may take to show in the registry's list: one that is listed later "
        "than the target's timeout and this counts as not made; `doctor --measure` finds out. "
        "5s, or 200ms for an embedded registry.",
    )
    max: Duration = Field(timedelta(seconds=15), description="Longest wait between two looks.")
    deadline: Duration = Field(
        timedelta(minutes=35), description="After this, an import is looked after by later cycles."
    )


class WebSettings(Credentials):
    """`[web]`: page, health, metrics and webhook of `reconciler run`."""

    enabled: bool = Field(True, description="Whether there are pages, health, metrics and a webhook.")
    listen: Address | None = Field(
        None, description="HOST:PORT; by default a free port of 127.0.0.1 near 8321."
    )
    health_listen: Address | None = Field(
        None, description="HOST:PORT of health and metrics alone; by default a free port from 8322 on."
    )
    allowed_hosts: tuple[HostName, ...] | None = Field(
        None,
        min_length=1,
        description="Names that are answered to; by default what is listened on, and loopback names.",
    )
    token: PageTokens = Field(None, description="Tokens that let a visitor look: one a line, two at most.")
    token_file: Path | None = in_file("Tokens that let a visitor look")
    token_env: str | None = in_variable("Tokens that let a visitor look")
    show_emails: bool = Field(True, description="Whether the page and the report tell authors' addresses.")
    commit_url: CommitUrl | None = Field(None, description="Link to a commit; {commit} is replaced.")
    file_url: FileUrl | None = Field(
        None, description="Link to a line of a file at a commit; {commit}, {path} and {line} are replaced."
    )
    webhook_secret: SecretStr | None = itself("What signs deliveries to the webhook,")
    webhook_secret_file: Path | None = in_file("What signs deliveries to the webhook")
    webhook_secret_env: str | None = in_variable("What signs deliveries to the webhook")


class AuditSettings(Credentials):
    """`[audit]`: what happened, in git's notes; nothing is written without `notes`."""

    notes: NotesRef | None = Field(None, description="Ref of the notes, such as refs/notes/reconciler.")
    push_url: PushUrl = Field(
        None, description="Repository to push them to; by default they are written into source.repo itself."
    )
    push_url_file: Path | None = Field(None, description="The same in a file, relative to this one.")
    push_url_env: str | None = Field(None, description="Name of the variable that holds the same.")


class NotifySettings(Credentials):
    """`[[notify]]`: a sink, which is told when a model comes to need a human, and when it recovers."""

    required: ClassVar[frozenset[str]] = frozenset({"url"})  # lets anybody write to most services
    kind: Literal["apprise", "webhook", "alertmanager", "feishu"] = Field(
        description="apprise (chat and mail; the extra `notify`), webhook, alertmanager or feishu."
    )
    name: TargetName | None = Field(None, description="By default the kind.")
    url: SecretStr | None = Field(None, description="Where to send to, as the kind wants it.")
    url_file: Path | None = in_file("The URL")
    url_env: str | None = in_variable("The URL")
    secret: SecretStr | None = Field(None, description="What signs, for a webhook and for feishu.")
    secret_file: Path | None = in_file("The secret")
    secret_env: str | None = in_variable("The secret")
    targets: tuple[str, ...] | None = Field(None, min_length=1, description="Only of these; by default all.")
    verdicts: tuple[HeldVerdict, ...] | None = Field(
        None, min_length=1, description="Only these; by default all that need a human."
    )
    models: tuple[str, ...] | None = Field(
        None, min_length=1, description="Patterns such as vision-* or mnist@1.*; by default all."
    )
    per_minute: int = Field(
        10, ge=1, le=1000, description="Single messages a minute; what is above becomes one digest."
    )

    @property
    def title(self) -> str:
        """Its name, or else its kind."""
        return self.name or self.kind

    @field_validator("url")
    @classmethod
    def _leads_to_a_sink(cls, url: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        kind = others.data.get("kind")  # not there where it is wrong itself
        fault = sink_url_fault(kind, url.get_secret_value()) if url and kind else None
        if fault is not None:
            raise ValueError(fault)
        return url

    @model_validator(mode="after")
    def _signs_where_the_kind_does(self) -> Self:
        given = self.secret or self.secret_file or self.secret_env
        if given and self.kind not in ("webhook", "feishu"):
            raise mistakes([(("secret",), f"nothing is signed for {self.kind}: leave it out")])
        return self


class LogSettings(Section):
    """`[log]`: what goes to standard error."""

    format: Literal["console", "json"] = Field(
        "console", description="Lines for people, or one JSON object a line."
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is said.")


def _default_targets() -> Any:  # noqa: ANN401 - checked as what a file says
    return {"local": {"kind": "embedded"}}


class Settings(BaseModel):
    """The whole configuration; `Configuration` adds where it came from."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: SourceSettings = table("Where the manifests are committed.")
    targets: dict[TargetName, Target] = Field(
        default_factory=_default_targets,
        validate_default=True,
        min_length=1,
        json_schema_extra={"additionalProperties": False},
        description="Registries by name; each has a table of its own.",
    )
    state: StateSettings = table("The memory.")
    ha: HaSettings = table("Replicas on one state in PostgreSQL.")
    schedule: ScheduleSettings = table("When `reconciler run` looks.")
    guards: GuardSettings = table("Limits above which a cycle refuses.")
    limits: LimitSettings = table("How much one commit may declare, and how much is told of it.")
    follow: FollowSettings = table("Looking after an import until it is final.")
    notify: tuple[NotifySettings, ...] = Field((), description="Who hears of what needs a human.")
    audit: AuditSettings = table("What happened, in git's notes.")
    web: WebSettings = table("Page, health, metrics and webhook of the loop.")
    log: LogSettings = table("What goes to standard error.")
