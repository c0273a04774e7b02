"""Manifests to start from, and short ways to read them with the real rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.contract import edition
from reconciler.manifest import InvalidManifest, Manifest, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.manifest import Reason

PATH = "models.d/vision/mnist.yaml"

MINIMAL = """\
model_name: mnist
model_version: 1.0.0
model_type: TensorFlow
source_location: https://models.obs.myhwclouds.com/mnist
"""

DESIGNED = """\
model_name: mnist
model_version: 1.0.0          # text, quoted or not
model_type: TensorFlow
runtime: python2.7
source_location: https://models.obs.myhwclouds.com/mnist
model_metrics: {f1: 0.52381, recall: 0.666667, precision: 0.466667, accuracy: 0.625}
dependencies:
  - installer: pip
    packages: [{package_name: numpy, package_version: 1.10, restraint: ATLEAST}]
metadata: {owner: vision-team, ticket: ML-42, labels: {tier: gold}}   # local only, never sent
"""


def results(
    text: str | bytes, path: str = PATH, files: Mapping[str, bytes] | None = None
) -> tuple[Manifest | InvalidManifest, ...]:
    """All results of a file, judged by the oldest edition; `files` are the others of the commit."""
    data = text.encode() if isinstance(text, str) else text
    return read(path, data, edition("seed-2019"), (files or {}).get)


def valid(text: str | bytes, path: str = PATH, files: Mapping[str, bytes] | None = None) -> Manifest:
    """The one manifest of a file that must be valid."""
    (manifest,) = results(text, path, files)
    assert isinstance(manifest, Manifest), manifest
    return manifest


def invalid(text: str | bytes, path: str = PATH, files: Mapping[str, bytes] | None = None) -> InvalidManifest:
    """The one result of a file that must not be valid."""
    (result,) = results(text, path, files)
    assert isinstance(result, InvalidManifest), result
    return result


def only_reason(text: str | bytes, path: str = PATH, files: Mapping[str, bytes] | None = None) -> Reason:
    """The one reason of a file that must have one thing wrong with it."""
    (reason,) = invalid(text, path, files).reasons
    return reason


def place(reason: Reason) -> str:
    """`line:column`."""
    return f"{reason.line}:{reason.column}"
