"""What is wrong with sinks beside the other tables: a name that is taken, a target that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.phrases import did_you_mean
from reconciler.settings.place import Places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.settings.tables import Settings


def require_fitting_sinks(settings: Settings, file: Path | None) -> None:
    """Refuses two sinks of one name, and a target of a sink that is not configured.

    Raises:
        ConfigurationError: every such mistake, one a line.
    """
    places = Places(file)
    problems = [
        f"{places.of(keys)}: {'.'.join(map(str, keys))}: {said}" for keys, said in _problems(settings)
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))


def _problems(settings: Settings) -> Iterator[tuple[list[str | int], str]]:
    names: set[str] = set()
    for number, sink in enumerate(settings.notify):
        if sink.title in names:
            key = "name" if sink.name else "kind"
            said = f"another sink is called {sink.title} already: give each a name of its own"
            yield ["notify", number, key], said
        names.add(sink.title)
        for name in sink.targets or ():
            if name not in settings.targets:
                there = did_you_mean(name, settings.targets) or f"; there is {', '.join(settings.targets)}"
                yield ["notify", number, "targets"], f"no target is called {name}{there}"
