"""Files in a bucket, through the object store's S3-compatible API: the only module that knows its client.

Reading only: lists of objects and their content, signed with signature version 4. A refusal is told and
never tried again, a redirect never followed, and nothing of an answer but its error code is shown, because
a store repeats keys and tokens in its errors.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.error import MinioException, S3Error, ServerError
from urllib3 import PoolManager, ProxyManager, Retry, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError
from urllib3.exceptions import TimeoutError as TransportTimeout

from reconciler.network import proxy_for
from reconciler.preflight.package import FilesUnavailable, StoredFile, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from urllib3 import BaseHTTPResponse

    from reconciler.preflight.address import Endpoint, ObjectStoreKeys, ObsPlace

MOST_REQUESTS = 60
"""Requests for one source; a list that goes on after that many pages is going in circles."""

_FAULTS = (MinioException, HTTPError, ParseError, ValueError, OSError)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,63}")
_STATUS = re.compile(r"Response code: ([0-9]{3})\b")
_CODE_IN_BODY = re.compile(r"<Code>([A-Za-z.0-9]{1,64})</Code>")
_OF_THE_SERVER = (500, 502, 503, 504)
_ATTEMPTS = 3  # times that a request is sent at most, after a lost connection or an error of the store
_UNKNOWN_REGION = "us-east-1"
"""What a signature names where nobody names a region, as every client does."""

_REMEDIES = {
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret key is not the access key's",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "ExpiredToken": "the security token has run out; get a new one",
    "InvalidToken": "the security token is not the access key's",
}
_PERMISSIONS = "the key needs the permissions to list the bucket and to read objects"
_WITHOUT_KEY = "there is no key to ask with; give the target an access key (method aksk)"
_MISSING = {"NoSuchBucket": "there is no such bucket", "NoSuchKey": "there is no such object"}


class _TooManyRequestsError(OSError):
    """The budget of requests is spent."""


class _Careful(PoolManager):
    """Counts what is asked for, and follows no redirect: it would carry a security token elsewhere."""

    _left = MOST_REQUESTS

    def urlopen(  # type: ignore[override]  # as PoolManager's own
        self,
        method: str,
        url: str,
        redirect: bool = False,  # noqa: ARG002 - never, whatever is asked for
        **rest: Any,  # noqa: ANN401 - handed on
    ) -> BaseHTTPResponse:
        """One request with its repetitions."""
        self._left -= 1
        if self._left < 0:
            raise _TooManyRequestsError
        return super().urlopen(method, url, redirect=False, **rest)


class _CarefulByProxy(_Careful, ProxyManager):
    """The same, through a proxy."""


class ObsFiles:
    """The objects below one prefix of a bucket."""

    def __init__(
        self,
        endpoint: Endpoint,
        place: ObsPlace,
        credentials: ObjectStoreKeys | None,
        *,
        timeout: float = 10.0,
    ) -> None:
        """A client that has not asked anything yet.

        Without credentials it reads what anyone may read. `timeout`: seconds for a connection, and for each
        pause in an answer.

        Raises:
            ConfigurationError: the environment's proxy cannot be used.
        """
        self._bucket = place.bucket
        self._root = f"{place.prefix}/" if place.prefix else ""
        self._host = endpoint.host
        self._anonymous = credentials is None
        self._timeout = timeout
        self._http = _pool(endpoint, timeout)
        self._client = Minio(
            endpoint.netloc,
            access_key=credentials.access_key if credentials else None,
            secret_key=credentials.secret_key if credentials else None,
            session_token=credentials.security_token if credentials else None,
            secure=endpoint.scheme == "https",
            region=endpoint.region or _UNKNOWN_REGION,
            http_client=self._http,
        )
        style = "disable" if endpoint.by_path else "enable"
        getattr(self._client, f"{style}_virtual_style_endpoint")()

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """The objects whose keys begin with `prefix`, page by page.

        The marks of empty directories, whose keys end with a slash, are left out. The older of the two list
        calls is used: the vendor documents it everywhere, and its newer one was seen to stop after a page.
        """
        try:
            answer = self._client.list_objects(
                self._bucket, prefix=f"{self._root}{prefix}", recursive=True, use_api_v1=True
            )
            for item in answer:
                key = item.object_name or ""
                if key.startswith(self._root) and not key.endswith("/"):
                    yield StoredFile(key.removeprefix(self._root), item.size or 0)
        except _FAULTS as error:
            raise self._unavailable(error, "") from None

    def read(self, key: str, limit: int) -> bytes:
        """The first bytes of an object."""
        try:
            response = self._client.get_object(self._bucket, f"{self._root}{key}")
            try:
                return bytes(response.read(limit))
            finally:
                response.close()
                response.release_conn()
        except _FAULTS as error:
            raise self._unavailable(error, f"{shown(key)}: ") from None

    def close(self) -> None:
        """Closes the connections."""
        self._http.clear()

    def _unavailable(self, error: Exception, what: str) -> FilesUnavailable:
        """What went wrong, in words that hold nothing of the store's own."""
        if isinstance(error, MinioException):
            return _refused(*_answered(error), what, anonymous=self._anonymous)
        return FilesUnavailable("preflight-unavailable", f"{what}{self._unanswered(error)}")

    def _unanswered(self, error: Exception) -> str:
        if isinstance(error, _TooManyRequestsError):
            return f"the list did not end after {MOST_REQUESTS} pages"
        if isinstance(error, ParseError | ValueError):
            return f"{self._host} did not answer as an object store does; check the endpoint"
        cause = error.reason if isinstance(error, MaxRetryError) else error
        if isinstance(cause, TransportTimeout) and not isinstance(cause, NewConnectionError):
            return f"{self._host} did not answer within {self._timeout:g} s"
        why = type(cause).__name__.removesuffix("Error")
        return f"{self._host} cannot be reached ({why}); check its name, network and proxy"


