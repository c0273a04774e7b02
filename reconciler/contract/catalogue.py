"""Which editions of the vendor's documents exist, and loading one of them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from reconciler.contract.editions.edition import Edition

DEFAULT_EDITION = "seed-2019"

EDITIONS: tuple[str, ...] = (DEFAULT_EDITION, "cn-2021", "otc-2024", "current")

EDITIONS_OF_FIELD = {
    "install_type": ("cn-2021", "otc-2024", "current"),
    "template": ("cn-2021", "otc-2024", "current"),
    "source_copy": ("current",),
    "cmd": ("current",),
    "deployment_constraints": ("current",),
}
"""Fields that not every edition has."""


@cache
def edition(name: str, *, strict_config: bool = False) -> Edition:
    """One edition by its name; only this one is loaded.

    Args:
        name: of `EDITIONS`.
        strict_config: whether a key of `initial_config` that no page documents is an error.

    Raises:
        ConfigurationError: no edition has this name.
    """
    if name not in EDITIONS:
        raise ConfigurationError(f"edition {name!r} is not known; choose one of {', '.join(EDITIONS)}")
    module = import_module(f"reconciler.contract.editions.{name.replace('-', '_')}")
    loaded: Edition = module.EDITION
    return loaded._replace(strict_config=True) if strict_config else loaded
