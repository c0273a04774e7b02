"""What the text of a secret has to be like, wherever it is given: in the file or elsewhere. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from reconciler.network import is_loopback

_SHORTEST_TOKEN = 16  # characters
_MOST_TOKENS = 2  # the one in use and the next one


def page_tokens_of(text: str) -> list[str]:
    """The tokens that a text holds, one a line.

    Raises:
        ValueError: there is none, or one is short enough to be guessed, or there are more than two.
    """
    tokens = text.split()
    if not tokens or any(len(token) < _SHORTEST_TOKEN for token in tokens):
        raise ValueError(
            f"there is none, or one of less than {_SHORTEST_TOKEN} characters: give a long random one, such "
            "as `openssl rand -hex 32` prints"
        )
    if len(tokens) > _MOST_TOKENS:
        raise ValueError(
            f"there are {len(tokens)}: give {_MOST_TOKENS} at most, the one in use and the next one"
        )
    return tokens


def sink_url_fault(kind: str, text: str) -> str | None:
    """What is wrong with the URL of a sink of this kind, in words that repeat nothing of it.

    Apprise alone knows what is a URL of its own. Alertmanager may be asked by http, but for credentials.
    """
    if kind == "apprise":
        return None
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or len(text.split()) > 1 or parts.scheme not in ("http", "https"):
        return "is no address of a web server: write https://host/path"
    in_clear = kind == "alertmanager" and "@" not in text
    if parts.scheme == "http" and not (in_clear or is_loopback(host)):
        return "would be sent unencrypted: write https (http is for loopback)"
    return None
