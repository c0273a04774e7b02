"""The documents of 2025 and 2026: images copied or not, start commands, deployment constraints."""

from datetime import date
from typing import Annotated

from reconciler.contract import advice, config_file, request, rules
from reconciler.contract.config_file import Config, WebConfigParams
from reconciler.contract.editions.edition import CHECKED, DEFAULTS_2019, Edition
from reconciler.contract.fields import Flag, OneOf
from reconciler.contract.structs import Echo, optional, required

_PAGE = "the CreateModel page"
_OF_WORKFLOWS = ("XGBoost", "Scikit_Learn", "Spark_MLlib", "MXNet", "Caffe")
ENGINES = ("TensorFlow", "PyTorch", "MindSpore", *_OF_WORKFLOWS)
ModelType = Annotated[
    str, OneOf(("TensorFlow", "PyTorch", "MindSpore", "Image", "Custom", "Template"), tolerated=_OF_WORKFLOWS)
]


class CurrentConfig(Config):
    """The configuration file."""

    model_type: ModelType | None = None
    input_params: list[WebConfigParams] | None = request.CONFIG_INPUTS
    output_params: list[WebConfigParams] | None = request.CONFIG_OUTPUTS


class CurrentRequest(request.CommonRequest):
    """The import request."""

    model_name: Annotated[request.ModelName, Echo.SAME] = request.ANY_NAME
    source_location: Annotated[request.SourceLocation | None, Echo.SAME] = optional(
        "OBS path of the model, or address of an SWR image; not needed for a Template."
    )
    model_type: Annotated[ModelType, Echo.ANY_CASE] = required("The engine, Image, Custom or Template.")
    runtime: Annotated[request.Line | None, Echo.SAME] = optional(
        "Runtime environment; for Custom, the address of the image."
    )
    description: Annotated[request.PlainDescription | None, Echo.WHOLE] = optional(
        "1 to 100 characters, none of & ! ' \" < > =."
    )
    model_algorithm: Annotated[request.Words | None, Echo.SAME] = optional("Kind of algorithm.")
    input_params: Annotated[list[request.WebParams] | None, Echo.DERIVED] = request.INPUTS
    output_params: Annotated[list[request.WebParams] | None, Echo.DERIVED] = request.OUTPUTS
    initial_config: Annotated[CurrentConfig | None, Echo.CONFIG] = optional(
        "The model's configuration file, with its health probes; sent as text."
    )
    model_docs: Annotated[request.Docs | None, Echo.WHOLE] = optional(
        "At most three documents about the model."
    )
    install_type: Annotated[list[request.InstallType] | None, Echo.SAME] = request.ANY_DEPLOYMENT
    template: Annotated[request.Template | None, Echo.NEVER] = optional(
        "Needed where model_type is Template."
    )
    source_copy: Annotated[Flag | None, Echo.IMAGES_ONLY] = optional(
        "Whether an image is copied, and so independent of its original."
    )
    cmd: Annotated[request.Words | None, Echo.SAME] = optional("Start command of an image.")
    deployment_constraints: Annotated[request.DeploymentConstraints | None, Echo.NEVER] = optional(
        "Where the model may be deployed; on certain sites."
    )


EDITION = Edition(
    name="current",
    page=_PAGE,
    dated=date(2026, 1, 30),
    checked=CHECKED,
    struct=CurrentRequest,
    rules=(
        rules.restraints,
        rules.source_unless_template,
        rules.template_needs_template,
        rules.input_ids_differ,
        rules.image_installs_nothing,
        rules.only_image_has_swr(ENGINES),
        *advice.EVERY_EDITION,
        advice.recommended_lengths,
        advice.description_empty,
        advice.only_for_template,
        advice.only_for_images,
        advice.not_for_custom,
        advice.certain_sites,
        config_file.unknown_keys(CurrentConfig),
        advice.named_elsewhere(
            _OF_WORKFLOWS, _PAGE, "the workflow page (ModelStep) and the Terraform provider's"
        ),
    ),
    defaults={**DEFAULTS_2019, "install_type": ["real-time", "batch"], "source_copy": "true"},
)
