"""Whose fault a failed request is: that of the one model it was about, or that of everybody's registry."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import IntentTooOld, RegistryError, RegistryUnavailable, Unauthorised, Unreachable


def concerns_everybody(error: RegistryError) -> bool:
    """Whether every other request to the registry would fail in the same way."""
    return isinstance(error, (Unauthorised, Unreachable))


def is_about_others_too(error: RegistryError) -> bool:
    """Whether the failure of one import may well be that of the next: what is busy with one model is not."""
    return not isinstance(error, RegistryUnavailable) or isinstance(error, (Unreachable, IntentTooOld))


@dataclass(slots=True)
class Setbacks:
    """Requests about one model each, which fail by themselves; after some in a row no more are sent.

    Attributes:
        enough: failures in a row after which the others are not tried in this cycle.
        in_a_row: how many failed since the last that went through.
        successes: how many went through.
        last: the newest failure.
    """

    enough: int = 10
    in_a_row: int = 0
    successes: int = 0
    last: RegistryError | None = None

    @property
    def given_up(self) -> bool:
        """Whether so many failed that the others are spared."""
        return self.in_a_row >= self.enough

    def passed(self) -> None:
        """Takes a request that went through."""
        self.in_a_row = 0
        self.successes += 1

    def failed(self, error: RegistryError) -> None:
        """Takes a request that failed.

        Raises:
            RegistryError: that very error, when it concerns everybody.
        """
        if concerns_everybody(error):
            raise error
        self.last = error
        self.in_a_row += 1
