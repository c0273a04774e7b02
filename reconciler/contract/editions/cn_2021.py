"""The Chinese documents of October 2021: templates, install_type, runtimes by engine."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.contract import advice, rules
from reconciler.contract.editions import DEFAULTS_2019, ENGINES_2019
from reconciler.contract.editions.edition import Edition
from reconciler.contract.fields import OneOf
from reconciler.contract.structs import (
    Algorithm,
    Config,
    Docs,
    EdgeInstallType,
    JobRequest,
    Line,
    ModelName,
    Params,
    PlainDescription,
    Template,
)

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


class Request2021(JobRequest):
    """The import request."""

    model_name: ModelName = Field(
        description="1 to 64 letters, Chinese characters, digits, hyphens and underscores."
    )
    model_type: ModelType = Field(description="The engine, Image or Template.")
    runtime: Line | None = Field(default=None, description="Runtime environment, one of the engine's.")
    description: PlainDescription | None = Field(
        default=None, description="At most 100 characters, none of & ! ' \" < > =."
    )
    model_algorithm: Algorithm | None = Field(
        default=None, description="At most 36 characters; starts with a letter."
    )
    input_params: list[Params] | None = Field(
        default=None, description="Inputs of the model; read from initial_config when absent."
    )
    output_params: list[Params] | None = Field(
        default=None, description="Outputs of the model; read from initial_config when absent."
    )
    initial_config: Config2021 | None = Field(
        default=None, description="The model's configuration file; sent as text."
    )
    model_docs: Docs | None = Field(default=None, description="At most three documents about the model.")
    install_type: list[EdgeInstallType] | None = Field(
        default=None, description="How the model may be deployed; every way when absent."
    )
    template: Template | None = Field(default=None, description="Needed where model_type is Template.")


EDITION = Edition(
    name="cn-2021",
    source="the Chinese API pages of 2021-10-16",
    model=Request2021,
    rules=(
        rules.RESTRAINTS,
        rules.TEMPLATE_NEEDS_TEMPLATE,
        rules.INPUT_IDS_DIFFER,
        rules.runtime_of_engine(RUNTIMES),
        rules.IMAGE_INSTALLS_NOTHING,
        rules.only_image_has_swr(ENGINES_2019),
        *advice.EVERY_EDITION,
        advice.RECOMMENDED_LENGTHS,
        advice.WEB_PROTOCOLS,
        advice.ONLY_FOR_TEMPLATE,
        advice.CONFIG_OF_LATER_EDITIONS,
    ),
    defaults={**DEFAULTS_2019, "install_type": ["real-time", "edge", "batch"]},
)
