"""Documents that the tests of the contract share."""

from __future__ import annotations

import json
from typing import Any

VENDOR_EXAMPLE: dict[str, Any] = {
    "model_name": "mnist",
    "model_version": "1.0.0",
    "source_location": "https://models.obs.myhwclouds.com/mnist",
    "source_job_id": "55",
    "source_job_version": "V100",
    "model_type": "TensorFlow",
    "runtime": "python2.7",
    "description": "mnist model",
    "execution_code": "https://testmodel.obs.myhwclouds.com/customize_service.py",
    "input_params": [
        {
            "url": "/v1/xxx/image",
            "protocol": "http",
            "method": "post",
            "param_name": "image_url",
            "param_type": "string",
            "min": 0,
            "max": 9,
            "param_desc": "http://test/test.jpeg",
        }
    ],
    "output_params": [
        {
            "url": "/v1/xxx/image",
            "protocol": "http",
            "method": "post",
            "param_name": "face_location",
            "param_type": "box",
            "param_desc": "face_location param value description",
        }
    ],
    "dependencies": [
        {
            "installer": "pip",
            "packages": [{"package_name": "numpy", "package_version": "1.5.0", "restraint": "ATLEAST"}],
        }
    ],
    "model_algorithm": "object_detection",
    "model_metrics": '{"f1":0.52381,"recall":0.666667,"precision":0.466667,"accuracy":0.625}',
    "apis": [
        {
            "url": "/v1/xxx/image",
            "protocol": "http",
            "method": "post",
            "input_params": {"type": "object", "properties": {"image_url": {"type": "string"}}},
            "output_params": {"type": "object", "properties": {"face_location": {"type": "box"}}},
        }
    ],
}
"""The request example of the import page of 2019, field for field."""

CONFIG: dict[str, Any] = {
    "model_algorithm": "image_classification",
    "model_type": "TensorFlow",
    "runtime": "python3.6",
    "metrics": {"f1": 0.5, "recall": 0.25, "precision": 1, "accuracy": 0},
    "apis": [
        {
            "protocol": "http",
            "url": "/",
            "method": "POST",
            "request": {"Content-type": "multipart/form-data", "data": {"type": "object", "properties": {}}},
            "response": {"Content-type": "application/json", "data": {"type": "object"}},
        }
    ],
    "dependencies": [
        {
            "installer": "pip",
            "packages": [{"package_name": "pillow", "package_version": "", "restraint": ""}],
        }
    ],
}
"""A configuration file in the manner of the package specification's samples."""

TEMPLATE: dict[str, Any] = {
    "template_id": "sys_tensorflow",
    "template_inputs": [{"input": "/bucket/model", "input_id": "model_folder"}],
}


def minimal(**changes: Any) -> dict[str, Any]:
    """A document with the required fields only, changed; a value of `...` takes the field out."""
    document: dict[str, Any] = {
        "model_name": "mnist",
        "model_version": "1.0.0",
        "model_type": "TensorFlow",
        "source_location": "https://models.obs.myhwclouds.com/mnist",
        **changes,
    }
    return {key: value for key, value in document.items() if value is not ...}


def packages(**package: Any) -> list[dict[str, Any]]:
    """The `dependencies` that install one package."""
    return [{"installer": "pip", "packages": [{"package_name": "numpy", **package}]}]


def param(**changes: Any) -> list[dict[str, Any]]:
    """One input parameter, changed."""
    return [
        {"url": "/", "method": "post", "protocol": "http", "param_name": "x", "param_type": "int", **changes}
    ]


def as_text(value: object) -> str:
    """JSON text."""
    return json.dumps(value, ensure_ascii=False)
