"""What a model is from the moment it is accepted: its row, and how and when its import will end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from reconciler.contract.model_key import version_number
from reconciler.contract.rules import text_at
from reconciler.embedded.rows import Model, matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.embedded.access import Principal
    from reconciler.embedded.settings import EmbeddedSettings


def arrive(  # noqa: PLR0913 - a request, who sent it where, and the rules it arrives under
    request: Mapping[str, Any],
    body: bytes,
    *,
    project_id: str,
    caller: Principal,
    request_id: str,
    settings: EmbeddedSettings,
    defaults: Mapping[str, object],
) -> Model:
    """The row of a request that was accepted; its bytes are stored as they came.

    The registry's clock is read once; `defaults` are what the edition fills in for absent fields.
    """
    now = _milliseconds(settings.clock())
    wait = _milliseconds(settings.publish_seconds)
    builds = _copies_image(request, defaults)
    outcome, reason = _outcome(request, settings.fail_pattern, builds=builds)
    install_type = "install_type" in defaults and (request.get("install_type") or defaults["install_type"])
    return Model(
        model_id=str(uuid4()),
        project_id=project_id,
        workspace_id=text_at(request, "workspace_id") or "0",
        model_name=request["model_name"],
        model_version=request["model_version"],
        version_rank=version_number(request["model_version"]) or 0,
        model_type=request["model_type"],
        model_size=0,
        description=text_at(request, "description"),
        source_type=text_at(request, "source_type"),
        source_copy=str(builds).lower()
        if request["model_type"] == "Image" and "source_copy" in defaults
        else None,
        install_type=json.dumps(install_type) if isinstance(install_type, list | tuple) else None,
        owner=caller.user_id,
        tenant=caller.domain_id,
        created_at=now,
        built_at=now + wait // 2 if builds else None,
        settled_at=now + wait,
        outcome=outcome,
        outcome_reason=reason,
        request_id=request_id,
        request=body.decode(),
    )


def configuration(request: Mapping[str, Any]) -> dict[str, Any]:
    """The `initial_config` of a request as a mapping; empty when it has none."""
    given = request.get("initial_config")
    if isinstance(given, str) and given.strip():
        given = json.loads(given)
    return given if isinstance(given, dict) else {}


def contradiction(request: Mapping[str, Any]) -> str | None:
    """What in a request cannot go together, by the events of the vendor's console; None for nothing."""
    config = configuration(request)
    is_image = request["model_type"] == "Image"
    if is_image and (request.get("dependencies") or config.get("dependencies")):
        return "dependencies cannot be given for a custom image"
    if not is_image and config.get("swr_location"):
        return "only a model of type Image may have swr_location"
    return None


def _outcome(request: Mapping[str, Any], fail_pattern: str | None, *, builds: bool) -> tuple[str, str | None]:
    """How an import ends, and why it fails.

    The documented content errors appear only after the call was answered (events of the console).
    """
    if matches(request["model_name"], fail_pattern):
        outcome = "building_failed" if builds else "failed"
        return outcome, f"the registry was told to fail models named {fail_pattern}"
    why = contradiction(request)
    return ("failed", why) if why else ("published", None)


def _copies_image(request: Mapping[str, Any], defaults: Mapping[str, object]) -> bool:
    """Whether an image is built: where the edition knows source_copy, unless it is switched off."""
    if request["model_type"] != "Image" or "source_copy" not in defaults:
        return False
    return str(request.get("source_copy") or defaults["source_copy"]).lower() == "true"


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
