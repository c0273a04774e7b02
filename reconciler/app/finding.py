"""What `doctor` found: a value for each thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.errors import Exit

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        check: what was looked at: config, secrets, web, git, edition, manifests, state, address, tls,
            clock, credentials, project, permission or registry; or a sink, by its name.
        remedy: what to do; None when all is well.
        exit_code: of the process when this is the worst finding.
    """

    check: str
    level: Level
    message: str
    target: str | None = None
    remedy: str | None = None
    exit_code: Exit = Exit.OK
