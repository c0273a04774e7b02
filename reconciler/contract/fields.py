"""Kinds of field: each reads a value, words what is wrong, and writes its own JSON Schema.

`read` gives the value as it is sent, or raises. Both pydantic and the quick way of `structs` ask it, so that
they cannot differ.

The schema of a text field also takes a number wherever its digits would be accepted as text, since an
unquoted `1.5` in a manifest is text to this contract and a number to an editor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from reconciler.contract.json_values import (
    FINITE,
    HALF_A_PAIR,
    LARGEST,
    LONGEST_NUMBER,
    UnquotedScalar,
    encodable,
    finite,
    in_notation,
    number,
    to_json,
)
from reconciler.contract.patterns import END, PatternRule, keywords
from reconciler.phrases import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

    from reconciler.contract.problem import Loc

NOT_JSON = "free_json"
"""The code of what carries the faults of a free value."""


class Invalid(ValueError):  # noqa: N818 - most often an answer, not an accident
    """A field does not take a value.

    Attributes:
        code: ours, or the type of a pydantic error that says the same.
        why: in words.
        faults: of a free value, where the code is `NOT_JSON`: place below the value, why, value each.
    """

    def __init__(self, code: str, why: str = "", faults: Sequence[tuple[Loc, str, object]] = ()) -> None:
        super().__init__(why)
        self.code, self.why, self.faults = code, why, faults


class FieldType:
    """What a field of this kind takes.

    pydantic finds a kind among the annotations of a field, and has it judge the value alone.
    """

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        from reconciler.contract.models import judging  # noqa: PLC0415 - pydantic asks, so it is loaded

        return judging(self.read)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self._json_schema()

    def read(self, value: object) -> object:
        """The value as it is sent.

        Raises:
            Invalid: the field does not take this.
        """
        raise NotImplementedError

    def _json_schema(self) -> dict[str, Any]:
        """What JSON Schema can say of it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(FieldType):
    """A text field.

    Attributes:
        least, most: length in code points.
        clauses: the first that does not hold is the one reported.
        blank: whether the empty text is also accepted, and means that the field is absent.
    """

    least: int = 0
    most: int | None = None
    clauses: tuple[PatternRule, ...] = ()
    blank: bool = False

    def read(self, value: object) -> str:
        """The text."""
        if not isinstance(value, str):
            raise Invalid("string_type")
        fault = self.fault(value)
        if fault is not None:
            raise Invalid(*fault)
        return str(value)

    def _json_schema(self) -> dict[str, Any]:
        lengths = {"minLength": self.least or None, "maxLength": self.most}
        patterns = [keywords(clause.pattern, clause.why) for clause in self.clauses]
        text: dict[str, Any] = {key: value for key, value in lengths.items() if value is not None}
        text |= patterns[0] if len(patterns) == 1 else {"allOf": patterns} if patterns else {}
        types = ["string", *self._numbers()]
        text = {"type": types if len(types) > 1 else "string", **text}
        return {"anyOf": [text, {"const": ""}]} if self.blank else text

    def _numbers(self) -> list[str]:
        """The JSON types of unquoted numbers whose text this field takes."""
        if all(self.fault(text) is None for text in ("15", "1.5", "-1.5")):
            return ["number"]
        return ["integer"] if all(self.fault(text) is None for text in ("15", "-15")) else []

    def fault(self, text: str) -> tuple[str, str] | None:
        """The code and the words for what is wrong with `text`, or None."""
        if self.blank and not text:
            return None
        if len(text) < self.least:
            return "invalid-value", "must not be empty"
        if self.most is not None and len(text) > self.most:
            return "too-long", f"has {len(text)} characters, and at most {self.most} are allowed"
        if not (text.isascii() or encodable(text)):
            return "invalid-value", HALF_A_PAIR
        for clause in self.clauses:
            if (clause.search(text) is None) is not clause.banned:
                return "invalid-value", clause.why
        return None


