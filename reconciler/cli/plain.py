"""Command lines in the forms in which commands are scheduled, read before the framework for them is loaded.

Any other form, and any that is wrong, is left to the framework.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.settings.raw import CONFIG_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_CONFIG, _TARGET, _OUTPUT = "--config", "--target", "--output"
_QUIET = frozenset({"--quiet", "-q"})
_ALIKE = {"-o": _OUTPUT}


class PlainCommand(NamedTuple):
    """What a command line says; the output is text."""

    config: Path | None
    target: str | None
    is_quiet: bool
    operands: tuple[str, ...]
    values: Mapping[str, str]


def plain_command(
    arguments: Sequence[str], switches: Collection[str] = (), options: Collection[str] = ()
) -> PlainCommand | None:
    """The command line in other words; None where it takes the framework to read it.

    Args:
        arguments: what follows the command's name.
        switches: options without a value, beside those for quiet, that change nothing of what is done.
        options: of this command alone, each with a value.
    """
    given: dict[str, str] = {}
    operands: list[str] = []
    is_quiet = False
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=") if argument.startswith("--") else (argument, "", "")
        name = _ALIKE.get(name, name)
        if name in {_CONFIG, _TARGET, _OUTPUT, *options}:
            given[name] = value if equals else next(rest, "")
        elif argument in _QUIET:
            is_quiet = True
        elif not argument.startswith("-"):
            operands.append(argument)
        elif argument not in switches:
            return None
    if given.get(_OUTPUT, "text") != "text" or not all(map(str.strip, (*given.values(), *operands))):
        return None
    file = given.get(_CONFIG) or os.environ.get(CONFIG_VARIABLE)
    target = given.get(_TARGET)
    return PlainCommand(Path(file) if file else None, target, is_quiet, tuple(operands), given)
