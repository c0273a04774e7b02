"""The Open Telekom Cloud documents of June 2024: ASCII names, three model types."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from reconciler.contract import advice, config_rules, rules
from reconciler.contract.config_structs import Config, ConfigParams
from reconciler.contract.echo import Echo
from reconciler.contract.editions import CHECKED, DEFAULTS_2019
from reconciler.contract.editions.edition import Edition
from reconciler.contract.elsewhere import Elsewhere, named_elsewhere
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import (
    JobRequest,
    LetterDocs,
    Params,
    Template,
)
from reconciler.contract.texts import (  # noqa: TC001 - pydantic reads the annotations
    AsciiModelName,
    InstallType,
    Line,
    PlainDescription,
    Words,
)

_PAGE = "the import page of the Open Telekom Cloud"
_IN_SAMPLES = ("XGBoost", "PyTorch")
ENGINES = ("TensorFlow", *_IN_SAMPLES)
ModelType = Annotated[str, OneOf(("TensorFlow", "Image", "Template"), tolerated=_IN_SAMPLES)]


class Config2024(Config):
    """The configuration file."""

    model_type: ModelType | None = None
    input_params: list[ConfigParams] | None = Field(
        default=None, description="Inputs of the model, as in the request."
    )
    output_params: list[ConfigParams] | None = Field(
        default=None, description="Outputs of the model, as in the request."
    )


class Request2024(JobRequest):
    """The import request."""

    model_name: Annotated[AsciiModelName, Echo.SAME] = Field(
        description="1 to 64 letters, digits, hyphens and underscores."
    )
    model_type: Annotated[ModelType, Echo.ANY_CASE] = Field(description="TensorFlow, Image or Template.")
    runtime: Annotated[Line | None, Echo.SAME] = Field(default=None, description="Runtime environment.")
    description: Annotated[PlainDescription | None, Echo.WHOLE] = Field(
        default=None, description="At most 100 characters, none of & ! ' \" < > =."
    )
    model_algorithm: Annotated[Words | None, Echo.SAME] = Field(
        default=None, description="Kind of algorithm."
    )
    input_params: Annotated[list[Params] | None, Echo.DERIVED] = Field(
        default=None, description="Inputs of the model; read from initial_config when absent."
    )
    output_params: Annotated[list[Params] | None, Echo.DERIVED] = Field(
        default=None, description="Outputs of the model; read from initial_config when absent."
    )
    initial_config: Annotated[Config2024 | None, Echo.CONFIG] = Field(
        default=None, description="The model's configuration file; sent as text."
    )
    model_docs: Annotated[LetterDocs | None, Echo.WHOLE] = Field(
        default=None, description="At most three documents."
    )
    install_type: Annotated[list[InstallType] | None, Echo.SAME] = Field(
        default=None, description="How the model may be deployed; every way when absent."
    )
    template: Annotated[Template | None, Echo.NEVER] = Field(
        default=None, description="Needed where model_type is Template."
    )


EDITION = Edition(
    name="otc-2024",
    page=_PAGE,
    dated=date(2024, 6, 10),
    checked=CHECKED,
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
        config_rules.OF_LATER_EDITIONS,
        config_rules.unknown_keys(Config2024),
        named_elsewhere(Elsewhere("model_type", _IN_SAMPLES, _PAGE, "the samples of the same documents")),
    ),
    defaults={
        **DEFAULTS_2019,
        "runtime": "python3.6",
        "install_type": ["real-time", "batch"],
    },
)
