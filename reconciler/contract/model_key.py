"""The name a registered model goes by."""

from __future__ import annotations

from typing import NamedTuple


class ModelKey(NamedTuple):
    """A model name and a version of it: what a registry holds at most once."""

    model_name: str
    model_version: str

    def __str__(self) -> str:
        return f"{self.model_name}@{self.model_version}"
