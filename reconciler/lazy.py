"""A package's names that are loaded when they are first asked for (PEP 562).

Importing one of its modules then does not load all others, of which most commands need few.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def attributes(package: str, names: Mapping[str, Iterable[str]]) -> Callable[[str], object]:
    """The `__getattr__` of a package.

    Args:
        package: its name.
        names: by module below the package, the names that it defines.
    """
    homes = {name: home for home, some in names.items() for name in some}

    def attribute(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home}"), name)
        setattr(import_module(package), name, value)  # the next one asks for it without this function
        return value

    return attribute
