"""The tables below `[targets]`: one of the two kinds each, as frozen values."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from reconciler.settings.auth import Auth  # noqa: TC001 - pydantic reads the annotations
from reconciler.settings.section import Section
from reconciler.settings.types import (  # noqa: TC001 - pydantic reads the annotations
    Endpoint,
    Interval,
    RepositoryPath,
)

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
    obs_endpoint: str | None = Field(
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

    kind: Literal["modelarts"] = Field(description="A project of a service that speaks ModelArts' document.")
    endpoint: Endpoint = Field(
        description="Address of the service; https, or http to this machine.",
        examples=["https://modelarts.cn-north-4.myhuaweicloud.com"],
    )
    project_id: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="The project whose models these are.",
        examples=["0123456789abcdef0123456789abcdef"],
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
