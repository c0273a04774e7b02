"""What a shell offers after Tab: names from the state. Runs at each Tab: without typer, without pydantic.

The scripts of `reconciler completion` call it as `reconciler __candidates models|targets WORD LINE…`.
A shell has no use for an error while a line is typed: whatever is wrong, nothing is offered.
"""

from __future__ import annotations

import os
import re
import sys
from itertools import pairwise
from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.settings.raw import raw_configuration
from reconciler.state.peek import model_candidates, target_candidates

_KINDS = {"models": model_candidates, "targets": target_candidates}


def offer(arguments: list[str]) -> None:
    """Prints one candidate a line.

    Args:
        arguments: `models` or `targets`, the word that Tab was pressed in, and the words of the line so far,
            of which `--config FILE` counts.
    """
    kind, word, *line = [*arguments, "", ""][: max(2, len(arguments))]
    try:
        url = raw_configuration(_config(line), Path.cwd()).state_url
        names = _KINDS[kind](url, word)
    except (ReconcilerError, OSError, KeyError):
        return
    shown = [name for name in names if re.fullmatch(r"[\w.@-]+", name)]  # others a shell would have to quote
    sys.stdout.buffer.write("".join(f"{name}\n" for name in shown).encode())
    sys.stdout.flush()


def _config(line: list[str]) -> Path | None:
    """The file that the line or else the environment names."""
    named = [after for before, after in pairwise(line) if before == "--config"]
    named += [word.removeprefix("--config=") for word in line if word.startswith("--config=")]
    path = named[-1] if named else os.environ.get("RECONCILER_CONFIG")
    return Path(path).expanduser() if path else None
