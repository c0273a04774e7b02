"""An unexpected error is a failure of one target. Loads nothing else of the engine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.errors import Exit, ReconcilerError, TargetUnusable
from reconciler.log import log
from reconciler.redaction import unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def crash_as_failure(target: str) -> Iterator[None]:
    """Turns an unexpected error into a failure of its target: the other targets go on.

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
