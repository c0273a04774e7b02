"""What depends on more than one field, and the advice that stops nothing.

A rule reads the document as it was written (its JSON texts opened: `RawDocument`), so that it runs even where
a field is of the wrong type: what it cannot read, it leaves to the types in `request`. Each edition lists the
rules that hold in it. A rule that can be an error also carries its JSON Schema form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract.problem import error, warning
from reconciler.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.contract.json_values import RawDocument
    from reconciler.contract.problem import Loc, Problem


class Rule(NamedTuple):
    """One rule.

    Attributes:
        check: what it says about a document.
        schema: the part of it that JSON Schema can say.
        fields: it has nothing to say about a document without any of these; None where it may have.
    """

    check: Callable[[RawDocument], Iterator[Problem]]
    schema: Mapping[str, Any] | None = None
    fields: tuple[str, ...] | None = None


def rule(
    schema: Mapping[str, Any] | None = None, *, fields: tuple[str, ...] | None = None
) -> Callable[[Callable[[RawDocument], Iterator[Problem]]], Rule]:
    """Makes a rule of the function below it."""
    return lambda check: Rule(check, schema, fields)


def concerned(rules: Iterable[Rule], document: RawDocument) -> list[Rule]:
    """The rules that may have something to say about a document."""
    written = document.keys()
    return [rule for rule in rules if rule.fields is None or not written.isdisjoint(rule.fields)]


PACKAGED = ("Image", "Custom")
"""The model types that bring their own server, and so are free in their APIs and health probes."""

TOLERATED = "tolerated"
"""The code of what a table forbids and the vendor's own example, or a lenient service, does."""


# --- reading a document that may be wrong ------------------------------------------------------------


def text_at(struct: Mapping[str, Any], key: str) -> str:
    """The text under a key; empty when it is absent or no text."""
    value = struct.get(key)
    return value if isinstance(value, str) else ""


def structs_at(struct: Mapping[str, Any], key: str, loc: Loc = ()) -> list[tuple[Loc, Mapping[str, Any]]]:
    """The mappings in the list under a key, with their places."""
    value = struct.get(key)
    if not isinstance(value, list):
        return []
    return [((*loc, key, index), item) for index, item in enumerate(value) if isinstance(item, dict)]


