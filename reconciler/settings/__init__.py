"""The configuration: `reconciler.toml`, then `RECONCILER_…` environment variables, checked and frozen.

Comes in: one TOML file (or none) and the environment. Goes out: one frozen `Configuration`. An unknown key
or a bad value is a `ConfigurationError` that names key, file and expected type, and never a value: it could
be a secret.

pydantic is loaded when one of these names is first used, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy import attributes

if TYPE_CHECKING:
    from reconciler.settings.configuration import Configuration, load, parse
    from reconciler.settings.discovery import FILE_NAME
    from reconciler.settings.tables import (
        AuditSettings,
        NotifySettings,
        ScheduleSettings,
        Settings,
        WebSettings,
    )
    from reconciler.settings.targets import AkSkAuth, EmbeddedTarget, ModelArtsTarget, PasswordAuth, Target

__all__ = [
    "FILE_NAME", "AkSkAuth", "AuditSettings", "Configuration", "EmbeddedTarget", "ModelArtsTarget",
    "NotifySettings", "PasswordAuth", "ScheduleSettings", "Settings", "Target", "WebSettings", "load",
    "parse",
]  # fmt: skip

_NAMES = {
    "configuration": ("Configuration", "load", "parse"),
    "discovery": ("FILE_NAME",),
    "tables": ("AuditSettings", "NotifySettings", "ScheduleSettings", "Settings", "WebSettings"),
    "targets": ("AkSkAuth", "EmbeddedTarget", "ModelArtsTarget", "PasswordAuth", "Target"),
}  # fmt: skip

__getattr__ = attributes(__name__, _NAMES)
