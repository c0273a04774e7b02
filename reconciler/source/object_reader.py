"""What every reader of a repository shares: where its objects lie, its limits, and asking once more."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from reconciler.errors import SourceError
from reconciler.printable import printable
from reconciler.source.commands import GitError
from reconciler.source.refs import is_object_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.budgets import Budgets
    from reconciler.source.backend import Backend

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound="ObjectReader")


def asked_again(ask: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
    """Asks once more where what git could not read was replaced by something sound."""

    @wraps(ask)
    def asked(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return ask(self, *args, **kwargs)
        except GitError:
            if not self._origin.replace():
                raise
            return ask(self, *args, **kwargs)

    return asked


class ObjectReader:
    """Reads the objects of one repository, as far as its budgets go."""

    def __init__(self, origin: Backend, budgets: Budgets) -> None:
        self._origin = origin
        self._budgets = budgets

    def _checked(self, commit: str) -> str:
        """`commit`, once it is certain that it cannot be taken for an option."""
        if not is_object_id(commit):
            raise SourceError(f"{self._origin.named}: '{printable(commit)}' is not a whole commit id")
        return commit
