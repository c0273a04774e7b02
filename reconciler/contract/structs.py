"""The structs of the import request that several editions share, as types.

Names and limits are the vendor's (tables 2 to 7 of the import page, 2019, and what later pages add).
Optional fields take null as "absent". What depends on more than one field is in `rules`.

What has nothing wrong with it is read by these annotations alone (`reading`); pydantic is loaded to word what
is wrong, and to write a JSON Schema (`models`).
"""

from collections.abc import Mapping
from functools import cache
from inspect import get_annotations
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args, get_origin

from reconciler.contract.echo import Echo
from reconciler.contract.fields import AtMost, Flag, Free, Number, OneOf, Switch, Text
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

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class _Declared(NamedTuple):
    """What stands behind the annotation of a field."""

    description: str | None = None
    is_required: bool = False


def required(description: str) -> Any:  # noqa: ANN401 - of the field's own type
    """A field that must be there."""
    return _Declared(description, is_required=True)


def optional(description: str) -> Any:  # noqa: ANN401 - of the field's own type
    """A field that may be absent."""
    return _Declared(description)


class Member(NamedTuple):
    """One field of a struct.

    Attributes:
        annotation: its type, with the marks on it.
        description: for people; None where its name says all.
        is_required: whether it must be there.
    """

    annotation: Any
    description: str | None
    is_required: bool

    @property
    def marks(self) -> tuple[object, ...]:
        """What is said of its type."""
        return self.annotation.__metadata__ if get_origin(self.annotation) is Annotated else ()


class _Fields(type):
    """The type of structs: it makes their fields of their annotations.

    Attributes:
        members: the fields by name, those of the structs that this one is made from first.
    """

    members: Mapping[str, Member]

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        members: dict[str, Member] = {}
        for base in reversed(bases):
            members |= getattr(base, "members", {})
        for field, annotation in get_annotations(cls).items():
            members[field] = Member(annotation, *(namespace[field] or _Declared()))
        cls.members = members


class Struct(metaclass=_Fields):
    """A mapping whose keys are known.

    Attributes:
        blank_is_absent: fields whose empty text means that the field is not there.
        schema: what JSON Schema says of the mapping as a whole.
    """

    blank_is_absent = frozenset[str]()
    schema = MappingProxyType[str, Any]({})

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from reconciler.contract.models import model_of  # noqa: PLC0415 - pydantic asks, so it is loaded

        return handler(model_of(cls))


class OpenStruct(Struct):
    """A mapping that may also hold keys nobody documents."""


def struct_in(annotation: Any) -> type[Struct] | None:  # noqa: ANN401 - annotations are untyped
    """The struct that a field holds, by itself or in a list; None for any other field."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return annotation
    return next((struct for part in get_args(annotation) if (struct := struct_in(part))), None)


def longest_list(annotation: Any) -> int | None:  # noqa: ANN401 - annotations are untyped
    """How many entries the list that a field holds may have; None where nothing says so."""
    if isinstance(annotation, AtMost):
        return annotation.most
    return next((most for part in get_args(annotation) if (most := longest_list(part)) is not None), None)


@cache
def known_fields(struct: type[Struct], steps: tuple[str, ...]) -> tuple[str, ...]:
    """The field names of the struct at a place, list indices left out."""
    for step in steps:
        member = struct.members.get(step)
        inner = struct_in(member.annotation) if member else None
        if inner is None:
            return ()
        struct = inner
    return tuple(struct.members)


# --- tables 3 to 7 -----------------------------------------------------------------------------------


class Params(Struct):
    """One input or output parameter of the model (table 3)."""

    url: Line = required("Path of the API.")
    method: Method = required("post or get.")
    protocol: Line = required("Protocol of the request, such as http.")
    param_name: Line = required("Name of the parameter; at most 64 characters.")
    param_type: ParamType = required("Type of the parameter.")
    min: Number | None = optional("Smallest value, where the type is int or float.")
    max: Number | None = optional("Largest value, where the type is int or float.")
    param_desc: Words | None = optional("At most 100 characters.")


class BoundedParams(Params):
    """The same, where the lengths are limits and not advice (2019)."""

    param_name: Annotated[str, Text(least=1, most=64)] = required(
        "Name of the parameter; at most 64 characters."
    )
    param_desc: Annotated[str, Text(most=100)] | None = optional("At most 100 characters.")


class WebParams(Params):
    """The same, where the protocol is HTTP or HTTPS (current)."""

    protocol: Protocol = required("http or https.")


_FILLED: Mapping[str, Any] = {"not": {"enum": ["", None]}}


class Package(Struct):
    """One package (table 5). A version needs a restraint; the empty text means absent for both."""

    schema = MappingProxyType(
        {
            "if": {"properties": {"package_version": dict(_FILLED)}, "required": ["package_version"]},
            "then": {"properties": {"restraint": dict(_FILLED)}, "required": ["restraint"]},
        }
    )
    blank_is_absent = frozenset({"package_version", "restraint"})

    package_name: Annotated[str, Text(least=1, clauses=(PACKAGE_CLAUSE,))] = required(
        "Name of an existing package."
    )
    package_version: Annotated[str, Text(blank=True, clauses=(PACKAGE_CLAUSE,))] | None = optional(
        "Version of the package; the newest when absent."
    )
    restraint: Annotated[str, OneOf(("EXACT", "ATLEAST", "ATMOST"), blank=True)] | None = optional(
        "How the version is meant; needed where a version is given."
    )


class Dependency(Struct):
    """Packages that one installer installs, in order (table 4)."""

    installer: Installer = required("Only pip.")
    packages: list[Package] = required("The packages.")


class Metrics(OpenStruct):
    """Measures of the model (table 6)."""

    f1: Number | None = optional("Harmonic mean of precision and recall.")
    recall: Number | None = optional("Recall.")
    precision: Number | None = optional("Precision.")
    accuracy: Number | None = optional("Accuracy.")


class Doc(Struct):
    """One document about the model (table 7)."""

    doc_name: DocName = required("1 to 48 characters, the first a letter or Chinese.")
    doc_url: DocUrl = required("An http or https link.")


class LetterDoc(Doc):
    """The same, where the name starts with a letter (otc-2024)."""

    doc_name: LetterDocName = required("1 to 48 characters, the first a letter.")


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

    input: Line = required("OBS path, or a name that the template defines.")
    input_id: Line = required("Id of the template's input; each once.")


class Template(Struct):
    """A template to build the model from (2021 and later)."""

    infer_format: Words | None = optional("Id of the input and output mode.")
    template_id: Line = required("Id of the template.")
    template_inputs: list[TemplateInput] = required("The template's inputs.")


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

    model_version: Annotated[ModelVersion, Echo.SAME] = required(
        "Three numbers of one or two digits without leading zeros, such as 1.0.0."
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

    source_location: Annotated[SourceLocation, Echo.SAME] = required(
        "OBS path of the model, or address of an SWR image."
    )


Docs = Annotated[list[Doc], AtMost(3)]
LetterDocs = Annotated[list[LetterDoc], AtMost(3)]

SourceCopy = Flag
