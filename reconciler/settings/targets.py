"""The tables below `[targets]`: one of the two kinds each, and the ways to prove who this program is.

Every kind says whether its registry `is_local`: a file of this program's, to which nothing is sent.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr

from reconciler.settings.section import Credentials, Section, in_file, in_variable, itself, printed
from reconciler.settings.types import Endpoint, Interval, ProjectId, RepositoryPath


class AkSkAuth(Credentials):
    """Signs each request with an access key."""

    required: ClassVar[frozenset[str]] = frozenset({"secret_key"})  # a permanent key has no security token
    method: Literal["aksk"] = Field(description="Signs each request with an access key.")
    access_key: str = Field(description="The access key; by itself it is no secret.")
    secret_key: SecretStr | None = itself("The secret key")
    secret_key_file: Path | None = in_file("The secret key")
    secret_key_env: str | None = in_variable("The secret key")
    secret_key_command: tuple[str, ...] | None = printed("The secret key")
    security_token: SecretStr | None = itself("The security token of a temporary key")
    security_token_file: Path | None = in_file("The security token of a temporary key")
    security_token_env: str | None = in_variable("The security token of a temporary key")
    security_token_command: tuple[str, ...] | None = printed("The security token of a temporary key")


class TokenAuth(Credentials):
    """Sends a ready IAM token."""

    required: ClassVar[frozenset[str]] = frozenset({"token"})
    method: Literal["token"] = Field(description="Sends a ready IAM token.")
    token: SecretStr | None = itself("The token")
    token_file: Path | None = in_file("The token")
    token_env: str | None = in_variable("The token")
    token_command: tuple[str, ...] | None = printed("The token")


class PasswordAuth(Credentials):
    """Logs in at IAM and renews the token ahead of its end."""

    required: ClassVar[frozenset[str]] = frozenset({"password"})
    method: Literal["password"] = Field(description="Logs in at IAM, and renews the token ahead of its end.")
    iam_endpoint: Endpoint = Field(
        description="Address of IAM.", examples=["https://iam.cn-north-4.myhuaweicloud.com"]
    )
    username: str = Field(description="The IAM user.")
    domain: str = Field(description="The account that the user belongs to.")
    scope: str = Field(description="Name of the project that the token is for.", examples=["cn-north-4"])
    password: SecretStr | None = itself("The password")
    password_file: Path | None = in_file("The password")
    password_env: str | None = in_variable("The password")
    password_command: tuple[str, ...] | None = printed("The password")


Auth = Annotated[AkSkAuth | TokenAuth | PasswordAuth, Field(discriminator="method")]


_EDITIONS = Literal["seed-2019", "cn-2021", "otc-2024", "current"]


class _Target(Section):
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
    obs_endpoint: Endpoint | None = Field(
        None, description="Object store for preflight; by default the one of the registry's region."
    )


class EmbeddedTarget(_Target):
    """A registry inside this very process, with its own database."""

    kind: Literal["embedded"] = Field(description="A registry inside this process, with its own database.")
    database: Path | None = Field(
        None, description="SQLite file; by default registry-TARGET.db in state.dir."
    )
    publish_seconds: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="How long an import takes to be published."
    )
    is_local: ClassVar[Literal[True]] = True
    endpoint: ClassVar[None] = None
    auth: ClassVar[None] = None
    secret_endpoints: ClassVar[tuple[tuple[str, ...], ...]] = ()
    timeout: ClassVar[timedelta] = timedelta(0)  # once this process has died, nothing is carried out any more

    def database_file(self, name: str, base: Path, state_dir: Path) -> Path:
        """Where a target of this name keeps its models; relative paths start at `base`."""
        return base / self.database if self.database else state_dir / f"registry-{name}.db"

    @property
    def is_in_state_dir(self) -> bool:
        """Whether each replica has a registry of its own."""
        return self.database is None

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

    is_local: ClassVar[Literal[False]] = False
    is_in_state_dir: ClassVar[bool] = False
    kind: Literal["modelarts"] = Field(description="A project of a service that speaks ModelArts' document.")
    endpoint: Endpoint = Field(
        description="Address of the service; https, or http to this machine.",
        examples=["https://modelarts.cn-north-4.myhuaweicloud.com"],
    )
    project_id: ProjectId = Field(
        description="The project whose models these are.", examples=["0123456789abcdef0123456789abcdef"]
    )
    workspace_id: str = Field("0", description="The workspace inside the project.")
    auth: Auth | None = Field(None, description="Left out only for a registry that asks for no credentials.")
    rate: float = Field(
        20.0, gt=0, allow_inf_nan=False, description="Imports and deletions a second, at most."
    )
    read_rate: float = Field(
        400.0,
        gt=0,
        allow_inf_nan=False,
        description="Reads a second, at most, and no fewer than `rate`; the service's answers make it less.",
    )
    timeout: Interval = Field(timedelta(seconds=30), description="Deadline of one call.")
    page_size: int = Field(1000, ge=1, le=1000, description="Models a page when listing.")

    @property
    def secret_endpoints(self) -> tuple[tuple[str, ...], ...]:
        """The keys of every place that the secret, or what a login with it gives, is sent to."""
        iam = (("auth", "iam_endpoint"),) if isinstance(self.auth, PasswordAuth) else ()
        obs = (("obs_endpoint",),) if self.obs_endpoint is not None else ()
        return (("endpoint",), *iam, *obs)

    @property
    def registry_key(self) -> tuple[str, ...]:
        """Equal for two targets that are one and the same registry."""
        return self.endpoint.rstrip("/").lower(), self.project_id, self.workspace_id

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
