"""How a manifest's scalar differs from a JSON value: an unquoted scalar has not chosen its type yet."""

from __future__ import annotations


class UnquotedScalar(str):
    """A scalar that was written without quotes.

    The manifest reader never guesses types (`1.10` must stay `1.10`), so an unquoted scalar reaches the
    contract as text of this class, and the field it stands in decides: a text field takes the text, a number
    field reads a number, free JSON reads a number where the text is one in canonical form. Quoted scalars
    are ordinary `str` and are never numbers.
    """

    __slots__ = ()
