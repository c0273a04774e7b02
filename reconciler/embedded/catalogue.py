"""The engines and runtimes that `ai-engine-runtimes` lists, as far as the documents name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PYTHON = ("python2.7", "python3.6")
_SHORT = {
    "TensorFlow": (*_PYTHON, "tf1.13-python3.6-cpu", "tf1.13-python3.6-gpu", "tf2.1-python3.7"),
    "MXNet": (*_PYTHON, "python3.7"),
    "Caffe": (*_PYTHON, "python3.7"),
    "Spark_MLlib": _PYTHON,
    "Scikit_Learn": _PYTHON,
    "XGBoost": _PYTHON,
    "PyTorch": (*_PYTHON, "python3.7", "pytorch1.4-python3.7"),
}
_LONG = {
    "TensorFlow": ("tensorflow_2.1.0-cuda_10.1-py_3.7-ubuntu_18.04-x86_64",),
    "PyTorch": ("pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64",),
}
_BY_EDITION: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "seed-2019": dict.fromkeys(_SHORT, _PYTHON),
    "cn-2021": _SHORT,
}


def engine_runtimes(edition: str) -> list[dict[str, Any]]:
    """Each engine with parallel lists: position i of every list is about runtime i."""
    return [_engine(name, runtimes) for name, runtimes in _BY_EDITION.get(edition, _LONG).items()]


def _engine(name: str, runtimes: tuple[str, ...]) -> dict[str, Any]:
    def each(value: object) -> list[object]:
        return [value] * len(runtimes)

    return {
        "ai_engine": name,
        "runtimes": list(runtimes),
        "request_mode": each("sync"),
        "accelerators": [_accelerator(runtime) for runtime in runtimes],
        "arch": each("x86_64"),
        "status_list": each("normal"),
        "image_source": each("base_image"),
    }


def _accelerator(runtime: str) -> dict[str, str]:
    _, accelerator, rest = runtime.partition("cuda_")
    if accelerator:
        return {"type": "gpu", "name": "nvidia", "cuda_version": rest.split("-")[0]}
    kind = "gpu" if runtime.endswith("-gpu") else "none"
    return {"type": kind, "name": "", "cuda_version": ""}
