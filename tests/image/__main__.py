"""Builds the image and tries it; says what is missing where that is not possible, and ends with 0 then."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

from tests.image.buildah import CACHE, Buildah, MissingError
from tests.image.building import IMAGE, build

_NEW_NETWORK = ("unshare", "--net")


def main() -> int:
    """Exit code 1 is a fault of the Dockerfile, or of the program in the image."""
    try:
        _require_tools()
        CACHE.mkdir(mode=0o700, exist_ok=True)
        buildah = Buildah()
        began = time.monotonic()
        build(buildah)
    except MissingError as error:
        return _say(f"image: skipped: {error}")
    except subprocess.CalledProcessError as error:
        return _say(f"image: the build failed\n{error.stdout}{error.stderr}", 1)
    try:
        (image,) = json.loads(buildah("images", "--json", IMAGE))
        _say(f"image: {image['size']}, built in {time.monotonic() - began:.0f} s")
        return subprocess.run(
            [*_NEW_NETWORK, sys.executable, "-m", "tests.image.trial"], check=False
        ).returncode
    finally:
        buildah("rmi", IMAGE)


def _require_tools() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise MissingError("this needs Linux, and root")
    if shutil.which("buildah") is None:
        raise MissingError("buildah is not installed: Debian's package buildah")
    if subprocess.run([*_NEW_NETWORK, "true"], capture_output=True, check=False).returncode:
        raise MissingError("a network of its own is not allowed here")


def _say(line: str, code: int = 0) -> int:
    print(line, flush=True)  # noqa: T201 - the program's result
    return code


if __name__ == "__main__":
    sys.exit(main())
