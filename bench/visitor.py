"""A client that asks for a page as soon as it has the last answer: `python bench/visitor.py URL`."""

from __future__ import annotations

import sys
from urllib.request import urlopen


def main() -> None:
    """Asks until it is ended."""
    while True:
        with urlopen(sys.argv[1]) as answer:  # noqa: S310 - our own
            answer.read()


main()
