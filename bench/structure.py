"""The size and shape of the code, room by room, as Markdown.

    python -m bench.structure [FOLDER]      one package
    python -m bench.structure NOW BEFORE    two states of it: the tables of docs/development.md

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


def table(folder: Path) -> str:
    """One package, a row a room."""
    head = (
        "| room | modules | lines | functions | median | p95 | max | complexity p95 | max | comments |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *(room.row() for room in measure(folder))])


def comparison(before: Path, now: Path) -> str:
    """Two states of one package: the whole of each, then what each room had and has."""
    old, new = measure(before), measure(now)
    head = (
        "| | modules | lines | functions | median | p95 | longest | complexity p95 | highest | comments |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    old[-1].name, new[-1].name = "before", "now"
    had = {room.name: room for room in old[:-1]}
    rows = [_change(had.pop(room.name, Room(room.name)), room) for room in new[:-1]]
    rows += [_change(room, Room(room.name)) for room in had.values()]
    rooms = "| room | modules | lines | functions | comments |\n|---|---|---|---|---|"
    return "\n".join([head, old[-1].row(), new[-1].row(), "", rooms, *rows])


def _change(old: Room, new: Room) -> str:
    pairs = (
        (old.modules, new.modules),
        (old.lines, new.lines),
        (len(old.functions), len(new.functions)),
        (old.comments, new.comments),
    )
    return f"| {new.name} | " + " | ".join(f"{had} → {has}" for had, has in pairs) + " |"


def main(now: Path = Path("reconciler"), before: Path | None = None) -> str:
    """The tables of one package, or of it beside what it was before."""
    return comparison(before, now) if before else table(now)


if __name__ == "__main__":
    sys.stdout.write(main(*map(Path, sys.argv[1:])) + "\n")
