"""The Open Telekom Cloud documents of June 2024: ASCII names, three model types."""

from datetime import date
from typing import Annotated

from reconciler.contract import advice, config_file, request, rules
from reconciler.contract.config_file import Config, ConfigParams
from reconciler.contract.editions.edition import CHECKED, DEFAULTS_2019, Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import Echo, optional, required

_PAGE = "the import page of the Open Telekom Cloud"
_IN_SAMPLES = ("XGBoost", "PyTorch")
ENGINES = ("TensorFlow", *_IN_SAMPLES)
ModelType = Annotated[str, OneOf(("TensorFlow", "Image", "Template"), tolerated=_IN_SAMPLES)]


class Config2024(Config):
    """The configuration file."""

    model_type: ModelType | None = None
    input_params: list[ConfigParams] | None = request.CONFIG_INPUTS
    output_params: list[ConfigParams] | None = request.CONFIG_OUTPUTS


class Request2024(request.JobRequest):
    """The import request."""

    model_name: Annotated[request.AsciiModelName, Echo.SAME] = required(
        "1 to 64 letters, digits, hyphens and underscores."
    )
    model_type: Annotated[ModelType, Echo.ANY_CASE] = required("TensorFlow, Image or Template.")
    runtime: Annotated[request.Line | None, Echo.SAME] = optional("Runtime environment.")
    description: Annotated[request.PlainDescription | None, Echo.WHOLE] = request.PLAIN_WORDS
    model_algorithm: Annotated[request.Words | None, Echo.SAME] = optional("Kind of algorithm.")
    input_params: Annotated[list[request.Params] | None, Echo.DERIVED] = request.INPUTS
    output_params: Annotated[list[request.Params] | None, Echo.DERIVED] = request.OUTPUTS
    initial_config: Annotated[Config2024 | None, Echo.CONFIG] = request.CONFIG
    model_docs: Annotated[request.LetterDocs | None, Echo.WHOLE] = optional("At most three documents.")
    install_type: Annotated[list[request.InstallType] | None, Echo.SAME] = request.ANY_DEPLOYMENT
    template: Annotated[request.Template | None, Echo.NEVER] = optional(
        "Needed where model_type is Template."
    )


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
    defaults={**DEFAULTS_2019, "runtime": "python3.6", "install_type": ["real-time", "batch"]},
)
