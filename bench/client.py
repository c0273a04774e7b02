"""Measures the registry client alone: `python -m bench.client`.

Processor time and memory of this process, against a registry in another one that costs next to nothing
(`bench.answering`). Told is the least of several runs: other work on the machine only ever adds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.answering import answering
from reconciler.cli.tuning import spare_imports
from reconciler.contract.model_key import ModelKey
from reconciler.registry import AccessKeyAuth, Limits, ModelArtsRegistry, RegistryAuth, TokenAuth
from reconciler.secret import GivenSecret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_PLENTY = 10**6  # requests a second
_IN_FLIGHT = (8, 32, 128)
_DELAY = 0.1  # seconds
_USUAL = 32  # requests in flight
_IMPORTS = ("reconciler.registry", "reconciler.registry.transport")
_MODEL_ID = "00000001-7e4c-4b1d-9a53-000000000001"
_REQUEST = {
    "model_name": "model-0001",
    "model_version": "1.0.0",
    "model_type": "TensorFlow",
    "runtime": "python3.6",
    "source_location": "https://models.obs.cn-north-4.myhuaweicloud.com/model-0001",
    "model_metrics": '{"f1":0.52381,"recall":0.666667,"precision":0.466667,"accuracy":0.625}',
    "initial_config": "x" * 1000,
}
_CALLS: dict[str, Callable[[ModelArtsRegistry], Awaitable[Any]]] = {
    "create": lambda registry: registry.create(_REQUEST),
    "find": lambda registry: registry.find(ModelKey("model-0000", "1.0.0")),
    "detail": lambda registry: registry.detail(_MODEL_ID),
}
_AUTHS: dict[str, Callable[[], RegistryAuth]] = {
    "token": lambda: TokenAuth(GivenSecret("t" * 2000)),
    "AK/SK": lambda: AccessKeyAuth(GivenSecret("A" * 20), GivenSecret("s" * 40), project_id="bench"),
}


@dataclass(frozen=True, slots=True)
class Took:
    """What something took.

    Attributes:
        seconds: wall clock.
        cpu: processor seconds of this process.
        grown: MiB by which the most memory at once exceeded what there was before.
    """

    seconds: float
    cpu: float
    grown: float


@dataclass(frozen=True, slots=True)
class Load:
    """Calls of one kind, so many of them at once."""

    call: str
    auth: str
    in_flight: int
    count: int

    def registry(self, url: str) -> ModelArtsRegistry:
        """A client that nothing but the number in flight holds back."""
        limits = Limits(concurrency=self.in_flight, rate=_PLENTY, burst=_PLENTY)
        return ModelArtsRegistry(url, "bench", auth=_AUTHS[self.auth](), limits=limits)

    async def run(self, registry: ModelArtsRegistry) -> None:
        """Makes them all."""
        calls = iter(range(self.count))

        async def one_after_the_other() -> None:
            for _ in calls:
                await _CALLS[self.call](registry)

        await asyncio.gather(*(one_after_the_other() for _ in range(self.in_flight)))


async def _measured(
    registry: ModelArtsRegistry, use: Callable[[], Awaitable[Any]], *, before: Callable[[], Awaitable[Any]]
) -> Took:
    try:
        await before()  # connections are open afterwards, and modules loaded
        gc.collect()
        _forget_peak()
        memory, started, cpu = _memory("VmRSS"), time.monotonic(), time.process_time()
        await use()
        took = time.monotonic() - started, time.process_time() - cpu
        return Took(*took, _memory("VmHWM") - memory)
    finally:
        await registry.aclose()


def calling(url: str, load: Load) -> Took:
    """What the calls take once connections are open."""

    async def go() -> Took:
        registry = load.registry(url)
        return await _measured(registry, lambda: load.run(registry), before=lambda: load.run(registry))

    return asyncio.run(go())


def listing(url: str) -> Took:
    """What listing everything takes."""

    async def go() -> Took:
        registry = Load("list", "token", _USUAL, 1).registry(url)
        return await _measured(registry, registry.list_models, before=lambda: registry.detail(_MODEL_ID))

    return asyncio.run(go())


def importing(module: str, times: int) -> float:
    """Processor seconds of importing a module in a new process, beyond those of an empty one."""

    def spent(code: str) -> float:
        command = [sys.executable, "-c", f"{code}\nimport time; print(time.process_time())"]
        runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(times)]  # noqa: S603 - our own code
        return min(float(run.stdout) for run in runs)

    return spent(f"import {module}") - spent("")


def _memory(what: str) -> float:
    """A line of `/proc/self/status`, in MiB."""
    text = Path("/proc/self/status").read_text("ascii")
    return int(text.partition(f"{what}:")[2].split()[0]) / 1024


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # as Linux has it


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.client", description=__doc__)
    parser.add_argument("--models", type=int, default=100_000, help="models in the list")
    parser.add_argument("--calls", type=int, default=2000, help="calls in one go")
    parser.add_argument("--times", type=int, default=5, help="how often each is measured")
    parser.add_argument("--brief", action="store_true", help="only by token, and with the usual load")
    given = parser.parse_args()
    spare_imports()  # as the program does
    auths, loads = (("token",), (_USUAL,)) if given.brief else (tuple(_AUTHS), _IN_FLIGHT)
    _say("| what | processor time | wall clock | memory |\n| --- | ---: | ---: | ---: |")
    for delay in (0.0, _DELAY):
        with answering(models=given.models, delay=delay) as url:
            _tell_listing(f"{given.models:,} listed, pages after {delay:g} s", url, given.times)
    _say(
        "\n| calls | auth | in flight | processor time each | a second |\n| --- | --- | ---: | ---: | ---: |"
    )
    with answering(models=given.models) as url:
        for call, auth, in_flight in product(_CALLS, auths, loads):
            _tell_calls("", url, Load(call, auth, in_flight, given.calls), given.times)
    with answering(delay=_DELAY) as url:
        _tell_calls(f", answers after {_DELAY:g} s", url, Load("create", "token", _USUAL, given.calls), 1)
    _say("\n| import | processor time |\n| --- | ---: |")
    for module in _IMPORTS:
        _say(f"| `{module}` | {importing(module, given.times) * 1000:.0f} ms |")


def _tell_listing(what: str, url: str, times: int) -> None:
    each = [listing(url) for _ in range(times)]
    cpu, seconds = min(took.cpu for took in each), min(took.seconds for took in each)
    grown = max(took.grown for took in each)  # later runs find memory that earlier ones have left
    _say(f"| {what} | {cpu:.2f} s | {seconds:.2f} s | {grown:+.0f} MiB |")


def _tell_calls(how: str, url: str, load: Load, times: int) -> None:
    each = [calling(url, load) for _ in range(times)]
    cpu = min(took.cpu for took in each) / load.count * 1000
    rate = load.count / min(took.seconds for took in each)
    _say(f"| `{load.call}`{how} | {load.auth} | {load.in_flight} | {cpu:.2f} ms | {rate:.0f} |")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
