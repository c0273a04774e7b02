"""Hypothesis strategies: valid manifest documents of an edition, and damaged ones."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from reconciler.contract import UnquotedScalar
from reconciler.contract.editions import cn_2021
from reconciler.contract.json_values import JSON_TEXTS

MODEL_TYPES = {
    "seed-2019": ["TensorFlow", "MXNet", "Caffe", "Image"],
    "cn-2021": ["TensorFlow", "Caffe", "PyTorch", "Image", "Template"],
    "otc-2024": ["TensorFlow", "Image", "Template"],
    "current": ["TensorFlow", "MindSpore", "Image", "Custom", "Template"],
}
WAYS = {"cn-2021": ["real-time", "edge", "batch"]}

names = st.from_regex(r"[A-Za-z0-9_手写数字-]{1,12}", fullmatch=True)
ascii_names = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
versions = st.tuples(*[st.integers(0, 99)] * 3).map(lambda parts: ".".join(map(str, parts)))
words = st.text(alphabet="abcXYZ 中文/.:-", max_size=20)
lines = st.text(alphabet="abcXYZ/.:-中", min_size=1, max_size=20)
fractions = st.integers(-2000, 2000).map(lambda number: number / 8)
numbers = st.integers(-1000, 1000) | fractions.filter(lambda number: not number.is_integer())
free = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(lines, inner, max_size=2),
    max_leaves=5,
)


def some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with the required keys and any of the optional ones."""
    return st.fixed_dictionaries(required, optional=optional)


package = (
    some({"package_name": st.sampled_from(["numpy", "h5py"])}, {})
    | some(
        {
            "package_name": st.just("numpy"),
            "package_version": st.sampled_from(["1.5.0", "2"]),
            "restraint": st.sampled_from(["EXACT", "ATLEAST", "ATMOST"]),
        },
        {},
    )
    | some({"package_name": st.just("pillow"), "package_version": st.just(""), "restraint": st.just("")}, {})
)
dependencies = st.lists(
    some({"installer": st.just("pip"), "packages": st.lists(package, max_size=2)}, {}), max_size=2
)
params = st.lists(
    some(
        {
            "url": lines,
            "method": st.sampled_from(["post", "GET"]),
            "protocol": st.sampled_from(["http", "HTTPS"]),
            "param_name": lines,
            "param_type": st.sampled_from(["int", "string", "box"]),
        },
        {"min": numbers, "max": numbers, "param_desc": words},
    ),
    max_size=2,
)
metrics = some({}, {"f1": numbers, "recall": numbers, "other": numbers})
api = some({}, {"url": words, "method": words, "input_params": free, "more": free})
health = some(
    {}, {"url": words, "check_method": st.just("HTTP"), "period_seconds": st.sampled_from(["5", 30])}
)
docs = st.lists(
    some({"doc_name": st.sampled_from(["d", "Doc-1"]), "doc_url": st.just("https://x/y")}, {}), max_size=3
)
template_input = some({"input": lines, "input_id": st.sampled_from(["a", "b", "c"])}, {})
template = some(
    {
        "template_id": lines,
        "template_inputs": st.lists(template_input, max_size=3, unique_by=lambda item: item["input_id"]),
    },
    {"infer_format": words},
)
constraints = some(
    {},
    {
        "cpu_type": words,
        "input_types": st.lists(words, max_size=2),
        "model_security": st.just({"rootKey": "k"}),
    },
)


def configs(model_type: str) -> st.SearchStrategy[dict[str, Any]]:
    """Configuration files for a model type."""
    config_api = some({}, {"url": words, "protocol": st.just("http"), "request": free, "response": free})
    optional: dict[str, Any] = {
        "model_algorithm": st.just("a"),
        "model_type": st.just(model_type),
        "metrics": metrics,
        "apis": st.lists(config_api, max_size=2),
        "health": health,
        "port": free,
    }
    if model_type != "Image":
        optional["dependencies"] = dependencies
    else:
        optional["swr_location"] = words
    return some({}, optional)


