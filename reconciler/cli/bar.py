"""A line on a terminal that moves while a command works."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from reconciler.cli.terminal import colour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def moving_line() -> Iterator[Callable[[str, int, int], None]]:
    """Takes what happens, and how many imports of how many are done.

    The line disappears when the block ends: the report says the rest.
    """
    whole = Column(no_wrap=True, min_width=8)  # a narrow terminal cuts the words, never the clock
    ellipsis = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    columns = (
        SpinnerColumn(),
        TimeElapsedColumn(table_column=whole),
        TextColumn("{task.fields[counts]}", markup=False, table_column=Column(no_wrap=True)),
        TextColumn("{task.description}", markup=False, table_column=ellipsis),
    )
    console = Console(stderr=True, no_color=not colour(sys.stderr))
    console.width -= len("^C ")  # a terminal's echo of Ctrl-C must not begin a line of its own
    with Progress(*columns, console=console, transient=True, expand=True) as shown:
        task = shown.add_task("looking", total=None, counts="")

        def update(line: str, done: int, total: int) -> None:
            counts = f"{done}/{total} imported" if total else ""
            shown.update(task, description=line, counts=counts)

        yield update
