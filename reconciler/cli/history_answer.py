"""What `history` answers. Nothing here needs the command-line framework, which takes a tenth of the time."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from reconciler.app.history import HistoryQuery
from reconciler.app.history import history as history_of
from reconciler.cli.asked import model_asked, moment
from reconciler.cli.plain import plain_command
from reconciler.cli.terminal import colour, configuration, echo_err, put_all, put_json_list
from reconciler.errors import ConfigurationError, Exit
from reconciler.views import history as view

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_WITHOUT_EFFECT = frozenset({"--verbose", "-v"})


class Asked(NamedTuple):
    """What is asked for, as it stands on the command line; None where it does not."""

    model: str | None = None
    model_id: str | None = None
    commit: str | None = None
    since: str | None = None
    until: str | None = None
    author: str | None = None


def carried_out(arguments: Sequence[str]) -> Exit | None:
    """The command, as far as it takes no framework to read it; None otherwise. Raises ReconcilerError."""
    options = {f"--{name.replace('_', '-')}": name for name in Asked._fields[1:]}
    plain = plain_command(arguments, _WITHOUT_EFFECT, options)
    if plain is None or len(plain.operands) > 1:
        return None
    values = {options[option]: value for option, value in plain.values.items() if option in options}
    return answer(Asked(*plain.operands, **values), plain.config, plain.target)


def answer(asked: Asked, config: Path | None, target: str | None, *, as_json: bool = False) -> Exit:
    """Shows what is asked for; gives the exit code.

    Raises:
        ReconcilerError: a question makes no sense, or git or the state could not be read.
    """
    name, version = (None, None) if asked.model is None else model_asked(asked.model)
    query = HistoryQuery(target, name, version, asked.model_id, asked.commit)
    row_filter = _row_filter(asked)
    with closing(
        history_of(configuration(config), query, lambda note: echo_err(f"note: {note}"))
    ) as found_rows:
        first = next(found_rows, None)
        rows = filter(row_filter.admits, () if first is None else chain([first], found_rows))
        if as_json:
            put_json_list(view.json_texts(rows))
        else:
            put_all(view.text(rows, colour=colour()))
    if first is not None:
        return Exit.OK
    asked_for = [one for one in (asked.model, asked.model_id, asked.commit) if one]
    if len(asked_for) > 1:
        echo_err(f"{', '.join(asked_for)}: nothing is known that has all of these; ask for less")
    elif asked.commit:
        echo_err(f"{asked.commit}: this commit changed no model's document, and nothing came of it")
    elif asked.model:
        echo_err(
            f"error: {asked.model}: neither declared in git nor remembered; "
            "`reconciler history` lists every model"
        )
        return Exit.ATTENTION
    return Exit.OK


def _row_filter(asked: Asked) -> view.RowFilter:
    now = datetime.now(UTC)
    row_filter = view.RowFilter(
        since=None if asked.since is None else moment("--since", asked.since, now),
        until=None if asked.until is None else moment("--until", asked.until, now),
        author=asked.author,
    )
    if row_filter.is_never:
        raise ConfigurationError(
            f"--since {asked.since} is later than --until {asked.until}: nothing is in between"
        )
    return row_filter
