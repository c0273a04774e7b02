"""Whatever a repository or a manifest holds, the index gives it back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.index.text_codec import to_bytes, to_text

_ANY = st.text(st.characters(exclude_categories=()))


@given(_ANY)
def test_every_text_is_given_back(text: str) -> None:
    """Also bytes of a path that are not UTF-8, and half of a surrogate pair in a model's name."""
    assert to_text(to_bytes(text)) == text


@given(_ANY, _ANY)
def test_two_texts_are_never_the_same_bytes(one: str, other: str) -> None:
    assert (to_bytes(one) == to_bytes(other)) is (one == other)
