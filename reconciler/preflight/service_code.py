"""`customize_service.py`: parsed, never imported; one class of the engine, with known methods. Pure."""

from __future__ import annotations

import ast
import warnings
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.phrases import listed
from reconciler.preflight.values import CODE, NOT_EXAMINED, about_file, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.contract import Problem

BASES: dict[str, str] = {
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

METHODS = ("_preprocess", "_inference", "_postprocess")
"""What a service may do in its own way; each takes the data and gives what the next one takes."""

_WITHOUT_NAME = ("Scikit_Learn", "XGBoost", "Spark_MLlib")
_KNOWN = frozenset(BASES.values())
_NEAR = 0.85

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_problems(data: bytes, model_type: str, *, python2: bool) -> Iterator[Problem]:
    """What is wrong with the content of a `customize_service.py`.

    The syntax of Python 2 cannot be judged here.
    """
    base = BASES.get(model_type)
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
    if name in METHODS or (name.startswith("__") and name.endswith("__")):
        return None
    bare = {method.strip("_"): method for method in METHODS if method not in defined}
    near = get_close_matches(name.strip("_").replace("_", "").lower(), bare, n=1, cutoff=_NEAR)
    return f"is no method that the service calls; did you mean {bare[near[0]]}?" if near else None


def _form_fault(method: _Function, model_type: str) -> str | None:
    if method.decorator_list or method.name not in (*METHODS, "__init__"):
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
