"""The texts of the import request as types: their lengths, and what they may hold.

Limits are the vendor's (tables 2 to 7 of the import page, 2019, and what later pages add).
"""

from __future__ import annotations

from typing import Annotated

from reconciler.contract.fields import OneOf, Text
from reconciler.contract.patterns import END, HAN, PatternRule, never

_SPECIAL = "&!'\"<>="
_SPECIAL_SHOWN = "& ! ' \" < > ="

NAME_CLAUSE = PatternRule(
    f"^[A-Za-z0-9_{HAN}-]*{END}", "may hold only letters, Chinese characters, digits, - and _"
)
ASCII_NAME_CLAUSE = PatternRule(
    f"^[A-Za-z0-9_-]*{END}", "may hold only letters, digits, - and _ in this edition"
)
PLAIN_TEXT_CLAUSE = never(f"[{_SPECIAL}]", f"must not hold any of {_SPECIAL_SHOWN}")
PACKAGE_CLAUSE = never(f"[{_SPECIAL}{HAN}]", f"must not hold Chinese or any of {_SPECIAL_SHOWN}")
SOLID_CLAUSE = never(r"[\s\x00-\x1f\x7f]", "must not hold blanks or control characters")

Words = Annotated[str, Text()]
Line = Annotated[str, Text(least=1)]
ModelName = Annotated[str, Text(least=1, most=64, clauses=(NAME_CLAUSE,))]
AsciiModelName = Annotated[str, Text(least=1, most=64, clauses=(ASCII_NAME_CLAUSE,))]
ModelVersion = Annotated[
    str,
    Text(
        clauses=(
            PatternRule(
                rf"^[0-9]+\.[0-9]+\.[0-9]+{END}", "must be three numbers with dots between, such as 1.0.0"
            ),
            never(r"(?:^|\.)0[0-9]", "a part must not start with 0"),
            never("[0-9]{3}", "a part has one or two digits, so 99 is the highest"),
        )
    ),
]
SourceLocation = Annotated[
    str,
    Text(
        least=1,
        clauses=(
            SOLID_CLAUSE,
            PatternRule(
                rf"^(?![A-Za-z][A-Za-z0-9+.-]*:/*{END})", "names no bucket or host; write all of the address"
            ),
        ),
    ),
]
Description = Annotated[str, Text(most=100)]
PlainDescription = Annotated[str, Text(most=100, clauses=(PLAIN_TEXT_CLAUSE,))]
Algorithm = Annotated[
    str,
    Text(
        most=36,
        clauses=(PatternRule("^[A-Za-z]", "must start with a letter"), PACKAGE_CLAUSE),
    ),
]
ExecutionCode = Annotated[
    str,
    Text(
        blank=True,
        clauses=(
            SOLID_CLAUSE,
            PatternRule(
                rf"(?:^|/)customize_service\.py{END}", "must end in the file name customize_service.py"
            ),
        ),
    ),
]
DocUrl = Annotated[
    str,
    Text(
        clauses=(
            PatternRule(
                "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]",
                "must be an http:// or https:// link",
            ),
            SOLID_CLAUSE,
        )
    ),
]
_DOC_FIRST = PatternRule(f"^[A-Za-z{HAN}]", "must start with a letter or a Chinese character")
DocName = Annotated[str, Text(least=1, most=48, clauses=(_DOC_FIRST, NAME_CLAUSE))]
LetterDocName = Annotated[
    str,
    Text(
        least=1,
        most=48,
        clauses=(PatternRule("^[A-Za-z]", "must start with a letter in this edition"), NAME_CLAUSE),
    ),
]
Protocol = Annotated[str, OneOf(("http", "https"), any_case=True)]
Method = Annotated[str, OneOf(("post", "get"), any_case=True)]
ParamType = Annotated[str, OneOf(("int", "string", "float", "timestamp", "date", "file"), tolerated=("box",))]
Installer = Annotated[str, OneOf(("pip",))]
SourceType = Annotated[str, OneOf(("auto",), blank=True)]
InstallType = Annotated[str, OneOf(("real-time", "batch"))]
EdgeInstallType = Annotated[str, OneOf(("real-time", "edge", "batch"))]
