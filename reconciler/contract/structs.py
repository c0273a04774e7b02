"""The structs of the import request that several editions share, as pydantic types.

Names and limits are the vendor's (tables 2 to 7 of the import page, 2019, and what later pages add).
Optional fields take null as "absent". What depends on more than one field is in `rules`.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, Field

from reconciler.contract.echo import Echo
from reconciler.contract.fields import Flag, Free, Number, OneOf, Switch, Text
from reconciler.contract.texts import (
    PACKAGE_CLAUSE,
    DocName,
    DocUrl,
    ExecutionCode,
    Installer,
    LetterDocName,
    Line,
    Method,
    ModelVersion,
    ParamType,
    Protocol,
    SourceLocation,
    SourceType,
    Words,
)


def optional(description: str) -> Any:  # noqa: ANN401 - of the field's own type
    """A field that may be absent."""
    return Field(default=None, description=description)


class Struct(BaseModel):
    """A mapping whose keys are known.

    Attributes:
        blank_is_absent: fields whose empty text means that the field is not there.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)
    blank_is_absent: ClassVar[frozenset[str]] = frozenset()

    def item(self, key: str) -> object:
        """The checked value of one key, or None when it is absent."""
        value = self.__dict__.get(key)
        if value is None and self.__pydantic_extra__:
            value = self.__pydantic_extra__.get(key)
        return None if value == "" and key in self.blank_is_absent else value


class OpenStruct(Struct):
    """A mapping that may also hold keys nobody documents."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Free] = Field(init=False)


def struct_in(annotation: Any) -> type[Struct] | None:  # noqa: ANN401 - annotations are untyped
    """The struct that a field holds, by itself or in a list; None for any other field."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return annotation
    return next((struct for part in get_args(annotation) if (struct := struct_in(part))), None)


@cache
def known_fields(model: type[BaseModel], steps: tuple[str, ...]) -> tuple[str, ...]:
    """The field names of the struct at a place, list indices left out."""
    for step in steps:
        field = model.model_fields.get(step)
        inner = struct_in(field.annotation) if field else None
        if inner is None:
            return ()
        model = inner
    return tuple(model.model_fields)


# --- tables 3 to 7 -----------------------------------------------------------------------------------


class Params(Struct):
    """One input or output parameter of the model (table 3)."""

    url: Line = Field(description="Path of the API.")
    method: Method = Field(description="post or get.")
    protocol: Line = Field(description="Protocol of the request, such as http.")
    param_name: Line = Field(description="Name of the parameter; at most 64 characters.")
    param_type: ParamType = Field(description="Type of the parameter.")
    min: Number | None = optional("Smallest value, where the type is int or float.")
    max: Number | None = optional("Largest value, where the type is int or float.")
    param_desc: Words | None = optional("At most 100 characters.")


class BoundedParams(Params):
    """The same, where the lengths are limits and not advice (2019)."""

    param_name: Annotated[str, Text(least=1, most=64)] = Field(
        description="Name of the parameter; at most 64 characters."
    )
    param_desc: Annotated[str, Text(most=100)] | None = optional("At most 100 characters.")


class WebParams(Params):
    """The same, where the protocol is HTTP or HTTPS (current)."""

    protocol: Protocol = Field(description="http or https.")


_FILLED: Mapping[str, Any] = {"not": {"enum": ["", None]}}


