"""`apply` where nothing has moved: it ends before the command-line framework and the engine are loaded.

Options that are not known here are left to the framework, which costs a cycle at most.
"""

from __future__ import annotations

from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.noop import noop_check
from reconciler.cli import tuning
from reconciler.cli.plain import plain_command
from reconciler.cli.terminal import configuration, echo, echo_err, tell_warnings
from reconciler.errors import ConfigurationError, Exit, SourceError
from reconciler.settings.raw import raw_configuration
from reconciler.times import shown_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.app.noop import NoopNote
    from reconciler.registry import CredentialCooldown
    from reconciler.settings import Configuration

_WITHOUT_EFFECT = frozenset({"--wait", "--no-wait"})
"""Options that change nothing of an `apply` with nothing to do."""


def carried_out(arguments: Sequence[str]) -> Exit | CredentialCooldown | None:
    """Says that nothing can have changed since the last cycle, where that is so.

    Otherwise gives which credentials were refused, for the cycle that follows; None where none was sent.
    Raises SourceError.
    """
    given = plain_command(arguments, _WITHOUT_EFFECT)
    if given is None or given.operands:
        return None
    tuning.spare_anyio()
    settings = cache(partial(configuration, given.config))
    try:
        note, cooldown = noop_check(raw_configuration(given.config, Path.cwd()), given.target, settings)
    except (ConfigurationError, RecursionError):
        return None  # the command reports it, with all other mistakes
    if note is None:
        return cooldown
    _tell(note)
    if note.folder is None:
        pack_mirror(settings())
    return Exit.OK


def _tell(note: NoopNote) -> None:
    """What a cycle would have said."""
    from reconciler.views.words import nothing_to_do, phrase  # noqa: PLC0415 - not where there is work

    idle_mark = note.mark
    tell_warnings(note.warnings)
    if idle_mark.lists.keys() == set(note.names):  # all was looked at, as a cycle would have
        sentence = nothing_to_do(idle_mark.numbers)
    else:
        sentence = (
            f"Nothing to do: nothing has moved since {shown_time(idle_mark.at)}, with "
            f"{phrase(idle_mark.numbers)}. `--refresh` looks at the registry again."
        )
    echo(f"{sentence}\nCommit {idle_mark.commit[:12]}, plan digest {idle_mark.digest}")


def pack_mirror(settings: Configuration) -> None:
    """Packs the mirror of a remote repository, at most once a day; the answer was printed before.

    A run that failed to pack did all else that it was asked to do, and ends as it would have without.
    """
    from reconciler.app.repository import source_of  # noqa: PLC0415 - a repository of this machine has none

    try:
        with closing(source_of(settings)) as source:
            source.tidy()
    except SourceError as problem:
        echo_err(f"warning: the mirror was not packed, and is packed again in a day: {problem}")
