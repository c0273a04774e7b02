"""From a source's address to its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.preflight.address import ImagePlace, LocalPlace, locate, parse_endpoint
from reconciler.preflight.local import local_files
from reconciler.preflight.values import NOT_EXAMINED, FilesUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.preflight.address import Endpoint, ObsPlace
    from reconciler.preflight.obs import ObsFiles
    from reconciler.preflight.values import ModelFiles, ObjectStoreKeys


def open_files(
    source_location: str,
    *,
    credentials: Callable[[], ObjectStoreKeys | None] | None = None,
    endpoint: str | None = None,
    local: Path | None = None,
) -> ModelFiles | None:
    """Reading access to what lies at a source; nothing is asked of the store yet.

    Since anyone who may commit a manifest chooses the address, a key is only ever sent to `endpoint`, or,
    where none is given, to the vendor's own hosts, and local paths are only read below `local`. `credentials`
    is asked when a store is; without a key only what anyone may read can be read. An `endpoint` is needed
    where an address names no region.

    Returns:
        The files, to be closed by the caller; None when the address is that of an image.

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
    return _obs_files(place, service or _endpoint_of(place), credentials)


def _endpoint_of(place: ObsPlace) -> Endpoint:
    if place.host is None or place.region is None:
        raise FilesUnavailable(
            NOT_EXAMINED,
            "names no region; give the object store's endpoint in the configuration to have it examined",
        )
    return parse_endpoint(f"https://{place.host}")


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
