"""The configuration: `reconciler.toml`, then `RECONCILER_…` environment variables, checked and frozen.

Comes in: one TOML file (or none) and the environment. Goes out: one frozen `Configuration`. An unknown key
or a bad value is a `ConfigurationError` that names key, file and expected type, and never a value: it could
be a secret.
"""

from __future__ import annotations

from reconciler.settings.load import FILE_NAME, Configuration, load
from reconciler.settings.tables import (
    AkSkAuth,
    EmbeddedTarget,
    ModelArtsTarget,
    NotifySettings,
    PasswordAuth,
    ScheduleSettings,
    Settings,
    Target,
    TokenAuth,
    WebSettings,
)

__all__ = [
    "FILE_NAME",
    "AkSkAuth",
    "Configuration",
    "EmbeddedTarget",
    "ModelArtsTarget",
    "NotifySettings",
    "PasswordAuth",
    "ScheduleSettings",
    "Settings",
    "Target",
    "TokenAuth",
    "WebSettings",
    "load",
]
