"""The script a user would write: pull, walk, parse, list, import what is not there, remember in a JSON file.

It is kept honest: it works, imports each model once as long as nothing dies, and is no slower than such a
script has to be (it imports in parallel, and lists in the largest pages). It has no error report with places,
no lock, no journal, no history, no answer to a lost answer.

python bench/naive.py --repo CLONE --url http://127.0.0.1:8322 --project P --state state.json
"""

# ruff: noqa: T201 - a script prints

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import git
import httpx
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_PAGE = 1000


class Model(BaseModel):
    """What a manifest must look like."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model_name: str = Field(min_length=1, max_length=64)
    model_version: str = Field(pattern=r"^\d{1,2}\.\d{1,2}\.\d{1,2}$")
    model_type: str
    source_location: str
    runtime: str | None = None
    description: str | None = Field(None, max_length=100)
    model_metrics: dict[str, float] | None = None
    dependencies: list[dict[str, Any]] = []
    metadata: dict[str, Any] | None = None

    def request(self) -> dict[str, Any]:
        """The import call's body."""
        body = self.model_dump(exclude={"metadata"}, exclude_none=True)
        if self.model_metrics:
            body["model_metrics"] = json.dumps(self.model_metrics)
        return body


def read(repository: Path) -> dict[str, dict[str, Any]]:
    """Pulls, and reads every manifest of the work tree: `name@version` to the request."""
    with git.Repo(repository) as repo:
        for remote in repo.remotes:
            remote.pull()
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(path for path in (repository / "models.d").rglob("*.*") if path.is_file()):
        try:
            model = Model(**yaml.safe_load(path.read_text("utf-8")))
        except (yaml.YAMLError, ValidationError, TypeError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            continue
        found[f"{model.model_name}@{model.model_version}"] = model.request()
    return found


def registered(client: httpx.Client, path: str) -> dict[str, str]:
    """Every model of the project: `name@version` to its id."""
    found: dict[str, str] = {}
    for number in range(10**6):
        answer = client.get(path, params={"limit": _PAGE, "offset": number, "order": "asc"})
        answer.raise_for_status()
        models = answer.json()["models"]
        found |= {f"{m['model_name']}@{m['model_version']}": m["model_id"] for m in models}
        if len(models) < _PAGE:
            break
    return found


def tick(repository: Path, client: httpx.Client, path: str, state_file: Path, workers: int) -> int:
    """One cycle; gives how many models it imported."""
    state = json.loads(state_file.read_text("utf-8")) if state_file.exists() else {}
    wanted, there = read(repository), registered(client, path)
    digests = {
        pair: hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        for pair, request in wanted.items()
    }
    for pair in wanted.keys() & there.keys() & state.keys():
        if state[pair]["digest"] != digests[pair]:
            print(f"{pair}: changed, and registered already", file=sys.stderr)

    def create(pair: str) -> str:
        answer = client.post(path, json=wanted[pair])
        answer.raise_for_status()
        return str(answer.json()["model_id"])

    new = sorted(wanted.keys() - there.keys())
    with ThreadPoolExecutor(workers) as pool:
        there |= dict(zip(new, pool.map(create, new), strict=True))
    known = {pair: {"model_id": there[pair], "digest": digests[pair]} for pair in sorted(wanted)}
    if known != state:
        temporary = state_file.with_suffix(".new")
        temporary.write_text(json.dumps(known), "utf-8")
        temporary.replace(state_file)
    return len(new)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repo", type=Path, required=True, help="a clone with a work tree")
    parser.add_argument("--url", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=32, help="import calls at once")
    parser.add_argument("--loop", action="store_true", help="a tick for each line of standard input")
    given = parser.parse_args()
    path = f"/v1/{given.project}/models"
    with httpx.Client(base_url=given.url, timeout=60) as client:
        for _ in sys.stdin if given.loop else (None,):
            started = time.monotonic()
            imported = tick(given.repo, client, path, given.state, given.workers)
            print(imported, time.monotonic() - started, flush=True)


if __name__ == "__main__":
    main()