@st.composite
def documents(draw: st.DrawFn, edition: str) -> dict[str, Any]:
    """Valid documents of an edition, JSON texts unopened, keys in any order."""
    model_type = draw(st.sampled_from(MODEL_TYPES[edition]))
    runtimes = {
        "seed-2019": ["python2.7", "python3.6"],
        "cn-2021": cn_2021.RUNTIMES.get(model_type, ("any",)),
    }
    optional: dict[str, Any] = {
        "runtime": st.sampled_from(runtimes.get(edition, ["tensorflow_2.1.0-x"])),
        "description": st.text(alphabet="abc 中.", min_size=1, max_size=30),
        "model_algorithm": st.just("object_detection"),
        "source_job_id": words,
        "source_type": st.sampled_from(["", "auto"]),
        "execution_code": st.just("https://b.obs/x/model/customize_service.py"),
        "input_params": params,
        "model_metrics": metrics,
        "apis": st.lists(api, max_size=2),
        "initial_config": configs(model_type),
        "workspace_id": st.sampled_from(["0", "w1"]),
        "model_docs": docs,
    }
    if model_type != "Image":
        optional["dependencies"] = dependencies
    if edition != "seed-2019":
        optional["install_type"] = st.lists(
            st.sampled_from(WAYS.get(edition, ["real-time", "batch"])), max_size=3
        )
    if edition == "current":
        optional |= {
            "cmd": words,
            "deployment_constraints": constraints,
            "source_copy": st.sampled_from(["true", False]),
        }
    required: dict[str, Any] = {
        "model_name": ascii_names if edition == "otc-2024" else names,
        "model_version": versions,
        "model_type": st.just(model_type),
        "source_location": st.sampled_from(["https://m.obs.x.com/m", "/bucket/m", "swr.x.com/org/image:1"]),
    }
    if model_type == "Template":
        required["template"] = template
    document: dict[str, Any] = draw(some(required, optional))
    order = draw(st.permutations(list(document)))
    return {key: document[key] for key in order}


junk = st.sampled_from(
    [None, True, 7, 1.5, "", "x", "x y", "python3.7", "<", "手", [], {}, ["x"], {"x": 1}, "m" * 101]
).map(copy.deepcopy)


HALF = "\ud800"
"""A lone surrogate, which no UTF-8 carries."""
unwritable = st.sampled_from(
    [
        HALF,
        {HALF: 1},
        {HALF: None},
        [{HALF: []}],
        {"x": HALF},
        10**310,
        -(10**310),
        {"f1": 10**310},
    ]
).map(copy.deepcopy)
"""What many a reader of JSON cannot take, and no JSON Schema knows of."""
_INVENTED = ["colour", "install_type", "template", "cmd", "restraint"]


@st.composite
def damaged(draw: st.DrawFn, edition: str, *, writable: bool = True) -> dict[str, Any]:
    """Documents of an edition with up to three places overwritten, removed, or made up.

    If they are `writable`, every reader of JSON can take what is put there.
    """
    pieces, keys = (junk, _INVENTED) if writable else (junk | unwritable, [*_INVENTED, HALF])
    document = copy.deepcopy(draw(documents(edition)))
    for _ in range(draw(st.integers(0, 3))):
        holder, key = draw(st.sampled_from(places(document) or [(document, "model_name")]))
        action = draw(st.sampled_from(["overwrite", "remove", "invent"]))
        if action == "overwrite":
            holder[key] = draw(pieces)
        elif action == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(keys))] = draw(pieces)
    return document


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a value."""
    pairs: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        pairs += [(value, key), *places(value[key])]
    return pairs


wrong = st.sampled_from(
    [("colour", 1), ("\ud800", 1), ("\ud801", None), ("restrant", "x"), ("min", "\ud800")]
)
"""A key, and a value for it, that few mappings have a place for."""


def holders(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where every mapping of a document is."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * isinstance(value, dict) + [
        place for key, below in inner for place in holders(below, (*path, key))
    ]


def as_texts(document: dict[str, Any]) -> dict[str, Any]:
    """The document with JSON in a string wherever the API wants that."""
    texts = {
        key: json.dumps(document[key]) for key in JSON_TEXTS if isinstance(document.get(key), dict | list)
    }
    return document | texts


def unquoted(value: Any) -> Any:
    """The document as a manifest reader gives it: numbers are scalars that have not chosen their type."""
    if isinstance(value, dict):
        return {key: unquoted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unquoted(inner) for inner in value]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return UnquotedScalar(json.dumps(value)) if number else value
