"""What is wrong with `config.json` and with `customize_service.py`, by what they hold. Pure."""

from __future__ import annotations

import ast
import json
import warnings
from typing import TYPE_CHECKING, Any

from reconciler.contract import digest, edition
from reconciler.contract.problem import place, show, warning
from reconciler.phrases import listed, nearest
from reconciler.preflight.address import image_fault
from reconciler.preflight.package import CODE, CONFIG, NOT_EXAMINED, about_file, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.contract import Problem
    from reconciler.contract.problem import Loc

    Say = Callable[[str, Loc, str], Problem]


FIELD = "initial_config"

_JSON_ONLY = ("Scikit_Learn", "XGBoost", "Spark_MLlib")
"""Engines whose APIs take and give nothing but application/json."""

_BOM = b"\xef\xbb\xbf"


def file_problems(data: bytes, request: Mapping[str, Any], edition_name: str) -> Iterator[Problem]:
    """What is wrong with the content of a `config.json`, by itself and against the manifest.

    Its form is judged by the edition's own rules, as if the manifest carried it as `initial_config`.
    """
    if data.startswith(_BOM):
        yield _of_file("invalid-json", "begins with a byte order mark; save it without one")
        return
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        yield _of_file("invalid-json", f"is not UTF-8 text, from byte {fault.start} on")
        return
    for problem in edition(edition_name).judge({**request, FIELD: text}):
        if problem.loc[:1] == (FIELD,) and problem.code != "incomplete":
            why = problem.message.removeprefix(FIELD).lstrip(".: ")
            yield _of_file(problem.code, why)
    config = opened(text)
    for name in ("model_algorithm", "model_type"):
        if config is not None and not config.get(name):
            yield _of_file("missing-field", f"{name}: is required")
    if config is not None:
        yield from _further(config, request, _in_file)


def given_problems(request: Mapping[str, Any]) -> Iterator[Problem]:
    """What the edition's rules do not say about the `initial_config` of a valid manifest."""
    config = opened(request.get(FIELD))
    if config is not None:
        yield from _further(config, request, _in_manifest)


def opened(text: object) -> Mapping[str, Any] | None:
    """The mapping that a JSON text holds, or None when it holds none."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _further(config: Mapping[str, Any], request: Mapping[str, Any], say: Say) -> Iterator[Problem]:
    kind = request["model_type"]
    yield from _image(config, request, say)
    ours, theirs = request.get("dependencies"), config.get("dependencies")
    if ours and theirs and digest({"dependencies": ours}) != digest({"dependencies": theirs}):
        why = "differ from the manifest's own, which count; keep them in one place"
        yield say("contradiction", ("dependencies",), why)
    if kind in _JSON_ONLY:
        yield from _json_only(config, kind, say)
    health = config.get("health")
    url = health.get("url") if isinstance(health, dict) else None
    if kind == "Custom" and url not in (None, "/health"):
        yield say("unusual-value", ("health", "url"), f"{show(url)} must be '/health' for a Custom model")


def _image(config: Mapping[str, Any], request: Mapping[str, Any], say: Say) -> Iterator[Problem]:
    if request["model_type"] != "Image":
        return
    address = config.get("swr_location")
    from_image = image_fault(str(request.get("source_location", ""))) is None
    if not address and not from_image:
        yield say("missing-field", ("swr_location",), "is required for an Image that comes from a bucket")
    fault = image_fault(address) if isinstance(address, str) and address else None
    if fault:
        yield say("image-address", ("swr_location",), fault)


def _json_only(config: Mapping[str, Any], kind: str, say: Say) -> Iterator[Problem]:
    apis = config.get("apis")
    for index, api in enumerate(apis if isinstance(apis, list) else ()):
        for way in ("request", "response"):
            exchange = api.get(way) if isinstance(api, dict) else None
            for key, value in exchange.items() if isinstance(exchange, dict) else ():
                if key.lower() == "content-type" and value != "application/json":
                    why = f"{show(value)} must be 'application/json' for {kind}".lstrip()
                    yield say("unusual-value", ("apis", index, way, key), why)


def _in_file(code: str, loc: Loc, why: str) -> Problem:
    return _of_file(code, f"{place(loc)}: {why}")


def _in_manifest(code: str, loc: Loc, why: str) -> Problem:
    return warning(f"preflight-{code}", (FIELD, *loc), why)


def _of_file(code: str, why: str) -> Problem:
    return about_file(CONFIG, f"preflight-{code}", why)


# --- customize_service.py: parsed, never imported ---------------------------------------------------------

_BASES: dict[str, str] = {
    "TensorFlow": "TfServingBaseService",
    "PyTorch": "PTServingBaseService",
    "MXNet": "MXNetBaseService",
    "Caffe": "CaffeBaseService",
    "Spark_MLlib": "SparkServingBaseService",
    "Scikit_Learn": "XgSklServingBaseService",
    "XGBoost": "XgSklServingBaseService",
    "MindSpore": "SingleNodeService",
}
"""The class that an engine's service derives from."""

_METHODS = ("_preprocess", "_inference", "_postprocess")
"""What a service may do in its own way; each takes the data and gives what the next one takes."""