def _pool(endpoint: Endpoint, timeout: float) -> _Careful:
    settings: dict[str, Any] = {
        "timeout": Timeout(connect=timeout, read=timeout),
        "cert_reqs": "CERT_REQUIRED",
        "retries": Retry(
            total=_ATTEMPTS - 1,
            redirect=False,
            status_forcelist=_OF_THE_SERVER,
            raise_on_status=False,
            backoff_factor=0.1,
            respect_retry_after_header=False,
        ),
    }
    proxy = None if endpoint.by_path else proxy_for(endpoint.scheme, endpoint.host)
    if proxy is None:
        return _Careful(**settings)
    user = unquote(urlsplit(proxy).netloc.rpartition("@")[0])
    headers = {"proxy-authorization": f"Basic {b64encode(user.encode()).decode()}"} if user else None
    return _CarefulByProxy(proxy, proxy_headers=headers, **settings)


def _refused(code: str, status: int, what: str, *, anonymous: bool) -> FilesUnavailable:
    said = f"HTTP {status} {code}".rstrip()
    if code in _MISSING:
        return FilesUnavailable("preflight-source-missing", f"{what}{_MISSING[code]} ({said})")
    if status in (401, 403) or code in _REMEDIES or (anonymous and status == 400):  # noqa: PLR2004 - a bad request
        remedy = _WITHOUT_KEY if anonymous else _REMEDIES.get(code, _PERMISSIONS)
        return FilesUnavailable(
            "preflight-denied", f"{what}the object store refused access ({said}): {remedy}"
        )
    why = f"{what}the object store answered with an error ({said})"
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        why = f"{what}the object store sent us elsewhere ({said}), which is not followed"
        why = f"{why}: is the bucket in another region?"
    return FilesUnavailable("preflight-unavailable", why)


def _answered(error: MinioException) -> tuple[str, int]:
    """The store's own code, or an empty text where it gives none that is one, and the HTTP status."""
    if isinstance(error, S3Error):
        return _word(error.code), error.response.status
    if isinstance(error, ServerError):
        return "", error.status_code
    text = str(error)
    status, code = _STATUS.search(text), _CODE_IN_BODY.search(text)
    return _word(code[1] if code else None), int(status[1]) if status else 0


def _word(code: str | None) -> str:
    return code if code and _CODE.fullmatch(code) else ""
