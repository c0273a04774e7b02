"""What ModelArts, and whatever speaks its document, means by a request, a detail and a status."""

from __future__ import annotations

from reconciler.contract import comparable, lifecycle, status_of
from reconciler.engine.values import Stage
from reconciler.engine.vendor import Vendor
from reconciler.registry.side_by_side import side_by_side

NEW = "publishing"
"""The status of a model from the moment its import was answered (section 5 of the API reference)."""

MODELARTS = Vendor(lambda status: Stage(lifecycle(status)), status_of, comparable, side_by_side)
