"""The documents of 2025 and 2026: images copied or not, start commands, deployment constraints."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from reconciler.contract import advice, config_rules, rules
from reconciler.contract.config_structs import Config, WebConfigParams
from reconciler.contract.echo import Echo
from reconciler.contract.editions import CHECKED, DEFAULTS_2019
from reconciler.contract.editions.edition import Edition
from reconciler.contract.elsewhere import Elsewhere, named_elsewhere
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import (
    CommonRequest,
    DeploymentConstraints,
    Docs,
    SourceCopy,
    Template,
    WebParams,
)
from reconciler.contract.texts import (  # noqa: TC001 - pydantic reads the annotations
    InstallType,
    Line,
    ModelName,
    PlainDescription,
    SourceLocation,
    Words,
)

_PAGE = "the CreateModel page"
_OF_WORKFLOWS = ("XGBoost", "Scikit_Learn", "Spark_MLlib", "MXNet", "Caffe")
ENGINES = ("TensorFlow", "PyTorch", "MindSpore", *_OF_WORKFLOWS)
ModelType = Annotated[
    str,
    OneOf(("TensorFlow", "PyTorch", "MindSpore", "Image", "Custom", "Template"), tolerated=_OF_WORKFLOWS),
]


class CurrentConfig(Config):
    """The configuration file."""

    model_type: ModelType | None = None
    input_params: list[WebConfigParams] | None = Field(
        default=None, description="Inputs of the model, as in the request."
    )
    output_params: list[WebConfigParams] | None = Field(
        default=None, description="Outputs of the model, as in the request."
    )


class CurrentRequest(CommonRequest):
    """The import request."""

    model_name: Annotated[ModelName, Echo.SAME] = Field(
        description="1 to 64 letters, Chinese characters, digits, hyphens and underscores."
    )
    source_location: Annotated[SourceLocation | None, Echo.SAME] = Field(
        default=None,
        description="OBS path of the model, or address of an SWR image; not needed for a Template.",
    )
    model_type: Annotated[ModelType, Echo.ANY_CASE] = Field(
        description="The engine, Image, Custom or Template."
    )
    runtime: Annotated[Line | None, Echo.SAME] = Field(
        default=None, description="Runtime environment; for Custom, the address of the image."
    )
    description: Annotated[PlainDescription | None, Echo.WHOLE] = Field(
        default=None, description="1 to 100 characters, none of & ! ' \" < > =."
    )
    model_algorithm: Annotated[Words | None, Echo.SAME] = Field(
        default=None, description="Kind of algorithm."
    )
    input_params: Annotated[list[WebParams] | None, Echo.DERIVED] = Field(
        default=None, description="Inputs of the model; read from initial_config when absent."
    )
    output_params: Annotated[list[WebParams] | None, Echo.DERIVED] = Field(
        default=None, description="Outputs of the model; read from initial_config when absent."
    )
    initial_config: Annotated[CurrentConfig | None, Echo.CONFIG] = Field(
        default=None, description="The model's configuration file, with its health probes; sent as text."
    )
    model_docs: Annotated[Docs | None, Echo.WHOLE] = Field(
        default=None, description="At most three documents about the model."
    )
    install_type: Annotated[list[InstallType] | None, Echo.SAME] = Field(
        default=None, description="How the model may be deployed; every way when absent."
    )
    template: Annotated[Template | None, Echo.NEVER] = Field(
        default=None, description="Needed where model_type is Template."
    )
    source_copy: Annotated[SourceCopy | None, Echo.IMAGES_ONLY] = Field(
        default=None, description="Whether an image is copied, and so independent of its original."
    )
    cmd: Annotated[Words | None, Echo.SAME] = Field(default=None, description="Start command of an image.")
    deployment_constraints: Annotated[DeploymentConstraints | None, Echo.NEVER] = Field(
        default=None, description="Where the model may be deployed; on certain sites."
    )


EDITION = Edition(
    name="current",
    page=_PAGE,
    dated=date(2026, 1, 30),
    checked=CHECKED,
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
        config_rules.unknown_keys(CurrentConfig),
        named_elsewhere(
            Elsewhere(
                "model_type",
                _OF_WORKFLOWS,
                _PAGE,
                "the workflow page (ModelStep) and the Terraform provider's",
            )
        ),
    ),
    defaults={
        **DEFAULTS_2019,
        "install_type": ["real-time", "batch"],
        "source_copy": "true",
    },
)
