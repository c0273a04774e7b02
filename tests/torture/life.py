"""One life of the program, unchanged, in a process of its own, which may be told where it is to end.

`python -m tests.torture.life POINT COMMAND…` runs the program until it reaches the point, and dies there as
by `kill -9`: nothing is flushed, closed or said.
"""

from __future__ import annotations

import inspect
import os
import signal
import sys
import threading
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from reconciler.app import session
from reconciler.cli import main
from reconciler.engine.target import Target
from tests.torture.points import POINTS

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from tests.torture.points import Point, Within


MANY = "many"  # the first word of a command of a program that takes few models for many
NOWHERE = "-"  # the point that is never reached


def doom(point: Point) -> None:
    """Makes this process kill itself at the point.

    Raises:
        LookupError: the program has no function, or a function no variable, of that name.
    """
    code, around = located(point)

    def watch(frame: FrameType, event: str, value: object) -> None:
        if frame.f_code is not code or not _is_the_moment(point, event, value):
            return
        if all(_is_under_way(frame, *outer) for outer in around):
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(watch)
    sys.setprofile(watch)


def located(point: Point) -> tuple[CodeType, list[tuple[CodeType, Within]]]:
    """The point's function, and those that have to be under way.

    Raises:
        LookupError: the program has no function, or a function no variable, of that name.
    """
    around = [(_code(within.place), within) for within in point.within]
    for outer, within in around:
        _require_variables(outer, within)
    return _code(point.place), around


def _is_the_moment(point: Point, event: str, value: object) -> bool:
    if point.moment == "end":
        return event == "return" and value is None
    return event == point.moment


def _code(place: str) -> CodeType:
    module, _, path = place.partition(":")
    member: Any = import_module(module)
    for name in path.split("."):
        member = getattr(member, name, None)
        if member is None:
            raise LookupError(f"{place}: there is no {name}; correct tests/torture/points.py")
    code: CodeType = inspect.unwrap(member).__code__
    return code


def _require_variables(code: CodeType, within: Within) -> None:
    for name in within.having:
        first = name.partition(".")[0]
        if first not in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
            message = f"{within.place}: there is no variable {first}"
            raise LookupError(f"{message}; correct tests/torture/points.py")


def _is_under_way(frame: FrameType | None, code: CodeType, within: Within) -> bool:
    while frame is not None:
        if frame.f_code is code:
            return all(value in _texts(frame, name) for name, value in within.having.items())
        frame = frame.f_back
    return False


def _texts(frame: FrameType, name: str) -> set[str]:
    """What a local variable, or an attribute of it, is; of a sequence, what each member is."""
    first, *rest = name.split(".")
    values = _members(frame.f_locals.get(first))
    for part in rest:
        values = [one for value in values for one in _members(getattr(value, part, None))]
    return {str(one) for one in values}


def _members(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        return [value]
    return [one for member in value for one in _members(member)]


def live(point: str, command: list[str]) -> None:
    """Runs the program with these arguments; ends with SystemExit, or at the point."""
    if command[0] == MANY:
        command = command[1:]
        vars(session)["Target"] = partial(Target, judge_all_below=0)
    sys.argv = ["reconciler", *command]
    if point != NOWHERE:
        doom(POINTS[point])
    main()


if __name__ == "__main__":
    live(sys.argv[1], sys.argv[2:])
