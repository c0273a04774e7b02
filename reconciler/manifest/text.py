"""From bytes to text that is safe to parse and to show, and from an index in it to a reason with its place.

Lines end with LF, CRLF or CR, as editors count them; columns are characters. NEL, LS and PS, which YAML 1.1
takes for line breaks and YAML 1.2 does not, are therefore refused in YAML.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from unicodedata import category

from reconciler.manifest.values import Reason

if TYPE_CHECKING:
    from reconciler.contract.problem import Severity

LARGEST_FILE = 256 * 1024
"""Bytes of one file; far above anything a model needs, far below anything that hurts."""

BOM = "\ufeff"

_BREAK = re.compile(r"\r\n|\r|\n")
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
# texts, which are compiled when they are first searched for: each takes a millisecond, and few are needed
_UNUSABLE_IN_JSON = rf"[{_CONTROLS}\ufeff\ufffe\uffff]"
_UNUSABLE = rf"[{_CONTROLS}\ufeff\ufffe\uffff\u2028\u2029]"
_UNUSABLE_ESCAPED = f"[{_CONTROLS}]"
# Nobody can see these, or they turn around what stands beside them: Unicode's Default_Ignorable_Code_Point
# (DerivedCoreProperties.txt), line and paragraph separators, and a blank that is called a Braille pattern.
_INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
UNSAFE_IN_PATH = rf"[\x00-\x1f\x7f-\x9f{_INVISIBLE}\ud800-\udfff]"

_POINTER = (
    "the file is a Git LFS pointer, and its content is not in git: take it out of LFS with "
    "`git lfs untrack`, then `git add --renormalize` and commit"
)
_WIDEST_EXCERPT = 160
_LEAD = 80
"""Characters shown before the place, where the line is too long to be shown from its beginning."""
_WIDEST_SHOWN = 60
_NEVER_SHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Issue:
    """Something wrong at one index of the text.

    Attributes:
        code, message: as in a `Reason`.
        index: 0-based, in characters; None where the file as a whole is meant.
        first: the index of what it collides with, or None.
    """

    code: str
    message: str
    index: int | None = None
    first: int | None = None


class UnreadableFile(Exception):  # noqa: N818 - reads as what is true of the file
    """The whole file cannot be used. Never leaves this room."""

    def __init__(self, code: str, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.issue = Issue(code, message, index)


class Text:
    """The characters of a file, where its lines are, and its path inside the repository."""

    def __init__(self, characters: str, path: str = "") -> None:
        self.characters = characters
        self.path = path

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(line_end.end() for line_end in _BREAK.finditer(self.characters))]

    def place(self, index: int) -> tuple[int, int]:
        """The 1-based line and column of a 0-based index, in characters."""
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def reason(self, code: str, message: str, index: int, severity: Severity = "error") -> Reason:
        """A problem at one index, with the line around it."""
        line, column = self.place(index)
        return Reason(code, message, self.path, line, column, severity, self.excerpt(index))

    def reason_of(self, issue: Issue) -> Reason:
        """An issue with both places, where it has two."""
        if issue.index is None:
            return Reason(issue.code, issue.message, self.path)
        message = issue.message
        if issue.first is not None:
            line, column = self.place(issue.first)
            message += f"; it is at {line}:{column} already"
        return self.reason(issue.code, message, issue.index)

    def excerpt(self, index: int) -> str:
        """The line around a 0-based index, safe to print; `caret` tells where in it the place is.

        At most 160 characters: of a longer line, the beginning or what is around the place.
        """
        line, column = self.place(index)
        start = self._starts[line - 1]
        from_start = column < _WIDEST_EXCERPT
        begin = start if from_start else index - _LEAD
        window = _BREAK.split(self.characters[begin : begin + _WIDEST_EXCERPT + 1], maxsplit=1)[0]
        cut = window if len(window) <= _WIDEST_EXCERPT else f"{window[: _WIDEST_EXCERPT - 1]}…"
        return printable(cut if from_start else f"…{cut[1:]}")


def caret(column: int) -> int:
    """The 0-based index, in a `Reason`'s excerpt, of the character at the reason's 1-based column."""
    return column - 1 if column < _WIDEST_EXCERPT else _LEAD


_MARKER = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|\Z)", re.MULTILINE)
"""How git begins the lines that set the two sides of a conflict apart."""


def conflict_or(issue: Issue, text: Text | None) -> Issue:
    """What is wrong with a text that cannot be read: git's conflict markers if it has any, else `issue`."""
    marker = _MARKER.search(text.characters) if text is not None else None
    if marker is None:
        return issue
    why = f"git's conflict markers stand here ({marker[0]}): resolve the merge, and commit the result"
    return Issue("merge-conflict", why, marker.start())


