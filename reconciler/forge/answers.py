"""Reads a value out of a host's answer, or says that the answer is not as the host documents it."""

from __future__ import annotations

from reconciler.errors import ForgeError


def text_at(title: str, answer: object, *keys: str) -> str:
    """The text, or the whole number, that stands at these keys.

    Args:
        title: the host's name, for a message.
        answer: JSON.
        keys: one below the other.

    Raises:
        ForgeError: there is none.
    """
    value = answer
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ForgeError(f"{title}: the answer has no {'.'.join(keys)}: is the address that of an API?")
    return str(value)


def text_or(answer: object, *keys: str) -> str:
    """The same, or nothing."""
    try:
        return text_at("", answer, *keys)
    except ForgeError:
        return ""