_WITHOUT_NAME = ("Scikit_Learn", "XGBoost", "Spark_MLlib")
_KNOWN = frozenset(_BASES.values())
_NEAR = 0.85

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_problems(data: bytes, model_type: str, *, python2: bool) -> Iterator[Problem]:
    """What is wrong with the content of a `customize_service.py`.

    The syntax of Python 2 cannot be judged here.
    """
    base = _BASES.get(model_type)
    if base is None:
        return
    tree = _parsed(data)
    if isinstance(tree, str) and python2:
        why = f"was not looked at: the runtime is Python 2, and as Python 3 it {tree}"
        yield about_file(CODE, NOT_EXAMINED, why)
    elif isinstance(tree, str):
        yield about_file(CODE, "preflight-code-syntax", tree)
    else:
        yield from _class_problems(tree, model_type, base)


def _parsed(data: bytes) -> ast.Module | str:
    """The syntax tree, or why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except SyntaxError as fault:
        at = f" at line {fault.lineno}" if fault.lineno else ""
        return f"cannot be parsed{at}: {shown(fault.msg or 'invalid syntax')}"
    except ValueError:
        return "cannot be parsed: it holds a null byte"
    except (RecursionError, MemoryError):
        return "cannot be parsed: it is nested too deeply"


def _class_problems(tree: ast.Module, model_type: str, base: str) -> Iterator[Problem]:
    lineage = _lineage(tree)
    services = {name: root for name, root in lineage.items() if root in _KNOWN}
    parents = {parent for node in _classes(tree) for parent in _base_names(node, {})}
    last = [name for name in services if name not in parents]
    if not last:
        yield about_file(CODE, "preflight-code-class", f"has no class that derives from {base}")
        return
    if len(last) > 1:
        why = f"has {len(last)} service classes, {listed(shown(name) for name in last)}; there must be one"
        yield about_file(CODE, "preflight-code-class", why)
    for name in last:
        if services[name] != base:
            why = f"class {shown(name)} derives from {services[name]}, and {model_type} has {base}"
            yield about_file(CODE, "preflight-code-class", why)
    for node in _classes(tree):
        if node.name in last:
            yield from _method_problems(node, model_type)


def _lineage(tree: ast.Module) -> Mapping[str, str]:
    """For each class of the file the name of the outermost class that it derives from."""
    aliases = {
        alias.asname: alias.name.rpartition(".")[2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
        if alias.asname
    }
    roots: dict[str, str] = {}
    for node in _classes(tree):
        names = [roots.get(name, name) for name in _base_names(node, aliases)]
        roots[node.name] = next((name for name in names if name in _KNOWN), names[0] if names else "object")
    return roots


def _classes(tree: ast.Module) -> list[ast.ClassDef]:
    """The classes of the module itself, those inside an `if` or a `try` included."""
    classes: list[ast.ClassDef] = []
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef):
            classes.append(node)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            handlers = node.handlers if isinstance(node, ast.Try) else []
            waiting += reversed([*inner, *(child for handler in handlers for child in handler.body)])
    return classes


def _base_names(node: ast.ClassDef, aliases: Mapping[str, str]) -> list[str]:
    names = []
    for base in node.bases:
        if isinstance(base, ast.Name):
            names.append(aliases.get(base.id, base.id))
        elif isinstance(base, ast.Attribute):
            names.append(base.attr)
    return names


def _method_problems(service: ast.ClassDef, model_type: str) -> Iterator[Problem]:
    methods = [node for node in service.body if isinstance(node, _Function)]
    defined = {method.name for method in methods}
    for method in methods:
        fault = _name_fault(method.name, defined) or _form_fault(method, model_type)
        if fault:
            where = f"line {method.lineno}: {shown(method.name)}"
            yield about_file(CODE, "preflight-code-method", f"{where} {fault}")


def _name_fault(name: str, defined: set[str]) -> str | None:
    if name in _METHODS or (name.startswith("__") and name.endswith("__")):
        return None
    bare = {method.strip("_"): method for method in _METHODS if method not in defined}
    near = nearest(name.strip("_").replace("_", ""), bare, _NEAR)
    return f"is no method that the service calls; did you mean {bare[near]}?" if near else None


def _form_fault(method: _Function, model_type: str) -> str | None:
    if method.decorator_list or method.name not in (*_METHODS, "__init__"):
        return None
    if method.name != "__init__":
        expected: tuple[str, ...] = ("self", "data")
    elif model_type in _WITHOUT_NAME:
        expected = ("self", "model_path")
    else:
        expected = ("self", "model_name", "model_path")
    if isinstance(method, ast.AsyncFunctionDef):
        return "is a coroutine, and is called as an ordinary method"
    return None if _takes(method.args, len(expected)) else f"must take ({', '.join(expected)})"


def _takes(arguments: ast.arguments, count: int) -> bool:
    """Whether a call with that many positional arguments is possible."""
    positional = len(arguments.posonlyargs) + len(arguments.args)
    least = positional - len(arguments.defaults)
    named = sum(default is None for default in arguments.kw_defaults)
    return named == 0 and least <= count and (arguments.vararg is not None or count <= positional)
