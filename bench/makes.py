"""One manifest in the notations that people write: not all of them are the plain part of YAML.

python -m bench.makes --models 1000 tells what reading one of each costs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TIMES = 5


def plain(request: Mapping[str, Any]) -> str:
    """Block mappings, and flow mappings within a line."""
    lines = [f"{key}: {value}" for key, value in request.items() if isinstance(value, str)]
    metrics = ", ".join(f"{key}: {value}" for key, value in request["model_metrics"].items())
    lines += [f"model_metrics: {{{metrics}}}", "dependencies:"]
    for dependency in request["dependencies"]:
        lines += [f"  - installer: {dependency['installer']}", "    packages:"]
        for package in dependency["packages"]:
            inner = ", ".join(f"{key}: {value}" for key, value in package.items())
            lines.append(f"      - {{{inner}}}")
    owner = request["model_name"].split("-")[0]
    return "\n".join([*lines, f"metadata: {{owner: {owner}, labels: {{tier: gold}}}}", ""])


def _described(request: Mapping[str, Any], description: str) -> str:
    return plain(request).replace(f"description: {request['description']}", f"description: {description}")


def _over_two_lines(request: Mapping[str, Any]) -> str:
    return str(request["description"]).replace(", ", ",\n  ")


def _escaped(request: Mapping[str, Any]) -> str:
    """In double quotes, with a letter as its number: the same text."""
    return json.dumps(request["description"]).replace("M", "\\u004d", 1)


MAKES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "plain": plain,
    "plain again": plain,
    "folded": lambda request: _described(request, f">-\n  {_over_two_lines(request)}"),
    "literal": lambda request: _described(request, f"|-\n  {request['description']}"),
    "wrapped line": lambda request: _described(request, _over_two_lines(request)),
    "escape": lambda request: _described(request, _escaped(request)),
    "flow over two lines": lambda request: plain(request).replace(", precision", ",\n  precision"),
    "CRLF": lambda request: plain(request).replace("\n", "\r\n"),
    "plain once more": plain,
    "JSON": lambda request: json.dumps(dict(request), indent=2) + "\n",
}
"""By name; a repository has as many of each."""

JSON = "JSON"


def make_of(number: int) -> str:
    """The make of the manifest of that number."""
    return [*MAKES][number % len(MAKES)]


def microseconds(models: int) -> dict[str, float]:
    """Processor time for reading one manifest of each make, everything that is wrong with it included."""
    from bench.generate import declared  # noqa: PLC0415 - which writes by these makes
    from reconciler.contract import edition  # noqa: PLC0415
    from reconciler.manifest import read  # noqa: PLC0415

    rules, found = edition("seed-2019"), dict[str, float]()
    for make, write in MAKES.items():
        path = "a.json" if make == JSON else "a.yaml"
        texts = [write(declared(number).request).encode() for number in range(models)]
        spent = []
        for _ in range(_TIMES):
            before = time.process_time()
            for text in texts:
                read(path, text, rules, lambda _: None)
            spent.append(time.process_time() - before)
        found[make] = min(spent) / models * 1e6
    return {make: spent for make, spent in found.items() if make == "plain" or MAKES[make] is not plain}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.makes", description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=1000)
    rows = microseconds(parser.parse_args().models)
    lines = ["| one manifest | processor time to read it |", "| --- | ---: |"]
    lines += [f"| {make} | {spent:.0f} us |" for make, spent in rows.items()]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
