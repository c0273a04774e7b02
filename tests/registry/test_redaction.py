"""A canary in each alphabet, echoed in each spelling: nothing of it is left."""

from __future__ import annotations

import pytest

from reconciler.redaction import redacted, remember, shown_name, unexpected
from tests.canaries.spelling import SPELLINGS

ALPHABETS = {
    "plain": "canary-of-plain-letters",
    "json": 'can"ary\\with\tsigns',
    "signs": "can+ary/with=signs&more%20",
    "latin": "canàry-très-secrète",
    "chinese": "金丝雀密码很长很长",
    "emoji": "canary-🐤-canary",
    "markup": "canary<b>'\"&amp;",
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


def test_a_secret_that_was_escaped_twice_or_misread_is_found_too() -> None:
    """As where a library represents the body of a request, or git reads UTF-8 as Latin-1."""
    secret = f"canary\"\\'{ALPHABETS['chinese']}canary"
    for once in (write for name, write in SPELLINGS.items() if name != "json-in-json"):
        for again in (repr, lambda text: text.encode().decode("latin-1"), SPELLINGS["json"]):
            assert "canary" not in redacted(again(once(secret)), [secret])


def test_what_a_library_says_is_told_without_what_was_read() -> None:
    """A short secret is left where it is: it would take other words apart."""
    remember("canary-of-this-process")
    remember("error")
    message = unexpected(RuntimeError("an error of canary-of-this-process"))
    assert message == "unexpected RuntimeError: an error of ***"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("REGISTRY_TOKEN", "REGISTRY_TOKEN"),
        ("/run/secrets/sk-2", "/run/secrets/sk-2"),
        ("hCk8Zq2LxWm5TnRv7YdB3sPf", "of a name of 24 characters"),
    ],
)
def test_a_name_that_may_be_a_secret_is_told_by_its_length(name: str, shown: str) -> None:
    """Names consist of words."""
    assert shown_name(name) == shown
