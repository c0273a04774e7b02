"""The import page of December 2019: the document this project began with, and the default."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from reconciler.contract import advice, config_rules, rules
from reconciler.contract.config_structs import BoundedConfigParams, Config
from reconciler.contract.echo import Echo
from reconciler.contract.editions import CHECKED, DEFAULTS_2019, ENGINES_2019
from reconciler.contract.editions.edition import Edition
from reconciler.contract.elsewhere import Elsewhere, named_elsewhere
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import (
    BoundedParams,
    Docs,
    JobRequest,
)
from reconciler.contract.texts import (  # noqa: TC001 - pydantic reads the annotations
    Description,
    ModelName,
    Words,
)

_PAGE = "the import model page"
_ON_THE_LIST_PAGE = ("MindSpore",)
ModelType = Annotated[str, OneOf((*ENGINES_2019, "Image"), tolerated=_ON_THE_LIST_PAGE)]


class Config2019(Config):
    """The configuration file."""

    model_type: ModelType | None = None
    input_params: list[BoundedConfigParams] | None = Field(
        default=None, description="Inputs of the model, as in the request."
    )
    output_params: list[BoundedConfigParams] | None = Field(
        default=None, description="Outputs of the model, as in the request."
    )


class Request2019(JobRequest):
    """The import request."""

    model_name: Annotated[ModelName, Echo.SAME] = Field(
        description="1 to 64 letters, Chinese characters, digits, hyphens and underscores."
    )
    model_type: Annotated[ModelType, Echo.ANY_CASE] = Field(description="The engine, or Image.")
    runtime: Annotated[Annotated[str, OneOf(("python2.7", "python3.6"))] | None, Echo.SAME] = Field(
        default=None, description="Runtime environment."
    )
    description: Annotated[Description | None, Echo.WHOLE] = Field(
        default=None, description="At most 100 characters."
    )
    model_algorithm: Annotated[Words | None, Echo.SAME] = Field(
        default=None,
        description="Such as predict_analysis, object_detection, image_classification.",
    )
    input_params: Annotated[list[BoundedParams] | None, Echo.DERIVED] = Field(
        default=None, description="Inputs of the model; read from initial_config when absent."
    )
    output_params: Annotated[list[BoundedParams] | None, Echo.DERIVED] = Field(
        default=None, description="Outputs of the model; read from initial_config when absent."
    )
    initial_config: Annotated[Config2019 | None, Echo.CONFIG] = Field(
        default=None, description="The model's configuration file; sent as text."
    )
    model_docs: Annotated[Docs | None, Echo.WHOLE] = Field(
        default=None, description="At most three documents about the model."
    )


EDITION = Edition(
    name="seed-2019",
    page=_PAGE,
    dated=date(2019, 12, 10),
    checked=CHECKED,
    model=Request2019,
    rules=(
        rules.RESTRAINTS,
        rules.IMAGE_INSTALLS_NOTHING,
        rules.only_image_has_swr((*ENGINES_2019, *_ON_THE_LIST_PAGE)),
        *advice.EVERY_EDITION,
        advice.APIS_TYPED_AS_TEXT,
        advice.METRICS_COMPLETE,
        config_rules.OF_LATER_EDITIONS,
        config_rules.unknown_keys(Config2019),
        named_elsewhere(
            Elsewhere(
                "model_type", _ON_THE_LIST_PAGE, _PAGE, "the list and detail pages of the same documents"
            )
        ),
    ),
    defaults=DEFAULTS_2019,
    apis_stay_text=True,
)
