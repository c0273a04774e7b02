"""Where a source lies: `source_location` as a place in the object store, a local path or an image. No I/O."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from reconciler.errors import ConfigurationError
from reconciler.network import is_address, is_loopback
from reconciler.preflight.package import NOT_EXAMINED, FilesUnavailable

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_DOMAIN = r"myhuaweicloud\.(?:com|cn|eu)|myhwclouds\.com|otc\.t-systems\.com"
_VENDOR_HOST = re.compile(
    rf"(?:(?P<bucket>[a-z0-9][a-z0-9.-]+)\.)?(?P<host>obs\.(?:(?P<region>[a-z0-9-]+)\.)?(?:{_DOMAIN}))"
)
_SERVICE_HOST = re.compile(r"modelarts\.(?P<rest>(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+)")
_REGION_OF_HOST = re.compile(r"obs\.(?P<region>[a-z0-9-]+)\.[a-z0-9-]+\..+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IMAGE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?"
    r"(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_LOCAL = ("/", "./", "../")
_ADDRESS = "preflight-address"
_FORMS = "write https://BUCKET.obs.REGION.myhuaweicloud.com/PATH or obs://BUCKET/PATH"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An object store's endpoint.

    Attributes:
        scheme: `https`; `http` only for this very machine.
        netloc: host with its port, where it has one.
        host: host alone, in small letters.
        region: what its name says, or None.
        by_path: whether the bucket stands in the path. The vendor takes it only as a part of the host since
            the end of 2023; a host that is this machine, or a number, has no names below it.
    """

    scheme: str
    netloc: str
    host: str
    region: str | None
    by_path: bool


@dataclass(frozen=True, slots=True)
class ObjectStoreKeys:
    """An access key of the object store; nothing of it is shown."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ObsPlace:
    """A path in a bucket.

    Attributes:
        prefix: without a slash at either end; empty for the whole bucket.
        host: the endpoint's host that the address names, or None.
        region: the region that the address names, or None.
    """

    bucket: str
    prefix: str
    host: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """A directory of this machine, as it was written."""

    path: str


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """The address of an image."""

    address: str


Place = ObsPlace | LocalPlace | ImagePlace


def parse_endpoint(text: str) -> Endpoint:
    """The endpoint that a setting gives, such as `https://obs.cn-north-4.myhuaweicloud.com`.

    Raises:
        ConfigurationError: it is not the base of an https address (http is for this very machine).
    """
    try:
        url = urlsplit(text.strip())
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise ConfigurationError("the object store's endpoint is not a URL: write https://host") from None
    if url.username is not None or url.password is not None:
        raise ConfigurationError("the object store's endpoint carries credentials: remove them")
    if url.scheme not in ("http", "https") or not host or url.path.strip("/") or url.query or url.fragment:
        raise ConfigurationError(
            f"the object store's endpoint of {len(text)} characters is no base: write https://host"
        )
    if url.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"the object store's endpoint {text[:200]!r} is not encrypted: write https (http is for loopback)"
        )
    named = _REGION_OF_HOST.fullmatch(host)
    return Endpoint(
        url.scheme,
        url.netloc,
        host,
        named["region"] if named else None,
        is_loopback(host) or is_address(host),
    )


def obs_endpoint(registry_endpoint: str) -> str | None:
    """The object store's endpoint of the region that a model service's endpoint names, or None.

    `https://modelarts.cn-north-4.myhuaweicloud.com` has `https://obs.cn-north-4.myhuaweicloud.com`.
    """
    try:
        host = urlsplit(registry_endpoint).hostname or ""
    except ValueError:
        return None
    match = _SERVICE_HOST.fullmatch(host)
    return f"https://obs.{match['rest']}" if match else None


def locate(source_location: str, endpoint: Endpoint | None = None) -> Place:
    """The place that a `source_location` names; nothing is looked up.

    The host of the endpoint that is in use is understood in an address too. Raises FilesUnavailable.
    """
    scheme, separator, rest = source_location.partition("://")
    if not separator:
        if source_location.startswith(_LOCAL):
            return LocalPlace(source_location)
        return ImagePlace(source_location)
    match scheme.lower():
        case "http" | "https":
            return _from_url(source_location, endpoint)
        case "obs":
            bucket, _, path = rest.partition("/")
            return ObsPlace(_bucket(bucket), _prefix(path))
        case "file":
            return _from_file_url(source_location)
    raise FilesUnavailable(_ADDRESS, f"{scheme[:20]!r} is no scheme of an object store; {_FORMS}")


def image_fault(address: str) -> str | None:
    """What is wrong with the form of an image's address, or None."""
    if "://" in address:
        return "an image's address has no scheme; write swr.REGION.myhuaweicloud.com/ORGANISATION/NAME:TAG"
    if not _IMAGE.fullmatch(address):
        return "is not an image's address such as swr.REGION.myhuaweicloud.com/ORGANISATION/NAME:TAG"
    return None


def _from_url(text: str, endpoint: Endpoint | None) -> ObsPlace:
    url = _split(text)
    host = (url.hostname or "").lower()
    if url.username is not None or url.password is not None:
        raise FilesUnavailable(_ADDRESS, "carries credentials; remove what stands before the @")
    if url.query or url.fragment:
        raise FilesUnavailable(_ADDRESS, "has a ? or a #, which an object store's path has not")
    path = _decoded(url.path).lstrip("/")
    bucket, is_known_host, region = _known_host(host, endpoint)
    if bucket is None:
        bucket, _, path = path.partition("/")
    return ObsPlace(_bucket(bucket), _prefix(path), is_known_host, region)


def _known_host(host: str, endpoint: Endpoint | None) -> tuple[str | None, str, str | None]:
    """The bucket in a host (None when it has none), the endpoint's host, and its region."""
    vendor = _VENDOR_HOST.fullmatch(host)
    if vendor:
        return vendor["bucket"], vendor["host"], vendor["region"]
    if endpoint and host == endpoint.host:
        return None, host, endpoint.region
    if endpoint and host.endswith(f".{endpoint.host}"):
        return host.removesuffix(f".{endpoint.host}"), endpoint.host, endpoint.region
    raise FilesUnavailable(
        NOT_EXAMINED,
        f"{host[:100]!r} is no known host of an object store; give its endpoint in the configuration "
        f"to have it examined, or {_FORMS}",
    )


def _from_file_url(text: str) -> LocalPlace:
    url = _split(text)
    if url.hostname not in (None, "", "localhost"):
        raise FilesUnavailable(_ADDRESS, "a file:// address has three slashes: file:///PATH")
    return LocalPlace(_decoded(url.path))


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise FilesUnavailable(_ADDRESS, f"is not a URL; {_FORMS}") from None
    return url


def _decoded(path: str) -> str:
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise FilesUnavailable(_ADDRESS, "its percent-encoding is not of UTF-8 text") from None


def _bucket(name: str) -> str:
    if not _BUCKET.fullmatch(name):
        why = f"{name[:80]!r} cannot be a bucket: 3 to 63 small letters, digits, - and ."
        raise FilesUnavailable(_ADDRESS, f"{why}; {_FORMS}")
    return name


def _prefix(path: str) -> str:
    prefix = path.strip("/")
    if prefix and (posixpath.normpath(prefix) != prefix or prefix.startswith("..")):
        raise FilesUnavailable(_ADDRESS, "has an empty part, a . or a .. between its slashes")
    return prefix
