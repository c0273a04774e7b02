"""The numbers of one target's client; the vendor publishes none of them, so all are settings."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import ConfigurationError

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, how fast and how long.

    Attributes:
        page_size: items asked for in one page of a list.
        max_pages: pages of one list after which something is wrong.
        concurrency: requests in flight at once.
        rate: writes a second, in the long run.
        burst: writes that may go out at once after a quiet time; as many reads as take the same time.
        read_rate: reads a second, in the long run, as long as the server does not say that they are too many.
        read_attempts: how often a read, or a deletion, is sent at most.
        create_attempts: how often an import is sent at most, each time after a proof that it was not made.
        deadline: seconds for one call, all its attempts, pauses and bodies included.
        fresh: seconds that writing an import's intent may take; a call whose intent took longer is not sent.
        connect_timeout: seconds for a connection, TLS included.
        backoff: seconds, the ceiling of the first pause; it doubles with each attempt.
        longest_pause: seconds, the ceiling of any pause that the server does not ask for.
        brief: seconds; a longer pause is not made in a call about one model, nor for one: the call fails, and
            whoever asked does something else meanwhile.
        body_bytes: how much of an answer is read before it is given up.
        error_bytes: how much of an error's body is read.
    """

    page_size: int = 1000
    max_pages: int = 2000
    concurrency: int = 32
    rate: float = 100.0
    burst: int = 100
    read_rate: float = 400.0
    read_attempts: int = 4
    create_attempts: int = 3
    deadline: float = 60.0
    fresh: float = 2.0
    connect_timeout: float = 10.0
    backoff: float = 0.5
    longest_pause: float = 10.0
    brief: float = 2.0
    body_bytes: int = 64 * _MIB
    error_bytes: int = 64 * 1024

    def __post_init__(self) -> None:
        """Refuses a number that is not positive. Raises ConfigurationError."""
        for name in self.__slots__:
            value = getattr(self, name)
            if not value > 0:
                raise ConfigurationError(f"registry limit {name} is {value!r}: it must be greater than 0")
