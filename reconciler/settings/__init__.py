"""The configuration: `reconciler.toml`, then `RECONCILER_…` environment variables, checked and frozen.

Comes in: one TOML file (or none) and the environment. Goes out: one frozen `Configuration`. An unknown key
or a bad value is a `ConfigurationError` that names key, file and expected type, and never a value: it could
be a secret.

pydantic is loaded when one of these names is first used, not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.settings.discovery import FILE_NAME
    from reconciler.settings.load import Configuration, load, parse
    from reconciler.settings.tables import (
        AuditSettings,
        NotifySettings,
        ScheduleSettings,
        Settings,
        WebSettings,
    )
    from reconciler.settings.targets import (
        AkSkAuth,
        EmbeddedTarget,
        ModelArtsTarget,
        PasswordAuth,
        Target,
        TokenAuth,
    )

__all__ = [
    "FILE_NAME", "AkSkAuth", "AuditSettings", "Configuration", "EmbeddedTarget", "ModelArtsTarget",
    "NotifySettings", "PasswordAuth", "ScheduleSettings", "Settings", "Target", "TokenAuth", "WebSettings",
    "load", "parse",
]  # fmt: skip

_HOMES = ("discovery", "targets", "tables", "load")


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    homes = [import_module(f"{__name__}.{home}") for home in _HOMES]
    # all at once: importing the module `load` has just put it where the function of this name belongs
    globals().update({one: getattr(next(h for h in homes if hasattr(h, one)), one) for one in __all__})
    return globals()[name]
