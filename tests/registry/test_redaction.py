"""A canary in each alphabet, echoed in each spelling: nothing of it is left."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from reconciler.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable

ALPHABETS = {
    "plain": "canary-of-plain-letters",
    "json": 'can"ary\\with\tsigns',
    "signs": "can+ary/with=signs&more%20",
    "latin": "canàry-très-secrète",
    "chinese": "金丝雀密码很长很长",
    "emoji": "canary-🐤-canary",
    "markup": "canary<b>'\"&amp;",
}

SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "json": lambda secret: json.dumps({"password": secret}),
    "json-utf8": lambda secret: json.dumps({"password": secret}, ensure_ascii=False),
    "json-in-json": lambda secret: json.dumps({"body": json.dumps({"password": secret})}),
    "json-slashes": lambda secret: json.dumps(secret).replace("/", r"\/"),
    "percent": lambda secret: quote(secret, safe=""),
    "percent-path": quote,
    "form": quote_plus,
    "percent-small": lambda secret: quote(secret, safe="").lower(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64-url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "basic": lambda secret: "Basic " + base64.b64encode(f"robot:{secret}".encode()).decode(),
    "basic-2": lambda secret: "Basic " + base64.b64encode(f"robots:{secret}\n".encode()).decode(),
    "header": lambda secret: secret.encode().decode("latin-1"),
    "html": html.escape,
    "repr": repr,
    "escapes": lambda secret: secret.encode("unicode_escape").decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_no_spelling_of_a_secret_is_left(alphabet: str, spelling: str) -> None:
    """Whatever a server echoes of a request, and however it writes it."""
    secret = ALPHABETS[alphabet]
    echoed = f"the request was {SPELLINGS[spelling](secret)}, which is refused"
    shown = redacted(echoed, ["another-secret", secret])
    assert "***" in shown
    assert shown.startswith("the request was ")
    assert shown.endswith(", which is refused")
    assert len(shown) < 100
    for part in (secret[:12], secret[-12:], SPELLINGS[spelling](secret)[-14:]):
        assert part not in shown or part in "\n==\"}'"


def test_a_text_without_secrets_stays_as_it_is() -> None:
    """Nor does an empty secret take anything away."""
    assert redacted("no secret is here", ["canary", ""]) == "no secret is here"
    assert redacted("no secret is here", []) == "no secret is here"