@dataclass(frozen=True)
class OneOf(FieldType):
    """A text that is one word of a list.

    Attributes:
        words: what the vendor's table lists.
        tolerated: words outside it that are accepted all the same: the vendor's own example has them.
        blank: whether the empty text is also accepted, and means that the field is absent.
        any_case: whether letters may be of either case.
    """

    words: tuple[str, ...]
    tolerated: tuple[str, ...] = ()
    blank: bool = False
    any_case: bool = False

    @cached_property
    def _by_word(self) -> dict[str, str]:
        return {word: word for word in (*self.words, *self.tolerated, *(("",) if self.blank else ()))}

    def read(self, value: object) -> str:
        """The word."""
        if not isinstance(value, str):
            raise Invalid("string_type")
        word = self._by_word.get(value.lower() if self.any_case else value)
        if word is None:
            raise Invalid("not-in-enumeration", self.why(value))
        return str(value) if self.any_case else word

    def _json_schema(self) -> dict[str, Any]:
        words = [*self.words, *self.tolerated, *([""] if self.blank else [])]
        if not self.any_case:
            return {"enum": words}
        either = ("".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in word) for word in words)
        return {"type": "string", **keywords(f"^(?:{'|'.join(either)}){END}", self._listing())}

    def why(self, text: str) -> str:
        """What to say about a text that is not of the list."""
        return self._listing() + did_you_mean(text, (*self.words, *self.tolerated))

    def _listing(self) -> str:
        if len(self.words) > 3:  # noqa: PLR2004 - a row of `or` stops being readable
            return f"must be one of {', '.join(self.words)}"
        return f"must be {' or '.join(repr(word) for word in self.words)}"


def read_number(value: object) -> int | float | None:
    """The finite number that a value is, or None; an unquoted scalar may be one, quoted text never is."""
    if isinstance(value, UnquotedScalar):
        return number(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and finite(value):
        return value
    return None


class NumberKind(FieldType):
    """A finite JSON number; an unquoted scalar in JSON's notation is one, quoted text never is."""

    def _json_schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}

    def read(self, value: object) -> int | float:
        """The number."""
        read = read_number(value)
        if read is not None:
            return read
        raise Invalid("invalid-type", f"must be a number{_number_hint(value)}")


def _number_hint(value: object) -> str:
    if isinstance(value, UnquotedScalar):
        is_number = in_notation(value)
    elif isinstance(value, str) and number(value) is not None:
        return "; take off the quotes"
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f" {FINITE}, of at most {LONGEST_NUMBER} characters" if is_number else ", such as 0.5"


@dataclass(frozen=True)
class Count(FieldType):
    """A whole number that the vendor wants as text, such as `"30"`; a bare number is taken and made text."""

    least: int
    most: int = 2**31 - 1

    def read(self, value: object) -> str:
        """The number as text."""
        count = value if isinstance(value, int) and not isinstance(value, bool) else -1
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:  # noqa: PLR2004 - 2**31 has ten digits
            count = int(value)
        if self.least <= count <= self.most:
            return str(value)
        raise Invalid("invalid-value", f"must be a whole number from {self.least} to {self.most}")

    def _json_schema(self) -> dict[str, Any]:
        above_zero = "(?=0*[1-9])" if self.least else ""
        why = f"must be a whole number from {self.least}"
        text = {"type": "string", **keywords(f"^{above_zero}[0-9]{{1,10}}{END}", why)}
        return {"anyOf": [{"type": "integer", "minimum": self.least, "maximum": self.most}, text]}


class SwitchKind(FieldType):
    """True or false, and no text for it."""

    def _json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def read(self, value: object) -> bool:
        """The boolean."""
        if isinstance(value, bool):
            return value
        raise Invalid("bool_type")


class FlagKind(FieldType):
    """The text `"true"` or `"false"`; a bare boolean is taken and made text."""

    def _json_schema(self) -> dict[str, Any]:
        return {"enum": ["true", "false", True, False]}

    def read(self, value: object) -> str:
        """The text."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str) and value in ("true", "false"):
            return str(value)
        hint = did_you_mean(value, ("true", "false")) if isinstance(value, str) else ""
        raise Invalid("not-in-enumeration", f"must be 'true' or 'false'{hint}")


class FreeKind(FieldType):
    """Any JSON."""

    def _json_schema(self) -> dict[str, Any]:
        return {}

    def read(self, value: object) -> object:
        """The value as JSON."""
        settled, faults = to_json(value)
        if faults:
            raise Invalid(NOT_JSON, faults=faults)
        return settled


class AtMost:
    """A list of so many entries at most; not told to pydantic, which would judge no entry of a longer one."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "maxItems": self.most}


Number = Annotated[float, NumberKind()]
Switch = Annotated[bool, SwitchKind()]
Flag = Annotated[str, FlagKind()]
Free = Annotated[Any, FreeKind()]
