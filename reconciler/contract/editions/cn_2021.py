"""The Chinese documents of October 2021: templates, install_type, runtimes by engine."""

from datetime import date
from typing import Annotated

from reconciler.contract import advice, config_file, rules
from reconciler.contract.config_file import Config, ConfigParams
from reconciler.contract.editions.edition import CHECKED, DEFAULTS_2019, ENGINES_2019, Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.request import (
    Algorithm,
    Docs,
    EdgeInstallType,
    JobRequest,
    Line,
    ModelName,
    Params,
    PlainDescription,
    Template,
)
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
    input_params: list[ConfigParams] | None = optional("Inputs of the model, as in the request.")
    output_params: list[ConfigParams] | None = optional("Outputs of the model, as in the request.")


class Request2021(JobRequest):
    """The import request."""

    model_name: Annotated[ModelName, Echo.SAME] = required(
        "1 to 64 letters, Chinese characters, digits, hyphens and underscores."
    )
    model_type: Annotated[ModelType, Echo.ANY_CASE] = required("The engine, Image or Template.")
    runtime: Annotated[Line | None, Echo.SAME] = optional("Runtime environment, one of the engine's.")
    description: Annotated[PlainDescription | None, Echo.WHOLE] = optional(
        "At most 100 characters, none of & ! ' \" < > =."
    )
    model_algorithm: Annotated[Algorithm | None, Echo.SAME] = optional(
        "At most 36 characters; starts with a letter."
    )
    input_params: Annotated[list[Params] | None, Echo.DERIVED] = optional(
        "Inputs of the model; read from initial_config when absent."
    )
    output_params: Annotated[list[Params] | None, Echo.DERIVED] = optional(
        "Outputs of the model; read from initial_config when absent."
    )
    initial_config: Annotated[Config2021 | None, Echo.CONFIG] = optional(
        "The model's configuration file; sent as text."
    )
    model_docs: Annotated[Docs | None, Echo.WHOLE] = optional("At most three documents about the model.")
    install_type: Annotated[list[EdgeInstallType] | None, Echo.SAME] = optional(
        "How the model may be deployed; every way when absent."
    )
    template: Annotated[Template | None, Echo.NEVER] = optional("Needed where model_type is Template.")


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
