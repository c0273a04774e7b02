"""The documents of 2025 and 2026: images copied or not, start commands, deployment constraints."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.contract import advice, rules
from reconciler.contract.editions import DEFAULTS_2019
from reconciler.contract.editions.edition import Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import (
    CommonRequest,
    Config,
    DeploymentConstraints,
    Docs,
    InstallType,
    Line,
    ModelName,
    PlainDescription,
    SourceCopy,
    SourceLocation,
    Template,
    WebParams,
    Words,
)

ENGINES = ("TensorFlow", "PyTorch", "MindSpore")
ModelType = Annotated[str, OneOf(("TensorFlow", "PyTorch", "MindSpore", "Image", "Custom", "Template"))]


class CurrentConfig(Config):
    """The configuration file."""

    model_type: ModelType | None = None


class CurrentRequest(CommonRequest):
    """The import request."""

    model_name: ModelName = Field(
        description="1 to 64 letters, Chinese characters, digits, hyphens and underscores."
    )
    source_location: SourceLocation | None = Field(
        default=None,
        description="OBS path of the model, or address of an SWR image; not needed for a Template.",
    )
    model_type: ModelType = Field(description="The engine, Image, Custom or Template.")
    runtime: Line | None = Field(
        default=None, description="Runtime environment; for Custom, the address of the image."
    )
    description: PlainDescription | None = Field(
        default=None, description="1 to 100 characters, none of & ! ' \" < > =."
    )
    model_algorithm: Words | None = Field(default=None, description="Kind of algorithm.")
    input_params: list[WebParams] | None = Field(
        default=None, description="Inputs of the model; read from initial_config when absent."
    )
    output_params: list[WebParams] | None = Field(
        default=None, description="Outputs of the model; read from initial_config when absent."
    )
    initial_config: CurrentConfig | None = Field(
        default=None, description="The model's configuration file, with its health probes; sent as text."
    )
    model_docs: Docs | None = Field(default=None, description="At most three documents about the model.")
    install_type: list[InstallType] | None = Field(
        default=None, description="How the model may be deployed; every way when absent."
    )
    template: Template | None = Field(default=None, description="Needed where model_type is Template.")
    source_copy: SourceCopy | None = Field(
        default=None, description="Whether an image is copied, and so independent of its original."
    )
    cmd: Words | None = Field(default=None, description="Start command of an image.")
    deployment_constraints: DeploymentConstraints | None = Field(
        default=None, description="Where the model may be deployed; on certain sites."
    )


EDITION = Edition(
    name="current",
    source="the CreateModel pages of 2025 and 2026",
    model=CurrentRequest,
    rules=(
        rules.RESTRAINTS,
        rules.SOURCE_UNLESS_TEMPLATE,
        rules.TEMPLATE_NEEDS_TEMPLATE,
        rules.INPUT_IDS_DIFFER,
        rules.IMAGE_INSTALLS_NOTHING,
        rules.only_image_has_swr(ENGINES),
        *advice.EVERY_EDITION,
        advice.RECOMMENDED_LENGTHS,
        advice.DESCRIPTION_EMPTY,
        advice.ONLY_FOR_TEMPLATE,
        advice.ONLY_FOR_IMAGES,
        advice.NOT_FOR_CUSTOM,
        advice.CERTAIN_SITES,
    ),
    defaults={
        **DEFAULTS_2019,
        "install_type": ["real-time", "batch"],
        "source_copy": "true",
    },
)
