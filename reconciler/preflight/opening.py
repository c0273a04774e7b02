"""From a source's address to its files.

In a directory of this machine links are never followed, and only ordinary files are read.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.preflight.address import ImagePlace, LocalPlace, locate, parse_endpoint
from reconciler.preflight.package import NOT_EXAMINED, FilesUnavailable, StoredFile, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from reconciler.preflight.address import Endpoint, ObjectStoreKeys, ObsPlace
    from reconciler.preflight.obs import ObsFiles
    from reconciler.preflight.package import ModelFiles


def open_files(
    source_location: str,
    *,
    credentials: Callable[[], ObjectStoreKeys | None] | None = None,
    endpoint: str | None = None,
    local: Path | None = None,
) -> ModelFiles | None:
    """Reading access to what lies at a source, or None for an image; nothing is asked of the store yet.

    Since anyone who may commit a manifest chooses the address, a key is only ever sent to `endpoint`, or,
    where none is given, to the vendor's own hosts, and local paths are only read below `local`. `credentials`
    is asked when a store is; without a key only what anyone may read can be read. An `endpoint` is needed
    where an address names no region.

    Raises:
        FilesUnavailable: the address is not understood, or must not be read.
        ConfigurationError: the endpoint or the credentials are wrong, or the extra `obs` is not installed.
    """
    service = parse_endpoint(endpoint) if endpoint else None
    place = locate(source_location, service)
    if isinstance(place, ImagePlace):
        return None
    if isinstance(place, LocalPlace):
        return local_files(place.path, local)
    if service is None:
        if place.host is None or place.region is None:
            why = "names no region; give the object store's endpoint in the configuration to have it examined"
            raise FilesUnavailable(NOT_EXAMINED, why)
        service = parse_endpoint(f"https://{place.host}")
    return _obs_files(place, service, credentials)


def _obs_files(
    place: ObsPlace, endpoint: Endpoint, credentials: Callable[[], ObjectStoreKeys | None] | None
) -> ObsFiles:
    if place.region and endpoint.region and place.region != endpoint.region:
        raise FilesUnavailable(
            "preflight-region",
            f"lies in {place.region}, and the models are registered in {endpoint.region}: "
            "the service takes a model only from a bucket of its own region",
        )
    try:
        from reconciler.preflight.obs import ObsFiles  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise ConfigurationError(
            "looking into an object store needs the extra `obs`: pip install 'model-reconciler[obs]'"
        ) from None
    return ObsFiles(endpoint, place, credentials() if credentials else None)


_HOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LocalFiles:
    """The files below one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """The ordinary files below the directory `prefix` of the root; none where there is no such one."""
        try:
            self._directory(self._root)
        except OSError as error:
            raise _unavailable(error, "") from None
        yield from self._below(prefix)

    def read(self, key: str, limit: int) -> bytes:
        """The first bytes of an ordinary file."""
        try:
            descriptor = os.open(self._root / key, _HOW)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise FilesUnavailable("preflight-unavailable", f"{shown(key)} is no ordinary file")
            with open(descriptor, "rb") as file:  # noqa: PTH123 - by descriptor, so that no link is followed
                return file.read(limit)
        except OSError as error:
            raise _unavailable(error, key) from None

    def close(self) -> None:
        """Nothing is held."""

    def _below(self, prefix: str) -> Iterator[StoredFile]:
        waiting = [prefix]
        while waiting:
            directory = waiting.pop()
            for entry in self._directory_or_nothing(directory):
                key = f"{directory}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{key}/")
                elif entry.is_file(follow_symlinks=False):
                    yield StoredFile(key, entry.stat(follow_symlinks=False).st_size)

    def _directory_or_nothing(self, directory: str) -> Sequence[os.DirEntry[str]]:
        path = self._root / directory
        try:
            return [] if path.is_symlink() else self._directory(path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unavailable(error, directory) from None

    @staticmethod
    def _directory(path: Path) -> Sequence[os.DirEntry[str]]:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)


def local_files(path: str, allowed: Path | None) -> LocalFiles:
    """The files of a local source.

    A relative path starts at `allowed`, the directory that it must lie in. Without one no local source is
    read: a manifest comes from whoever may commit, and the file system does not. Raises FilesUnavailable.
    """
    if allowed is None:
        raise FilesUnavailable(
            NOT_EXAMINED,
            "is a path of some machine, which is not read here; name a bucket, or allow a local directory",
        )
    try:
        base = allowed.resolve()
        root = (base / path).resolve()
    except (OSError, RuntimeError, ValueError):
        raise FilesUnavailable("preflight-address", "is not a path of this machine") from None
    if not root.is_relative_to(base):
        raise FilesUnavailable(NOT_EXAMINED, f"lies outside {shown(str(base))}, and so is not read")
    return LocalFiles(root)


def _unavailable(error: OSError, key: str) -> FilesUnavailable:
    what = f"{shown(key)}: " if key else ""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FilesUnavailable("preflight-source-missing", f"{what}there is no such file or directory")
    if isinstance(error, PermissionError):
        return FilesUnavailable("preflight-denied", f"{what}may not be read: change its permissions")
    reason = error.strerror or type(error).__name__
    return FilesUnavailable("preflight-unavailable", f"{what}cannot be read: {reason}")