def struct_at(struct: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping under a key; empty when it is absent or no mapping."""
    value = struct.get(key)
    return value if isinstance(value, dict) else {}


def roots_of(document: RawDocument) -> Iterator[tuple[Loc, Mapping[str, Any]]]:
    """The request itself and its configuration, each with its place: some fields may stand in both."""
    yield (), document
    yield ("initial_config",), struct_at(document, "initial_config")


def structs_of(document: RawDocument, *keys: str) -> Iterator[tuple[Loc, Mapping[str, Any]]]:
    """The mappings in the lists under these keys, of the request and of its configuration."""
    for key in keys:
        for loc, holder in roots_of(document):
            yield from structs_at(holder, key, loc)


# --- JSON Schema pieces ------------------------------------------------------------------------------


def _when(condition: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": dict(condition), "required": [*condition]}, "then": dict(then)}


def _needs(field: str) -> dict[str, Any]:
    return {"properties": {field: {"not": {"type": "null"}}}, "required": [field]}


# --- errors ------------------------------------------------------------------------------------------


@rule(fields=("dependencies", "initial_config"))
def restraints(document: RawDocument) -> Iterator[Problem]:
    """Table 5, error 3041, of which the schema of `request.Package` says the same; case 17."""
    packages = (
        package
        for loc, dependency in structs_of(document, "dependencies")
        for package in structs_at(dependency, "packages", loc)
    )
    for loc, package in packages:
        version, restraint = package.get("package_version"), package.get("restraint")
        if version and restraint:
            continue
        if restraint in (None, "") and text_at(package, "package_version"):
            why = "is needed where package_version is given: EXACT, ATLEAST or ATMOST"
            yield error("conditional", (*loc, "restraint"), why)
        elif version in (None, "") and text_at(package, "restraint"):
            why = "means nothing without package_version"
            yield warning(TOLERATED, (*loc, "restraint"), why, restraint)


@rule(
    {
        "if": {"properties": {"model_type": {"const": "Template"}}, "required": ["model_type"]},
        "else": _needs("source_location"),
    }
)
def source_unless_template(document: RawDocument) -> Iterator[Problem]:
    """CreateModel page of 2025."""
    if document.get("source_location") is None and document.get("model_type") != "Template":
        yield error("missing-field", ("source_location",), "is required unless model_type is Template")


@rule(_when({"model_type": {"const": "Template"}}, _needs("template")), fields=("model_type",))
def template_needs_template(document: RawDocument) -> Iterator[Problem]:
    """Error 3034."""
    if document.get("model_type") == "Template" and document.get("template") is None:
        yield error("missing-field", ("template",), "is required where model_type is Template")


@rule(fields=("template",))
def input_ids_differ(document: RawDocument) -> Iterator[Problem]:
    """Error 3039. JSON Schema has no words for it."""
    seen: dict[str, int] = {}
    inputs = structs_at(struct_at(document, "template"), "template_inputs", ("template",))
    for loc, item in inputs:
        name = text_at(item, "input_id")
        if name and name in seen:
            yield error(
                "duplicate", (*loc, "input_id"), f"is the same as in template_inputs[{seen[name]}]", name
            )
        elif name:
            seen[name] = int(loc[-1])


def runtime_of_engine(table: Mapping[str, tuple[str, ...]]) -> Rule:
    """Holds `runtime` to what the engine's row of the vendor's table lists; other engines are free."""

    def check(document: RawDocument) -> Iterator[Problem]:
        engine, runtime = text_at(document, "model_type"), document.get("runtime")
        runtimes = table.get(engine)
        if runtimes and isinstance(runtime, str) and runtime not in runtimes:
            why = f"is not a runtime of {engine}; it has {listed(runtimes)}"
            yield error("conditional", ("runtime",), why, runtime)

    fragments = [
        _when({"model_type": {"const": engine}}, {"properties": {"runtime": {"enum": [*runtimes, None]}}})
        for engine, runtimes in table.items()
    ]
    return Rule(check, {"allOf": fragments}, fields=("runtime",))


# --- errors that the service finds only after the call, in the content -------------------------------

CONTENT = "content-rule"
"""The code of what the service accepts at first and then reports as a failed model."""


_NO_PACKAGES = {"dependencies": {"anyOf": [{"type": "null"}, {"maxItems": 0}]}}


@rule(
    _when(
        {"model_type": {"const": "Image"}},
        {"properties": {**_NO_PACKAGES, "initial_config": {"properties": _NO_PACKAGES}}},
    ),
    fields=("dependencies", "initial_config"),
)
def image_installs_nothing(document: RawDocument) -> Iterator[Problem]:
    """Package specification and event texts."""
    if document.get("model_type") != "Image":
        return
    for root, holder in roots_of(document):
        if holder.get("dependencies"):
            yield error(CONTENT, (*root, "dependencies"), "an Image has its packages inside; leave this out")


def only_image_has_swr(engines: tuple[str, ...]) -> Rule:
    """Forbids `swr_location` in the configuration of these engines (package specification, event texts)."""

    def check(document: RawDocument) -> Iterator[Problem]:
        engine = text_at(document, "model_type")
        address = struct_at(document, "initial_config").get("swr_location")
        if engine in engines and address:
            why = f"only model_type Image may have it, and this is {engine}"
            yield error(CONTENT, ("initial_config", "swr_location"), why, address)

    absent = {"properties": {"swr_location": {"enum": ["", None]}}}
    schema = _when({"model_type": {"enum": [*engines]}}, {"properties": {"initial_config": absent}})
    return Rule(check, schema, fields=("initial_config",))
