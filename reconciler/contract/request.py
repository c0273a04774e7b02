"""The texts and structs of the import request that several editions share, as types.

Names and limits are the vendor's (tables 2 to 7 of the import page, 2019, and what later pages add).
Optional fields take null as "absent". What depends on more than one field is in `rules`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from reconciler.contract.fields import AtMost, Free, Number, OneOf, Switch, Text
from reconciler.contract.patterns import END, HAN, PatternRule, never
from reconciler.contract.structs import Echo, OpenStruct, Struct, optional, required

_SPECIAL = "&!'\"<>="
_SPECIAL_SHOWN = "& ! ' \" < > ="

NAME_CLAUSE = PatternRule(
    f"^[A-Za-z0-9_{HAN}-]*{END}", "may hold only letters, Chinese characters, digits, - and _"
)
ASCII_NAME_CLAUSE = PatternRule(
    f"^[A-Za-z0-9_-]*{END}", "may hold only letters, digits, - and _ in this edition"
)
PLAIN_TEXT_CLAUSE = never(f"[{_SPECIAL}]", f"must not hold any of {_SPECIAL_SHOWN}")
PACKAGE_CLAUSE = never(f"[{_SPECIAL}{HAN}]", f"must not hold Chinese or any of {_SPECIAL_SHOWN}")
SOLID_CLAUSE = never(r"[\s\x00-\x1f\x7f]", "must not hold blanks or control characters")

Words = Annotated[str, Text()]
Line = Annotated[str, Text(least=1)]
ModelName = Annotated[str, Text(least=1, most=64, clauses=(NAME_CLAUSE,))]
AsciiModelName = Annotated[str, Text(least=1, most=64, clauses=(ASCII_NAME_CLAUSE,))]
ModelVersion = Annotated[
    str,
    Text(
        clauses=(
            PatternRule(
                rf"^[0-9]+\.[0-9]+\.[0-9]+{END}", "must be three numbers with dots between, such as 1.0.0"
            ),
            never(r"(?:^|\.)0[0-9]", "a part must not start with 0"),
            never("[0-9]{3}", "a part has one or two digits, so 99 is the highest"),
        )
    ),
]
SourceLocation = Annotated[
    str,
    Text(
        least=1,
        clauses=(
            SOLID_CLAUSE,
            PatternRule(
                rf"^(?![A-Za-z][A-Za-z0-9+.-]*:/*{END})", "names no bucket or host; write all of the address"
            ),
        ),
    ),
]
Description = Annotated[str, Text(most=100)]
PlainDescription = Annotated[str, Text(most=100, clauses=(PLAIN_TEXT_CLAUSE,))]
Algorithm = Annotated[
    str, Text(most=36, clauses=(PatternRule("^[A-Za-z]", "must start with a letter"), PACKAGE_CLAUSE))
]
ExecutionCode = Annotated[
    str,
    Text(
        blank=True,
        clauses=(
            SOLID_CLAUSE,
            PatternRule(
                rf"(?:^|/)customize_service\.py{END}", "must end in the file name customize_service.py"
            ),
        ),
    ),
]
DocUrl = Annotated[
    str,
    Text(
        clauses=(
            PatternRule("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]", "must be an http:// or https:// link"),
            SOLID_CLAUSE,
        )
    ),
]
_DOC_FIRST = PatternRule(f"^[A-Za-z{HAN}]", "must start with a letter or a Chinese character")
DocName = Annotated[str, Text(least=1, most=48, clauses=(_DOC_FIRST, NAME_CLAUSE))]
LetterDocName = Annotated[
    str,
    Text(
        least=1,
        most=48,
        clauses=(PatternRule("^[A-Za-z]", "must start with a letter in this edition"), NAME_CLAUSE),
    ),
]
Protocol = Annotated[str, OneOf(("http", "https"), any_case=True)]
Method = Annotated[str, OneOf(("post", "get"), any_case=True)]
ParamType = Annotated[str, OneOf(("int", "string", "float", "timestamp", "date", "file"), tolerated=("box",))]
Installer = Annotated[str, OneOf(("pip",))]
SourceType = Annotated[str, OneOf(("auto",), blank=True)]
InstallType = Annotated[str, OneOf(("real-time", "batch"))]
EdgeInstallType = Annotated[str, OneOf(("real-time", "edge", "batch"))]


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

# --- what fields of several editions say of themselves ------------------------------------------------

ANY_NAME = required("1 to 64 letters, Chinese characters, digits, hyphens and underscores.")
PLAIN_WORDS = optional("At most 100 characters, none of & ! ' \" < > =.")
INPUTS = optional("Inputs of the model; read from initial_config when absent.")
OUTPUTS = optional("Outputs of the model; read from initial_config when absent.")
CONFIG_INPUTS = optional("Inputs of the model, as in the request.")
CONFIG_OUTPUTS = optional("Outputs of the model, as in the request.")
CONFIG = optional("The model's configuration file; sent as text.")
ANY_DEPLOYMENT = optional("How the model may be deployed; every way when absent.")
