"""The Chinese documents of October 2021: templates, install_type, runtimes by engine."""

from datetime import date
from typing import Annotated

from reconciler.contract import advice, config_file, request, rules
from reconciler.contract.config_file import Config, ConfigParams
from reconciler.contract.editions.edition import CHECKED, DEFAULTS_2019, ENGINES_2019, Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import Echo, optional, required

ModelType = Annotated[str, OneOf((*ENGINES_2019, "Image", "Template"))]

_PYTHON_2_AND_3 = ("python2.7", "python3.6")
RUNTIMES: dict[str, tuple[str, ...]] = {
    "TensorFlow": (
        *_PYTHON_2_AND_3,
        *(f"tf1.13-python{version}-{chip}" for version in ("2.7", "3.6", "3.7") for chip in ("cpu", "gpu")),
        "tf2.1-python3.7",
    ),
    "MXNet": (*_PYTHON_2_AND_3, "python3.7"),
    "Caffe": tuple(
        f"python{version}{chip}" for version in ("2.7", "3.6", "3.7") for chip in ("", "-cpu", "-gpu")
    ),
    "Spark_MLlib": _PYTHON_2_AND_3,
    "Scikit_Learn": _PYTHON_2_AND_3,
    "XGBoost": _PYTHON_2_AND_3,
    "PyTorch": (*_PYTHON_2_AND_3, "python3.7", "pytorch1.4-python3.7"),
}
"""The runtime table; a Caffe runtime without a suffix is for CPU only."""


class Config2021(Config):
    """The configuration file."""

    model_type: ModelType | None = None
    input_params: list[ConfigParams] | None = request.CONFIG_INPUTS
    output_params: list[ConfigParams] | None = request.CONFIG_OUTPUTS


class Request2021(request.JobRequest):
    """The import request."""

    model_name: Annotated[request.ModelName, Echo.SAME] = request.ANY_NAME
    model_type: Annotated[ModelType, Echo.ANY_CASE] = required("The engine, Image or Template.")
    runtime: Annotated[request.Line | None, Echo.SAME] = optional("Runtime environment, one of the engine's.")
    description: Annotated[request.PlainDescription | None, Echo.WHOLE] = request.PLAIN_WORDS
    model_algorithm: Annotated[request.Algorithm | None, Echo.SAME] = optional(
        "At most 36 characters; starts with a letter."
    )
    input_params: Annotated[list[request.Params] | None, Echo.DERIVED] = request.INPUTS
    output_params: Annotated[list[request.Params] | None, Echo.DERIVED] = request.OUTPUTS
    initial_config: Annotated[Config2021 | None, Echo.CONFIG] = request.CONFIG
    model_docs: Annotated[request.Docs | None, Echo.WHOLE] = optional(
        "At most three documents about the model."
    )
    install_type: Annotated[list[request.EdgeInstallType] | None, Echo.SAME] = request.ANY_DEPLOYMENT
    template: Annotated[request.Template | None, Echo.NEVER] = optional(
        "Needed where model_type is Template."
    )


EDITION = Edition(
    name="cn-2021",
    page="the Chinese import model page",
    dated=date(2021, 10, 16),
    checked=CHECKED,
    struct=Request2021,
    rules=(
        rules.restraints,
        rules.template_needs_template,
        rules.input_ids_differ,
        rules.runtime_of_engine(RUNTIMES),
        rules.image_installs_nothing,
        rules.only_image_has_swr(ENGINES_2019),
        *advice.EVERY_EDITION,
        advice.recommended_lengths,
        advice.web_protocols,
        advice.only_for_template,
        config_file.of_later_editions,
        config_file.unknown_keys(Config2021),
    ),
    defaults={**DEFAULTS_2019, "install_type": ["real-time", "edge", "batch"]},
)
