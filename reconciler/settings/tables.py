"""The tables and keys of `reconciler.toml`, with their types and defaults, as frozen values."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from reconciler.settings.discovery import STATE_DIR
from reconciler.settings.limits import LimitSettings
from reconciler.settings.types import (  # noqa: TC001 - pydantic reads the annotations
    Address,
    Duration,
    Interval,
    RepositoryPath,
    StateUrl,
    TargetName,
)

PREFIX = "RECONCILER_"
HeldVerdict = Literal["failed", "drifted", "conflict", "invalid", "missing", "refused"]
_EDITIONS = Literal["seed-2019", "cn-2021", "otc-2024", "current"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _holds_no_nul(cls, values: object) -> object:
        """No file, host or secret has a NUL in it, and whoever takes one for such stumbles."""
        for key, value in values.items() if isinstance(values, dict) else ():
            if any(
                "\0" in text
                for text in (value if isinstance(value, list) else [value])
                if isinstance(text, str)
            ):
                raise ValueError(f"{key}: a NUL character cannot be in a text")
        return values


class SourceSettings(_Section):
    """`[source]`: where the manifests are committed."""

    repo: str = Field(
        ".", description="Path or URL of the git repository; a URL is mirrored under state.dir."
    )
    branch: str | None = Field(None, description="Branch to follow; by default the repository's HEAD.")
    timeout: Interval = Field(timedelta(seconds=60), description="Longest a single git command may take.")


class _Credentials(_Section):
    """A secret `x` is given in exactly one way: as x, x_file, x_env or x_command."""

    @model_validator(mode="after")
    def _one_way_each(self) -> _Credentials:
        for name in secret_names(type(self)):
            possible = [
                name + way
                for way in ("_file", "_env", "_command", "")
                if name + way in type(self).model_fields
            ]
            ways = [way for way in sorted(possible) if getattr(self, way)]
            if len(ways) > 1:
                raise ValueError(f"give {name} in one way only, not as {' and '.join(ways)}")
            if not ways and name in self.required_secrets():
                raise ValueError(f"{name} is missing: give {', '.join(possible[:-1])} or {name}")
        return self

    @classmethod
    def required_secrets(cls) -> frozenset[str]:
        """The secrets this method cannot do without."""
        return frozenset()


def secret_names(model: type[BaseModel]) -> list[str]:
    """The secrets of a section, each of which is given in one of its ways."""
    return [name.removesuffix("_file") for name in model.model_fields if name.endswith("_file")]


class AkSkAuth(_Credentials):
    """Signs each request with an access key."""

    method: Literal["aksk"]
    access_key: str
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    secret_key_env: str | None = None
    secret_key_command: tuple[str, ...] | None = None
    security_token: SecretStr | None = None
    security_token_file: Path | None = None
    security_token_env: str | None = None
    security_token_command: tuple[str, ...] | None = None

    @classmethod
    def required_secrets(cls) -> frozenset[str]:
        """A temporary key has a security token; a permanent one has not."""
        return frozenset({"secret_key"})


class TokenAuth(_Credentials):
    """Sends a ready IAM token."""

    method: Literal["token"]
    token: SecretStr | None = None
    token_file: Path | None = None
    token_env: str | None = None
    token_command: tuple[str, ...] | None = None

    @classmethod
    def required_secrets(cls) -> frozenset[str]:
        """The token itself."""
        return frozenset({"token"})


class PasswordAuth(_Credentials):
    """Logs in at IAM and renews the token ahead of its end."""

    method: Literal["password"]
    iam_endpoint: str
    username: str
    domain: str
    scope: str
    password: SecretStr | None = None
    password_file: Path | None = None
    password_env: str | None = None
    password_command: tuple[str, ...] | None = None

    @classmethod
    def required_secrets(cls) -> frozenset[str]:
        """The password."""
        return frozenset({"password"})


Auth = Annotated[AkSkAuth | TokenAuth | PasswordAuth, Field(discriminator="method")]


class _Target(_Section):
    path: RepositoryPath = Field("models.d", description="Directory of this target's manifests.")
    edition: _EDITIONS = Field("seed-2019", description="Rule set of the vendor's documents.")
    strict_config: bool = Field(
        False, description="Keys of initial_config that no page of the vendor documents are errors."
    )
    in_flight: int = Field(8, ge=1, le=256, description="Calls under way at once.")
    preflight: Literal["off", "warn", "error"] = Field(
        "off",
        description="Look at a new model's files first: not at all, for warnings, or to stop its import.",
    )
    files: Path | None = Field(
        None, description="Directory that local model files must lie in, for preflight."
    )
    obs_endpoint: str | None = Field(
        None, description="Object store for preflight; by default the one of the registry's region."
    )


class EmbeddedTarget(_Target):
    """A registry inside this very process, with its own database."""

    kind: Literal["embedded"]
    database: Path | None = Field(
        None, description="SQLite file; by default registry-TARGET.db in state.dir."
    )
    publish_seconds: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="How long an import takes to be published."
    )
    endpoint: ClassVar[None] = None
    auth: ClassVar[None] = None
    timeout: ClassVar[timedelta] = timedelta(0)  # once this process has died, nothing is carried out any more

    @property
    def identity(self) -> str:
        """Tells the registry from others, in words that the state remembers."""
        return f"embedded {self.database or 'in the state directory'}"

    @property
    def shown(self) -> str:
        """The same for a person."""
        return "embedded registry"


class ModelArtsTarget(_Target):
    """A project of a ModelArts service, or of anything that speaks its document."""

    kind: Literal["modelarts"]
    endpoint: str
    project_id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    workspace_id: str = "0"
    auth: Auth | None = Field(None, description="Left out only for a registry that asks for no credentials.")
    rate: float = Field(20.0, gt=0, allow_inf_nan=False, description="Requests a second, at most.")
    timeout: Interval = Field(timedelta(seconds=30), description="Deadline of one call.")
    page_size: int = Field(1000, ge=1, le=1000, description="Models a page when listing.")

    @property
    def identity(self) -> str:
        """Tells the registry from others, in words that the state remembers; without secrets."""
        endpoint = self.endpoint.rstrip("/")
        return f"modelarts {endpoint} project {self.project_id} workspace {self.workspace_id}"

    @property
    def shown(self) -> str:
        """The same for a person."""
        workspace = "" if self.workspace_id == "0" else f", workspace {self.workspace_id}"
        return f"{self.endpoint}, project {self.project_id}{workspace}"


Target = Annotated[EmbeddedTarget | ModelArtsTarget, Field(discriminator="kind")]


class StateSettings(_Section):
    """`[state]`: the memory."""

    dir: Path = Field(Path(STATE_DIR), description="Where the state and mirrors of remote sources are kept.")
    url: StateUrl | None = Field(None, description="SQLAlchemy URL; by default state.db in state.dir.")
    compact_after: Duration = Field(
        timedelta(days=30),
        description="Events of models at rest that are older than this are compressed; 0s for none.",
    )


class HaSettings(_Section):
    """`[ha]`: replicas on one state in PostgreSQL."""

    lease: Interval = Field(
        timedelta(seconds=8),
        description="How long a leader that died, or cannot reach the database, still counts as one.",
    )
    renew: Interval = Field(timedelta(seconds=2), description="How often a leader renews its lease.")

    @model_validator(mode="after")
    def _renews_in_time(self) -> HaSettings:
        if self.renew * 2 > self.lease:
            raise ValueError(
                "renew: a lease that is renewed once in its time is lost by one late answer: at most half"
            )
        return self


class ScheduleSettings(_Section):
    """`[schedule]`: when `reconciler run` looks."""

    every: Interval = Field(timedelta(seconds=30), description="Interval between two ticks.")
    cron: str | None = Field(None, description="Crontab line in place of an interval.")
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


class GuardSettings(_Section):
    """`[guards]`: limits above which a cycle refuses."""

    max_imports_per_cycle: int = Field(100, ge=0, description="More imports than this are all refused.")
    max_disappearances: int = Field(
        3, ge=1, description="A model that vanished from the registry this often is not imported again."
    )
    allow_empty: bool = Field(False, description="A directory that declared models may come to declare none.")
    allow_rewritten_history: bool = Field(
        False,
        description="Imports may come from a branch that no longer contains the commit reconciled last "
        "(force-push).",
    )


class FollowSettings(_Section):
    """`[follow]`: polling of an import until it is final."""

    first: Duration | None = Field(None, description="First wait; 5s, or 200ms for an embedded registry.")
    settle: Duration | None = Field(
        None,
        description="How long a new model may take to show in the registry's list: one that is listed later "
        "than the target's timeout and this counts as not made; `doctor --measure` finds out. "
        "5s, or 200ms for an embedded registry.",
    )
    max: Duration = timedelta(seconds=15)
    deadline: Duration = timedelta(minutes=35)


class WebSettings(_Credentials):
    """`[web]`: page, health, metrics and webhook of `reconciler run`."""

    enabled: bool = True
    listen: Address | None = Field(
        None, description="HOST:PORT; by default a free port of 127.0.0.1 near 8321."
    )
    health_listen: Address | None = Field(
        None, description="HOST:PORT of health and metrics alone; by default a free port from 8322 on."
    )
    allowed_hosts: tuple[str, ...] | None = Field(
        None, description="Names that are answered to; by default what is listened on, and loopback names."
    )
    token: SecretStr | None = Field(
        None, description="Tokens that let a visitor look: one a line, two at most."
    )
    token_file: Path | None = None
    token_env: str | None = None
    show_emails: bool = Field(True, description="Whether the page and the report tell authors' addresses.")
    commit_url: str | None = Field(None, description="Link to a commit; {commit} is replaced.")
    file_url: str | None = Field(
        None, description="Link to a line of a file at a commit; {commit}, {path} and {line} are replaced."
    )
    webhook_secret: SecretStr | None = None
    webhook_secret_file: Path | None = None
    webhook_secret_env: str | None = None


class NotifySettings(_Credentials):
    """`[[notify]]`: a sink, which is told when a model comes to need a human, and when it recovers."""

    kind: Literal["apprise", "webhook", "alertmanager", "feishu"] = Field(
        description="apprise (chat and mail; the extra `notify`), webhook, alertmanager or feishu."
    )
    name: TargetName | None = Field(None, description="By default the kind.")
    url: SecretStr | None = Field(None, description="Where to send to, as the kind wants it.")
    url_file: Path | None = None
    url_env: str | None = None
    secret: SecretStr | None = Field(None, description="What signs, for a webhook and for feishu.")
    secret_file: Path | None = None
    secret_env: str | None = None
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

    @classmethod
    def required_secrets(cls) -> frozenset[str]:
        """The URL: of most services, it is what lets anybody write there."""
        return frozenset({"url"})

    @property
    def title(self) -> str:
        """Its name, or else its kind."""
        return self.name or self.kind

    @model_validator(mode="after")
    def _signs_where_the_kind_does(self) -> NotifySettings:
        given = self.secret or self.secret_file or self.secret_env
        if given and self.kind not in ("webhook", "feishu"):
            raise ValueError(f"secret: nothing is signed for {self.kind}: leave it out")
        return self


class LogSettings(_Section):
    """`[log]`: what goes to standard error."""

    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


def _default_targets() -> dict[str, EmbeddedTarget | ModelArtsTarget]:
    return {"local": EmbeddedTarget(kind="embedded")}


class Settings(BaseModel):
    """The whole configuration; `Configuration` adds where it came from."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: SourceSettings = SourceSettings()
    targets: dict[TargetName, Target] = Field(
        default_factory=_default_targets, min_length=1, json_schema_extra={"additionalProperties": False}
    )
    state: StateSettings = StateSettings()
    ha: HaSettings = HaSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    guards: GuardSettings = GuardSettings()
    limits: LimitSettings = LimitSettings()
    follow: FollowSettings = FollowSettings()
    notify: tuple[NotifySettings, ...] = ()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
