"""Manifests, model directories and the S3-compatible server that the tests of preflight share."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from reconciler.contract import edition
from reconciler.manifest import Manifest, read
from reconciler.preflight import Examination
from reconciler.preflight.opening import open_files

if TYPE_CHECKING:
    from reconciler.manifest import Reason

PATH = "models.d/vision.json"

CONFIG: dict[str, Any] = {
    "model_algorithm": "image_classification",
    "model_type": "TensorFlow",
    "apis": [
        {
            "protocol": "http",
            "url": "/",
            "method": "POST",
            "request": {"Content-type": "multipart/form-data", "data": {"type": "object"}},
            "response": {"Content-type": "application/json", "data": {"type": "object"}},
        }
    ],
}
"""A configuration file that nothing is wrong with."""

CODE = """
from model_service.tfserving_model_service import TfServingBaseService


class Digits(TfServingBaseService):
    def __init__(self, model_name, model_path):
        super().__init__(model_name, model_path)

    def _preprocess(self, data):
        return data

    def _postprocess(self, data):
        return data
"""
"""A service that nothing is wrong with."""

BASES = {
    "TensorFlow": "TfServingBaseService",
    "PyTorch": "PTServingBaseService",
    "MXNet": "MXNetBaseService",
    "Caffe": "CaffeBaseService",
    "Spark_MLlib": "SparkServingBaseService",
    "Scikit_Learn": "XgSklServingBaseService",
    "XGBoost": "XgSklServingBaseService",
    "MindSpore": "SingleNodeService",
}

ENGINE_FILES: dict[str, tuple[str, ...]] = {
    "TensorFlow": (
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
    ),
    "PyTorch": ("resnet.pth",),
    "MXNet": ("resnet-50-symbol.json", "resnet-50-0000.params"),
    "Caffe": ("deploy.prototxt", "net.caffemodel"),
    "Spark_MLlib": ("spark_model/metadata/part-00000",),
    "Scikit_Learn": ("iris.m",),
    "XGBoost": ("iris.m",),
    "MindSpore": ("lenet.ckpt",),
}


def manifest(name: str = "seed-2019", **changes: Any) -> Manifest:
    """A valid manifest of an edition, changed; a value of `...` takes the field out."""
    document = {
        "model_name": "digits",
        "model_version": "1.0.0",
        "model_type": "TensorFlow",
        "runtime": "python3.6",
        "source_location": "./digits",
        **changes,
    }
    text = json.dumps({key: value for key, value in document.items() if value is not ...})
    (sample,) = read(PATH, text.encode(), edition(name), lambda _: None)
    assert isinstance(sample, Manifest), sample
    return sample


def service(model_type: str) -> str:
    """The least service of an engine."""
    return f"from model_service import x\nclass S(x.{BASES[model_type]}):\n    pass\n"


def package(root: Path, model_type: str = "TensorFlow", **files: str | bytes | None) -> Path:
    """Writes a model's package that nothing is wrong with; `files` change it, None takes one out.

    A file's name has `__` for `/` and `_DOT_` for `.`.
    """
    config = json.dumps({**CONFIG, "model_type": model_type, "apis": []})
    content: dict[str, str | bytes | None] = {f"model/{name}": "weights" for name in ENGINE_FILES[model_type]}
    content |= {"model/config.json": config, "model/customize_service.py": service(model_type)}
    content |= {key.replace("__", "/").replace("_DOT_", "."): text for key, text in files.items()}
    for key, text in content.items():
        if text is not None:
            write(root / key, text)
    return root


def write(path: Path, content: str | bytes) -> None:
    """Writes one file and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def examined(sample: Manifest, local: Path, name: str = "seed-2019", *, strict: bool = False) -> list[Reason]:
    """The reasons for a manifest whose source is a local path below `local`."""
    files = open_files(sample.request["source_location"], local=local)
    return list(Examination(name, strict=strict).judge(sample, files))


def codes(reasons: list[Reason]) -> list[str]:
    """Their codes, without what all have in front."""
    assert all(reason.code.startswith("preflight-") for reason in reasons)
    return [reason.code.removeprefix("preflight-") for reason in reasons]


class Store:
    """rclone, serving a directory as an S3-compatible object store that verifies signatures.

    Attributes:
        root: the directory; each directory in it is a bucket.
        url: its endpoint.
    """

    ACCESS_KEY = "AKCANARY0123456789"
    SECRET_KEY = "SKCANARY-only-for-this-test"  # noqa: S105 - of a test

    def __init__(self, root: Path) -> None:
        self.root = root
        command = [
            str(program()), "serve", "s3", "--addr", "127.0.0.1:0", "--config", "/dev/null", "-v",
            "--auth-key", f"{self.ACCESS_KEY},{self.SECRET_KEY}", "--dir-cache-time", "0", str(root),
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._log: list[str] = []
        self.url = self._started()

    def _started(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line)
            match = re.search(r"http://127\.0\.0\.1:[0-9]+", line)
            if match:
                return match[0]
        raise AssertionError(self._log)

    def stopped(self) -> list[str]:
        """Ends it; the lines of its log."""
        self._process.terminate()
        assert self._process.stderr is not None
        self._log += self._process.stderr
        self._process.stderr.close()
        self._process.wait()
        return self._log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stopped()


def program() -> Path | None:
    """rclone, beside this interpreter or elsewhere."""
    beside = Path(sys.executable).parent / "rclone"
    path = str(beside) if beside.exists() else shutil.which("rclone")
    return Path(path) if path else None
