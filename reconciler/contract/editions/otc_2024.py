"""The Open Telekom Cloud documents of June 2024: ASCII names, three model types."""

from datetime import date
from typing import Annotated

from reconciler.contract import advice, config_file, rules
from reconciler.contract.config_file import Config, ConfigParams
from reconciler.contract.editions.edition import CHECKED, DEFAULTS_2019, Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.request import (
    AsciiModelName,
    InstallType,
    JobRequest,
    LetterDocs,
    Line,
    Params,
    PlainDescription,
    Template,
    Words,
)
from reconciler.contract.structs import Echo, optional, required

_PAGE = "the import page of the Open Telekom Cloud"
_IN_SAMPLES = ("XGBoost", "PyTorch")
ENGINES = ("TensorFlow", *_IN_SAMPLES)
ModelType = Annotated[str, OneOf(("TensorFlow", "Image", "Template"), tolerated=_IN_SAMPLES)]


class Config2024(Config):
    """The configuration file."""

    model_type: ModelType | None = None
    input_params: list[ConfigParams] | None = optional("Inputs of the model, as in the request.")
    output_params: list[ConfigParams] | None = optional("Outputs of the model, as in the request.")


class Request2024(JobRequest):
    """The import request."""

    model_name: Annotated[AsciiModelName, Echo.SAME] = required(
        "1 to 64 letters, digits, hyphens and underscores."
    )
    model_type: Annotated[ModelType, Echo.ANY_CASE] = required("TensorFlow, Image or Template.")
    runtime: Annotated[Line | None, Echo.SAME] = optional("Runtime environment.")
    description: Annotated[PlainDescription | None, Echo.WHOLE] = optional(
        "At most 100 characters, none of & ! ' \" < > =."
    )
    model_algorithm: Annotated[Words | None, Echo.SAME] = optional("Kind of algorithm.")
    input_params: Annotated[list[Params] | None, Echo.DERIVED] = optional(
        "Inputs of the model; read from initial_config when absent."
    )
    output_params: Annotated[list[Params] | None, Echo.DERIVED] = optional(
        "Outputs of the model; read from initial_config when absent."
    )
    initial_config: Annotated[Config2024 | None, Echo.CONFIG] = optional(
        "The model's configuration file; sent as text."
    )
    model_docs: Annotated[LetterDocs | None, Echo.WHOLE] = optional("At most three documents.")
    install_type: Annotated[list[InstallType] | None, Echo.SAME] = optional(
        "How the model may be deployed; every way when absent."
    )
    template: Annotated[Template | None, Echo.NEVER] = optional("Needed where model_type is Template.")


EDITION = Edition(
    name="otc-2024",
    page=_PAGE,
    dated=date(2024, 6, 10),
    checked=CHECKED,
    struct=Request2024,
    rules=(
        rules.restraints,
        rules.template_needs_template,
        rules.input_ids_differ,
        rules.image_installs_nothing,
        rules.only_image_has_swr(ENGINES),
        *advice.EVERY_EDITION,
        advice.recommended_lengths,
        advice.web_protocols,
        advice.only_for_template,
        config_file.of_later_editions,
        config_file.unknown_keys(Config2024),
        advice.named_elsewhere(_IN_SAMPLES, _PAGE, "the samples of the same documents"),
    ),
    defaults={
        **DEFAULTS_2019,
        "runtime": "python3.6",
        "install_type": ["real-time", "batch"],
    },
)
