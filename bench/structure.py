"""`python -m bench.structure [FOLDER …]`: the size and shape of the code, room by room, as a Markdown table.

Needs nothing but Python: functions and branches are counted in the syntax tree, comments by the tokenizer.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from dataclasses import dataclass, field
from pathlib import Path

_BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.comprehension,
    ast.Assert,
    ast.match_case,
)
_DIRECTIVES = ("noqa", "type:", "ruff:", "pragma", "!")


@dataclass(slots=True)
class Room:
    """What was counted below one folder.

    Attributes:
        lines: of all modules, blank ones and docstrings included.
        functions: length of each function in lines, nested functions included.
        complexity: of each function: 1 and one more for each branch (McCabe).
        comments: lines that hold a comment which is no directive to a tool.
    """

    name: str
    modules: int = 0
    lines: int = 0
    comments: int = 0
    functions: list[int] = field(default_factory=list)
    complexity: list[int] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Counts one module."""
        self.modules += 1
        self.lines += text.count("\n")
        self.comments += _comments(text)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.append((node.end_lineno or node.lineno) - node.lineno + 1)
                self.complexity.append(_complexity(node))

    def row(self) -> str:
        """One row of the table."""
        return (
            f"| {self.name} | {self.modules} | {self.lines} | {len(self.functions)} "
            f"| {_middle(self.functions)} | {_high(self.functions)} | {max(self.functions, default=0)} "
            f"| {_high(self.complexity)} | {max(self.complexity, default=0)} | {self.comments} |"
        )


def _comments(text: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT]
    return sum(not comment.startswith(_DIRECTIVES) for comment in comments)


def _complexity(function: ast.AST) -> int:
    """1, and one more for each branch and each further operand of `and` or `or`; nested functions count."""
    branches = 1
    for node in ast.walk(function):
        branches += isinstance(node, _BRANCHES)
        branches += len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
    return branches


def _middle(numbers: list[int]) -> int:
    return round(statistics.median(numbers)) if numbers else 0


def _high(numbers: list[int]) -> int:
    """The 95th percentile."""
    return sorted(numbers)[min(len(numbers) - 1, int(len(numbers) * 0.95))] if numbers else 0


def measure(folder: Path) -> list[Room]:
    """Every room of one package, and the whole of it last."""
    whole = Room(f"**{folder.name}**")
    rooms: dict[str, Room] = {}
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder)
        name = inside.parts[0] if len(inside.parts) > 1 else "(top)"
        text = path.read_text(encoding="utf-8")
        rooms.setdefault(name, Room(name)).add(text)
        whole.add(text)
    return [*rooms.values(), whole]


def table(folders: list[Path]) -> str:
    """The Markdown table of these packages."""
    head = (
        "| room | modules | lines | functions | median | p95 | max | complexity p95 | max | comments |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *(room.row() for folder in folders for room in measure(folder))])


if __name__ == "__main__":
    sys.stdout.write(table([Path(name) for name in sys.argv[1:] or ("reconciler",)]) + "\n")
