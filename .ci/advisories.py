"""Asks an index of advisories about every pinned requirement; says so where none can be reached.

Exit 0: nothing is known against any of them, or no index answers here. Exit 1: something is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_COMMAND = ("pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "-f", "json")
_SERVICES = ("pypi", "osv")
_SECONDS = 120


def main(files: list[str]) -> int:
    """Tries one service after the other, and takes the first that knows the packages."""
    for service in _SERVICES:
        answer = _ask(service, files)
        if answer is not None:
            return _judge(answer)
    sys.stdout.write("advisories: skipped, no index of advisories can be reached from here\n")
    return 0


def _ask(service: str, files: list[str]) -> list[dict[str, object]] | None:
    """What the service says of each requirement; None when it does not answer, or does not know them."""
    named = [word for file in files for word in ("-r", file)]
    try:
        result = subprocess.run(  # noqa: S603 - our own words and files
            [sys.executable, "-m", *_COMMAND, "-s", service, *named],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    try:
        dependencies: list[dict[str, object]] = json.loads(result.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return dependencies if any("vulns" in dependency for dependency in dependencies) else None


def _judge(dependencies: list[dict[str, object]]) -> int:
    """Prints what is known against a requirement, and which could not be asked about."""
    affected = [dependency for dependency in dependencies if dependency.get("vulns")]
    for dependency in affected:
        sys.stdout.write(f"advisories: {json.dumps(dependency, indent=2)}\n")
    unknown = [str(dependency["name"]) for dependency in dependencies if "vulns" not in dependency]
    if unknown:
        sys.stdout.write(f"advisories: the index does not know {', '.join(unknown)}\n")
    sys.stdout.write(f"advisories: {len(dependencies)} requirements, {len(affected)} affected\n")
    return 1 if affected else 0


if __name__ == "__main__":
    sys.exit(main([file for file in sys.argv[1:] if Path(file).exists()]))
