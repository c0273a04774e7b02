"""One module for each edition of the vendor's documents; each holds an `EDITION`."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKED = date(2026, 11, 28)
"""When each edition was last held to its page, row by row; to be moved on when that is done again."""

ENGINES_2019 = ("TensorFlow", "MXNet", "Caffe", "Spark_MLlib", "Scikit_Learn", "XGBoost", "PyTorch")
"""The engines of 2019 and 2021, which are every model type that is no image and no template."""

DEFAULTS_2019: Mapping[str, object] = MappingProxyType(
    {
        "source_job_id": "",
        "source_job_version": "",
        "source_type": "",
        "runtime": "python2.7",
        "execution_code": "",
        "input_params": [],
        "output_params": [],
        "dependencies": [],
        "workspace_id": "0",
    }
)
"""What the import page of 2019 says that absent fields stand for."""
