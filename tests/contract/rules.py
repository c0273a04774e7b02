"""What the rules are made of, as one digest: `python -m tests.contract.rules` stores it for a new number.

The code of both rooms counts, wherever it lies and however it is laid out; comments and docstrings do not.
"""

from __future__ import annotations

import ast
import io
import json
import sys
import tokenize
from hashlib import sha256
from pathlib import Path

import reconciler
from reconciler.contract.rules_identity import RULES

PACKAGE = Path(reconciler.__file__).parent
ROOMS = ("contract", "manifest")
STORED = Path(__file__).with_name("rules.json")
_THE_NUMBER = "contract/rules_identity.py"


def digest(package: Path = PACKAGE) -> str:
    """Of every module of both rooms, but for the one that holds the number."""
    total = sha256()
    for module in sorted(path for room in ROOMS for path in (package / room).rglob("*.py")):
        name = module.relative_to(package).as_posix()
        if name != _THE_NUMBER:
            total.update(f"\0{name}\0{code_of(module.read_text('utf-8'))}".encode())
    return total.hexdigest()


def code_of(source: str) -> str:
    """A module without comments, docstrings, blank lines and line breaks."""
    lines = source.split("\n")
    spans = [token.start + token.end for token in _tokens(source) if token.type == tokenize.COMMENT]
    spans += [
        (node.lineno, _column(lines, node.lineno, node.col_offset), node.end_lineno, node.end_col_offset)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and node.end_lineno is not None
        and node.end_col_offset is not None
    ]
    for first, start, last, end in sorted(spans, reverse=True):
        rest = lines[last - 1][_column(lines, last, end) :] if first != last else lines[last - 1][end:]
        lines[first - 1 : last] = [lines[first - 1][:start] + rest]
    return " ".join("\n".join(lines).split())


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def _column(lines: list[str], line: int, offset: int) -> int:
    """The place of a character in a line, of which the tree knows the byte."""
    return len(lines[line - 1].encode()[:offset].decode())


def stored() -> dict[str, str]:
    """The digest of the rules of each number that was ever stored."""
    digests: dict[str, str] = json.loads(STORED.read_text("utf-8"))
    return digests


def main() -> None:
    """Stores the digest of the rules as they are, unless their number stands for others already."""
    rules = stored()
    if rules.setdefault(str(RULES), digest()) != digest():
        sys.exit(f"the number {RULES} stands for other rules: raise RULES in reconciler/{_THE_NUMBER} first")
    STORED.write_text(json.dumps(rules, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
