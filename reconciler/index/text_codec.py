"""Texts as bytes in the index: names and paths may hold what is not UTF-8, as lone surrogates."""

from __future__ import annotations


def to_bytes(text: str) -> bytes:
    """The bytes of any text, also of one that has no UTF-8 form."""
    return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    """The text that `to_bytes` made these of."""
    return data.decode("utf-8", "surrogatepass")