class Package(Struct):
    """One package (table 5). A version needs a restraint; the empty text means absent for both."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"package_version": dict(_FILLED)}, "required": ["package_version"]},
            "then": {"properties": {"restraint": dict(_FILLED)}, "required": ["restraint"]},
        }
    )
    blank_is_absent = frozenset({"package_version", "restraint"})

    package_name: Annotated[str, Text(least=1, clauses=(PACKAGE_CLAUSE,))] = Field(
        description="Name of an existing package."
    )
    package_version: Annotated[str, Text(blank=True, clauses=(PACKAGE_CLAUSE,))] | None = optional(
        "Version of the package; the newest when absent."
    )
    restraint: Annotated[str, OneOf(("EXACT", "ATLEAST", "ATMOST"), blank=True)] | None = optional(
        "How the version is meant; needed where a version is given."
    )


class Dependency(Struct):
    """Packages that one installer installs, in order (table 4)."""

    installer: Installer = Field(description="Only pip.")
    packages: list[Package] = Field(description="The packages.")


class Metrics(OpenStruct):
    """Measures of the model (table 6)."""

    f1: Number | None = optional("Harmonic mean of precision and recall.")
    recall: Number | None = optional("Recall.")
    precision: Number | None = optional("Precision.")
    accuracy: Number | None = optional("Accuracy.")


class Doc(Struct):
    """One document about the model (table 7)."""

    doc_name: DocName = Field(description="1 to 48 characters, the first a letter or Chinese.")
    doc_url: DocUrl = Field(description="An http or https link.")


class LetterDoc(Doc):
    """The same, where the name starts with a letter (otc-2024)."""

    doc_name: LetterDocName = Field(description="1 to 48 characters, the first a letter.")


class Api(OpenStruct):
    """One API of the model, in the dialect of the request body."""

    url: Words | None = optional("Path of the API.")
    method: Words | None = optional("post or get.")
    protocol: Words | None = optional("http or https.")
    input_params: Free | None = optional("JSON Schema of the input.")
    output_params: Free | None = optional("JSON Schema of the output.")


# --- later editions ----------------------------------------------------------------------------------


class TemplateInput(Struct):
    """Where one input of a template comes from."""

    input: Line = Field(description="OBS path, or a name that the template defines.")
    input_id: Line = Field(description="Id of the template's input; each once.")


class Template(Struct):
    """A template to build the model from (2021 and later)."""

    infer_format: Words | None = optional("Id of the input and output mode.")
    template_id: Line = Field(description="Id of the template.")
    template_inputs: list[TemplateInput] = Field(description="The template's inputs.")


class ModelSecurity(Struct):
    """Keys that protect a model (current; certain sites)."""

    model_key: Words | None = None
    rootKey: Words | None = None  # noqa: N815 - the vendor's name
    security_policy: Words | None = None
    is_verify_app: Switch | None = None


class DeploymentConstraints(Struct):
    """Where a model may be deployed (current; certain sites)."""

    request_mode: Words | None = None
    cpu_type: Words | None = None
    input_types: list[Words] | None = None
    outputTypes: list[Words] | None = None  # noqa: N815 - the vendor's name
    service_config: Words | None = optional("XML text.")
    task_config: Words | None = optional("XML text.")
    model_security: ModelSecurity | None = None


# --- the request -------------------------------------------------------------------------------------


class CommonRequest(Struct):
    """What every edition's import request holds (table 2); each adds its own fields."""

    model_version: Annotated[ModelVersion, Echo.SAME] = Field(
        description="Three numbers of one or two digits without leading zeros, such as 1.0.0."
    )
    source_job_id: Annotated[Words | None, Echo.OR_DROPPED] = optional("Training job that made the model.")
    source_job_version: Annotated[Words | None, Echo.OR_DROPPED] = optional("Version of that training job.")
    source_type: Annotated[SourceType | None, Echo.OR_DROPPED] = optional(
        "Only auto: the model came from ExeML."
    )
    execution_code: Annotated[ExecutionCode | None, Echo.SAME] = optional(
        "OBS address of customize_service.py, inside the model directory."
    )
    dependencies: Annotated[list[Dependency] | None, Echo.SAME] = optional(
        "Packages that the code and the model need, in order of installation."
    )
    model_metrics: Annotated[Metrics | None, Echo.METRICS] = optional("Measures of the model; sent as text.")
    apis: Annotated[list[Api] | None, Echo.JSON_TEXT] = optional(
        "Inputs and outputs of all of the model's APIs."
    )
    workspace_id: Annotated[Words | None, Echo.SAME] = optional('Workspace; "0" when absent.')


class JobRequest(CommonRequest):
    """A request whose source must be named, whatever the model type."""

    source_location: Annotated[SourceLocation, Echo.SAME] = Field(
        description="OBS path of the model, or address of an SWR image."
    )


Docs = Annotated[list[Doc], Field(max_length=3)]
LetterDocs = Annotated[list[LetterDoc], Field(max_length=3)]

SourceCopy = Flag
