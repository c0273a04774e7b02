"""What is remembered of commits that were judged: one mark of the state."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MARK = "trust"
"""The mark; it belongs to no target."""
_HEADS = 50  # newest commits whose moment is remembered while a commit is held
_KEPT = 500  # signatures that are remembered


@dataclass(slots=True)
class TrustMemory:
    """What a mark holds.

    Attributes:
        good: the last trusted commit.
        seen: newest commits since it, with the moment at which each was first seen.
        by: names the keys by which the signatures were good.
        signers: commits with a good signature, with whose it is.
    """

    good: str | None = None
    seen: dict[str, datetime] = field(default_factory=dict)
    by: str = ""
    signers: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> TrustMemory:
        """What `write` made this text of; of one that cannot be read nothing: all is judged anew."""
        if text is None:
            return cls()
        try:
            facts = json.loads(text)
            seen = {commit: datetime.fromisoformat(at) for commit, at in facts["seen"].items()}
            return cls(facts["good"], seen, facts["by"], facts["signers"])
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()

    def write(self) -> str:
        """The value of the mark; of very many commits the newest."""
        seen = {commit: at.isoformat() for commit, at in list(self.seen.items())[:_HEADS]}
        signers = dict(list(self.signers.items())[-_KEPT:])
        return json.dumps({"good": self.good, "seen": seen, "by": self.by, "signers": signers})
