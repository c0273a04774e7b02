"""The import page of December 2019: the document this project began with, and the default."""

from datetime import date
from typing import Annotated

from reconciler.contract import advice, config_file, request, rules
from reconciler.contract.config_file import BoundedConfigParams, Config
from reconciler.contract.editions.edition import CHECKED, DEFAULTS_2019, ENGINES_2019, Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import Echo, optional, required

_PAGE = "the import model page"
_ON_THE_LIST_PAGE = ("MindSpore",)
ModelType = Annotated[str, OneOf((*ENGINES_2019, "Image"), tolerated=_ON_THE_LIST_PAGE)]


class Config2019(Config):
    """The configuration file."""

    model_type: ModelType | None = None
    input_params: list[BoundedConfigParams] | None = request.CONFIG_INPUTS
    output_params: list[BoundedConfigParams] | None = request.CONFIG_OUTPUTS


class Request2019(request.JobRequest):
    """The import request."""

    model_name: Annotated[request.ModelName, Echo.SAME] = request.ANY_NAME
    model_type: Annotated[ModelType, Echo.ANY_CASE] = required("The engine, or Image.")
    runtime: Annotated[Annotated[str, OneOf(("python2.7", "python3.6"))] | None, Echo.SAME] = optional(
        "Runtime environment."
    )
    description: Annotated[request.Description | None, Echo.WHOLE] = optional("At most 100 characters.")
    model_algorithm: Annotated[request.Words | None, Echo.SAME] = optional(
        "Such as predict_analysis, object_detection, image_classification."
    )
    input_params: Annotated[list[request.BoundedParams] | None, Echo.DERIVED] = request.INPUTS
    output_params: Annotated[list[request.BoundedParams] | None, Echo.DERIVED] = request.OUTPUTS
    initial_config: Annotated[Config2019 | None, Echo.CONFIG] = request.CONFIG
    model_docs: Annotated[request.Docs | None, Echo.WHOLE] = optional(
        "At most three documents about the model."
    )


EDITION = Edition(
    name="seed-2019",
    page=_PAGE,
    dated=date(2019, 12, 10),
    checked=CHECKED,
    struct=Request2019,
    rules=(
        rules.restraints,
        rules.image_installs_nothing,
        rules.only_image_has_swr((*ENGINES_2019, *_ON_THE_LIST_PAGE)),
        *advice.EVERY_EDITION,
        advice.apis_typed_as_text,
        advice.metrics_complete,
        config_file.of_later_editions,
        config_file.unknown_keys(Config2019),
        advice.named_elsewhere(_ON_THE_LIST_PAGE, _PAGE, "the list and detail pages of the same documents"),
    ),
    defaults=DEFAULTS_2019,
    apis_stay_text=True,
)
