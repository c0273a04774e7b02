"""The import page of December 2019: the document this project began with, and the default."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.contract import advice, rules
from reconciler.contract.editions import DEFAULTS_2019, ENGINES_2019
from reconciler.contract.editions.edition import Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import (
    BoundedParams,
    Config,
    Description,
    Docs,
    JobRequest,
    ModelName,
    Words,
)

ModelType = Annotated[str, OneOf((*ENGINES_2019, "Image"))]


class Config2019(Config):
    """The configuration file."""

    model_type: ModelType | None = None


class Request2019(JobRequest):
    """The import request."""

    model_name: ModelName = Field(
        description="1 to 64 letters, Chinese characters, digits, hyphens and underscores."
    )
    model_type: ModelType = Field(description="The engine, or Image.")
    runtime: Annotated[str, OneOf(("python2.7", "python3.6"))] | None = Field(
        default=None, description="Runtime environment."
    )
    description: Description | None = Field(default=None, description="At most 100 characters.")
    model_algorithm: Words | None = Field(
        default=None,
        description="Such as predict_analysis, object_detection, image_classification.",
    )
    input_params: list[BoundedParams] | None = Field(
        default=None, description="Inputs of the model; read from initial_config when absent."
    )
    output_params: list[BoundedParams] | None = Field(
        default=None, description="Outputs of the model; read from initial_config when absent."
    )
    initial_config: Config2019 | None = Field(
        default=None, description="The model's configuration file; sent as text."
    )
    model_docs: Docs | None = Field(default=None, description="At most three documents about the model.")


EDITION = Edition(
    name="seed-2019",
    source="the import model page of 2019-12-10",
    model=Request2019,
    rules=(
        rules.RESTRAINTS,
        rules.IMAGE_INSTALLS_NOTHING,
        rules.only_image_has_swr(ENGINES_2019),
        *advice.EVERY_EDITION,
        advice.APIS_TYPED_AS_TEXT,
        advice.METRICS_COMPLETE,
        advice.CONFIG_OF_LATER_EDITIONS,
    ),
    defaults=DEFAULTS_2019,
    apis_stay_text=True,
)
