"""What goes wrong in one target, told as that target's failure where no cycle does it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.errors import Exit, ReconcilerError, RegistryError, TargetUnusable
from reconciler.log import log
from reconciler.redaction import unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def crash_told(target: str) -> Iterator[None]:
    """Turns what nobody expected into a failure of the target, as a cycle does.

    Raises:
        ReconcilerError: as it was raised.
        TargetUnusable: for anything else; the traceback is a debug line of the log.
    """
    try:
        yield
    except ReconcilerError:
        raise
    except Exception as error:
        log.debug("unexpected", target=target, exc_info=True)
        raise TargetUnusable(unexpected(error), Exit.UNAVAILABLE) from error


@contextmanager
def failure_told(target: str) -> Iterator[None]:
    """The same, and every failure with the name of the target.

    Raises:
        TargetUnusable: the registry could not be asked, or nobody expected it.
    """
    try:
        with crash_told(target):
            yield
    except (RegistryError, TargetUnusable) as error:
        raise TargetUnusable(f"target {target}: {error}", error.exit_code) from error