def printable(line: str) -> str:
    """The line with a stand-in of one character for each that could disturb a terminal; columns stay."""
    if line.isascii() and line.isprintable():
        return line
    return "".join(_stand_in(char) if category(char) in _NEVER_SHOWN else char for char in line)


def _stand_in(char: str) -> str:
    if char == "\t":
        return " "
    return chr(0x2400 + ord(char)) if char < " " else "\ufffd"


def shown(text: str) -> str:
    """Text from outside as a short literal in quotes, everything unprintable escaped, for a message."""
    return repr(str(text) if len(text) <= _WIDEST_SHOWN else f"{text[: _WIDEST_SHOWN - 1]}…")


def is_safe(path: str) -> bool:
    """Whether a path is UTF-8 and free of characters that could disturb a terminal, or that nobody sees."""
    if path.isascii() and path.isprintable():  # as most are, and quickly seen
        return True
    return not re.search(UNSAFE_IN_PATH, path)


def decode(data: bytes, path: str = "", *, json: bool = False) -> Text:
    """The text of a file, without a byte order mark. JSON allows U+2028 and U+2029 in strings.

    Raises:
        UnreadableFile: too large, not UTF-8, a pointer of Git LFS, or a character that has no place in text.
    """
    if len(data) > LARGEST_FILE:
        raise UnreadableFile("file-too-large", too_large(len(data)))
    try:
        characters = data.decode().removeprefix(BOM)
    except UnicodeDecodeError as error:
        raise _not_utf8(data, error.start) from None
    if characters.startswith("version https://git-lfs.github.com/spec/"):
        raise UnreadableFile("lfs-pointer", _POINTER)
    match = re.search(_UNUSABLE_IN_JSON if json else _UNUSABLE, characters)
    if match is not None:
        raise UnreadableFile("control-character", _unusable(match[0]), match.start())
    return Text(characters, path)


def decode_leniently(data: bytes, path: str) -> Text:
    """The text of a file that cannot be used, for the excerpt of the reason why; cut at the limit."""
    return Text(data[:LARGEST_FILE].decode(errors="replace").removeprefix(BOM), path)


def unusable_escape(value: str) -> str | None:
    """What is wrong with a decoded scalar into which an escape brought an unusable character, or None."""
    match = re.search(_UNUSABLE_ESCAPED, value)
    return None if match is None else _unusable(match[0])


def too_large(size: int) -> str:
    """The words for a file over the limit; `size` in bytes."""
    return f"the file has {size:,} bytes, and at most {LARGEST_FILE:,} (256 KiB) are read; make it smaller"


def _not_utf8(data: bytes, start: int) -> UnreadableFile:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return UnreadableFile("not-utf-8", "the file is UTF-16; save it as UTF-8")
    if b"\x00" in data:
        return UnreadableFile("not-utf-8", "the file is binary; a manifest is UTF-8 text")
    message = f"the byte 0x{data[start]:02x} is not UTF-8; save the file as UTF-8"
    return UnreadableFile("not-utf-8", message, len(data[:start].decode().removeprefix(BOM)))


def _unusable(char: str) -> str:
    code = f"U+{ord(char):04X}"
    if char == "\x00":
        return f"the character NUL ({code}) cannot be in a manifest; is the file binary?"
    if char == BOM:
        return f"a byte order mark ({code}) may only be the first character of a file; remove this one"
    if category(char) == "Cs":
        return f"half of a surrogate pair ({code}) is not a character; write both halves"
    if char in "\x85\u2028\u2029":
        return f"the line separator {code} cannot be in a manifest; write an ordinary line break"
    return f"the control character {code} cannot be in a manifest; remove it"
