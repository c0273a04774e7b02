"""Whom a TLS connection trusts, and what is wrong with one that could not be made."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.network import proxy_for

if TYPE_CHECKING:
    import httpx

_EXPIRED, _NOT_YET_VALID = 10, 9
_OTHER_NAME, _OTHER_ADDRESS = 62, 64
"""OpenSSL's numbers of what is wrong with a certificate: `X509_V_ERR_…` of `x509_vfy.h`."""

_SYSTEM = "/etc/ssl/certs/ca-certificates.crt"


class AuthoritiesUnreadable(OSError):  # noqa: N818 - reads as what happened
    """No connection can be prepared; `str()` names the variable and what to do."""


@cache
def usual_authorities() -> ssl.SSLContext:
    """The TLS context of every target: the usual authorities, or those of `SSL_CERT_FILE`.

    Made once; `read_again` adds to it.

    Raises:
        AuthoritiesUnreadable: `SSL_CERT_FILE` or `SSL_CERT_DIR` cannot be read.
    """
    import httpx  # noqa: PLC0415 - slow

    try:
        return httpx.create_ssl_context()
    except OSError as error:  # an error of TLS is one, too
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise AuthoritiesUnreadable(
            f"the trusted authorities, {authorities()}, cannot be read ({reason}): name a PEM file"
        ) from None


def read_again(error: BaseException) -> None:
    """After a refused certificate, trusts also what `SSL_CERT_FILE` has come to hold since it was read.

    The connections of a loop share one TLS context for as long as it runs. An authority that was removed from
    the file is trusted until the program is started again.
    """
    if not isinstance(_tls_error(error), ssl.SSLCertVerificationError):
        return
    file, folder = (os.environ.get(name) or None for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    if file or folder:
        with suppress(OSError):  # it is being replaced: the next attempt reads it
            usual_authorities().load_verify_locations(file, folder)


def authorities() -> str:
    """Which authorities are trusted, for a message."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if value := os.environ.get(variable):
            return f"those of {variable}={value}"
    return "those that come with this program (certifi)"


def tls_problem(error: BaseException, endpoint: httpx.URL) -> str | None:
    """What is wrong between this program and the endpoint's TLS, and what to do; None where it is not TLS.

    `error` is whatever ended the connection: the TLS error may be its cause.
    """
    cause = _tls_error(error)
    return None if cause is None else f"{_meaning(cause, endpoint.host)}{_through_proxy(endpoint)}"


def proxy_named(endpoint: httpx.URL) -> str | None:
    """The proxy between here and the endpoint, as `host:port of HTTPS_PROXY`, without its credentials."""
    proxy = proxy_for(endpoint.scheme, endpoint.host)
    if proxy is None:
        return None
    variables = (f"{endpoint.scheme}_proxy", "all_proxy")
    name = next((name for name in os.environ if name.lower() in variables and os.environ[name] == proxy), "")
    return f"{urlsplit(proxy).netloc.rpartition('@')[2] or 'a proxy'} of {name or 'the proxy settings'}"


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    cause: object = error
    while isinstance(cause, BaseException) and not isinstance(cause, ssl.SSLError):
        # httpcore keeps the error it wraps in its own
        cause = cause.__cause__ or next(iter(cause.args), None)
    return cause if isinstance(cause, ssl.SSLError) else None


def _meaning(error: ssl.SSLError, host: str) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        what = (error.reason or "no TLS").lower().replace("_", " ")
        return f"no TLS connection to {host} ({what}): check that the endpoint's port speaks TLS 1.2 or later"
    said = error.verify_message
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        return (
            f"the certificate of {host} does not hold now ({said}): check this machine's clock, or renew it"
        )
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return f"the certificate is for another name than {host} ({said}): correct the endpoint's host"
    return (
        f"the certificate of {host} is signed by an authority that is not trusted here ({said}); trusted are "
        f"{authorities()}. Set SSL_CERT_FILE to a PEM file that has the authority, such as {_SYSTEM} once it "
        "is installed in the system"
    )


def _through_proxy(endpoint: httpx.URL) -> str:
    proxy = proxy_named(endpoint)
    if proxy is None:
        return ""
    return (
        f"; the connection leads through the proxy {proxy}: one that opens TLS signs with an authority of "
        "its own, which SSL_CERT_FILE has to hold; NO_PROXY names the hosts that are reached without a proxy"
    )
