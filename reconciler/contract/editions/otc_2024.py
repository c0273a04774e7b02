"""The Open Telekom Cloud documents of June 2024: ASCII names, three model types."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.contract import advice, rules
from reconciler.contract.editions import DEFAULTS_2019
from reconciler.contract.editions.edition import Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import (
    AsciiModelName,
    Config,
    InstallType,
    JobRequest,
    LetterDocs,
    Line,
    Params,
    PlainDescription,
    Template,
    Words,
)

ENGINES = ("TensorFlow",)
ModelType = Annotated[str, OneOf(("TensorFlow", "Image", "Template"))]


class Config2024(Config):
    """The configuration file."""

    model_type: ModelType | None = None


class Request2024(JobRequest):
    """The import request."""

    model_name: AsciiModelName = Field(description="1 to 64 letters, digits, hyphens and underscores.")
    model_type: ModelType = Field(description="TensorFlow, Image or Template.")
    runtime: Line | None = Field(default=None, description="Runtime environment.")
    description: PlainDescription | None = Field(
        default=None, description="At most 100 characters, none of & ! ' \" < > =."
    )
    model_algorithm: Words | None = Field(default=None, description="Kind of algorithm.")
    input_params: list[Params] | None = Field(
        default=None, description="Inputs of the model; read from initial_config when absent."
    )
    output_params: list[Params] | None = Field(
        default=None, description="Outputs of the model; read from initial_config when absent."
    )
    initial_config: Config2024 | None = Field(
        default=None, description="The model's configuration file; sent as text."
    )
    model_docs: LetterDocs | None = Field(default=None, description="At most three documents.")
    install_type: list[InstallType] | None = Field(
        default=None, description="How the model may be deployed; every way when absent."
    )
    template: Template | None = Field(default=None, description="Needed where model_type is Template.")


EDITION = Edition(
    name="otc-2024",
    source="the Open Telekom Cloud API page of 2024-06-10",
    model=Request2024,
    rules=(
        rules.RESTRAINTS,
        rules.TEMPLATE_NEEDS_TEMPLATE,
        rules.INPUT_IDS_DIFFER,
        rules.IMAGE_INSTALLS_NOTHING,
        rules.only_image_has_swr(ENGINES),
        *advice.EVERY_EDITION,
        advice.RECOMMENDED_LENGTHS,
        advice.WEB_PROTOCOLS,
        advice.ONLY_FOR_TEMPLATE,
        advice.CONFIG_OF_LATER_EDITIONS,
    ),
    defaults={
        **DEFAULTS_2019,
        "runtime": "python3.6",
        "install_type": ["real-time", "batch"],
    },
)
