"""How the program sets up the interpreter that it has to itself; no library room changes anything of it."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import Any

_SELDOM = (5_000_000, 20, 20)
"""Very many models are values that stay, up to three million of a hundred thousand models; by its usual
thresholds the collector looks through them again and again, which is a fifth of the time of a large plan."""
_IN_A_LOOP = (100_000, 20, 20)
_TURN = 0.0005  # seconds
_LOADER = "pydantic.plugin._loader"


def for_a_command() -> None:
    """For a process that ends soon: before pydantic and httpx are first imported."""
    gc.set_threshold(*_SELDOM)
    # looking for plugins reads what every installed package says of itself; none is wanted beside secrets
    if os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__") == "__all__":
        sys.modules.setdefault(_LOADER, _NoPlugins(_LOADER))
    _stand_in("importlib.metadata")  # SQLAlchemy's search for drivers, with the reader of e-mail
    spare_imports()


def for_a_loop() -> None:
    """For a process that stays: the collector looks more often, and threads take shorter turns.

    A cycle gives its turn away with each step that waits for a file, a process or an answer; by the usual
    interval it waits 5 ms for the next one where a page is being made meanwhile.
    """
    gc.set_threshold(*_IN_A_LOOP)
    sys.setswitchinterval(_TURN)


def for_the_end() -> None:
    """What is left ends with the process, and is not looked through again before."""
    gc.freeze()


def spare_imports() -> None:
    """Spares httpx two imports that it does without as soon as they fail.

    `httpx._main` is httpx's own command line: click, rich and pygments, two thirds of what importing httpx
    costs. `sniffio` tells asyncio from trio. httpcore tries to import it with every lock that it makes; where
    it is not installed, Python searches the whole path each time, a third of the processor time of a request.
    """
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None makes an import fail at once
    if find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]


def spare_anyio() -> None:
    """Has anyio loaded when it is first used, which a single request over sockets that block does not do."""
    _stand_in("anyio")


def _stand_in(name: str) -> None:
    """Loads a package when one of its names is first used, not when it is imported."""
    if name not in sys.modules:
        sys.modules[name] = _StandIn(name)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(import_module(parent), child, sys.modules[name])


class _StandIn(ModuleType):
    """Stands in for a package until one of its names is first used, in any thread."""

    _is_package = True

    _giving_way = Lock()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a module's attribute
        """Whatever is asked of the module, of the module itself."""
        if name.startswith("__") and not (name == "__path__" and self._is_package):
            # the import system's own questions
            raise AttributeError(name)
        with self._giving_way:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)  # whoever holds this one asks for it without this function from then on
        return value


class _NoPlugins(_StandIn):
    """Stands in for pydantic's search for plugins, of which there are to be none.

    The search itself finds that out as well, once it has imported `importlib.metadata`, and with that the
    reader of e-mail: an eighth of what an `apply` with nothing to do took.
    """

    _is_package = False

    @staticmethod
    def get_plugins() -> tuple[()]:
        """What pydantic asks for."""
        return ()
