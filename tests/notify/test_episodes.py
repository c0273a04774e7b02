"""A model that comes to need a human is one message to each sink, and one when it recovers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.contract.model_key import ModelKey
from reconciler.engine.episodes import HELD, Episode, Message, Subject, Subscription, outbox_update
from reconciler.engine.values import ModelState, Verdict
from reconciler.settings.tables import NotifySettings
from reconciler.settings.types import HeldVerdict
from tests.notify.samples import NOON, item

if TYPE_CHECKING:
    from reconciler.engine.episodes import Judged

ALL: Judged = {"prod": None}
ONCALL = Subscription("oncall")


def messages_after(
    *before: Message, items: list[ModelState], judged: Judged = ALL, to: Subscription = ONCALL
) -> list[Message]:
    """The messages of a report, after these messages."""
    episodes = [Episode(m.sink, m.subject, m.began, m.verdict) for m in before if m.verdict]
    return list(outbox_update(episodes, items, judged, [to], NOON).messages)


def test_a_model_that_fails_and_recovers_is_two_messages_of_one_episode() -> None:
    """With the verdict before and after, and ids that differ."""
    (bad,) = messages_after(items=[item(), item("other", Verdict.IN_SYNC)])
    assert (bad.kind, bad.subject.title, bad.verdict, bad.reason) == (
        *("attention", "mnist@1.0.0", Verdict.FAILED),
        "the registry says no",
    )
    assert messages_after(bad, items=[item()]) == []
    (good,) = messages_after(bad, items=[item(verdict=Verdict.IN_SYNC, minute=5)])
    assert (good.kind, good.verdict, good.was, good.began) == (
        *("recovered", Verdict.IN_SYNC, Verdict.FAILED),
        bad.began,
    )
    assert good.message_id != bad.message_id


def test_the_same_model_failing_again_later_is_another_episode() -> None:
    """Its id is another one; that of the same episode stays the same."""
    (first,), (again,) = messages_after(items=[item()]), messages_after(items=[item()])
    (later,) = messages_after(items=[item(minute=9)])
    assert first.message_id == again.message_id != later.message_id


def test_another_verdict_that_needs_a_human_is_another_message_and_no_recovery() -> None:
    """The message says what it was before."""
    (bad,) = messages_after(items=[item(verdict=Verdict.INVALID)])
    (other,) = messages_after(bad, items=[item(minute=3)])
    assert (other.kind, other.verdict, other.was) == ("attention", Verdict.FAILED, Verdict.INVALID)


@pytest.mark.parametrize("verdict", [Verdict.IMPORT, Verdict.PUBLISHING, Verdict.WAITING])
def test_a_model_that_is_on_its_way_has_not_recovered_yet(verdict: Verdict) -> None:
    """When it fails once more, that is another message; when it arrives, it has recovered."""
    (bad,) = messages_after(items=[item()])
    assert messages_after(bad, items=[item(verdict=verdict, minute=3)]) == []
    (again,) = messages_after(bad, items=[item(minute=5)])
    assert (again.kind, again.began > bad.began) == ("attention", True)
    (good,) = messages_after(again, items=[item(verdict=Verdict.IN_SYNC, minute=9)])
    assert (good.kind, good.began) == ("recovered", again.began)


def test_a_model_that_is_no_longer_declared_has_recovered() -> None:
    """It has no verdict then."""
    (bad,) = messages_after(items=[item()])
    (gone,) = messages_after(bad, items=[])
    assert (gone.kind, gone.verdict, gone.was) == ("recovered", None, Verdict.FAILED)


@pytest.mark.parametrize("judged", [{}, {"dev": None}, {"prod": [ModelKey("other", "1.0.0")]}])
def test_what_a_report_does_not_speak_of_stays_as_it_was(judged: Judged) -> None:
    """A target that failed, or a model that was not looked at, has not recovered."""
    (bad,) = messages_after(items=[item()])
    assert messages_after(bad, items=[], judged=judged) == []


def test_a_target_that_was_removed_or_that_the_sink_takes_no_more_has_recovered() -> None:
    """No report speaks of it again: an alert would go on for ever."""
    (bad,) = messages_after(items=[item()])
    (gone,) = messages_after(
        bad, items=[], judged={"dev": None}, to=Subscription("oncall", frozenset({"dev"}))
    )
    assert (gone.kind, gone.verdict, gone.was) == ("recovered", None, Verdict.FAILED)


def test_a_sink_that_is_new_hears_of_what_is_bad_already() -> None:
    """And one that was told hears nothing again."""
    (bad,) = messages_after(items=[item()])
    both = [ONCALL, Subscription("new")]
    episode = Episode("oncall", bad.subject, bad.began, Verdict.FAILED)
    assert [message.sink for message in outbox_update([episode], [item()], ALL, both, NOON).messages] == [
        "new"
    ]


@pytest.mark.parametrize(
    ("subscription", "hears"),
    [
        (Subscription("s"), ["a", "b"]),
        (Subscription("s", targets=frozenset({"dev"})), []),
        (Subscription("s", verdicts=frozenset({"drifted"})), ["b"]),
        (Subscription("s", models=("a*",)), ["a"]),
        (Subscription("s", models=("?@1.0.*", "x")), ["a", "b"]),
        (Subscription("s", models=("A", "a@2*")), []),
    ],
)
def test_a_sink_hears_of_its_targets_verdicts_and_names(subscription: Subscription, hears: list[str]) -> None:
    """Patterns are those of a shell, for a name or for name and version."""
    items = [item("a"), item("b", Verdict.DRIFTED)]
    assert [message.subject.model_name for message in messages_after(items=items, to=subscription)] == hears


def test_a_manifest_whose_name_is_not_known_is_told_by_its_file_to_everybody() -> None:
    """Nobody can say that it is somebody else's."""
    nameless = item(verdict=Verdict.INVALID)._replace(model_name=None, model_version=None)
    (bad,) = messages_after(items=[nameless], to=Subscription("s", models=("vision-*",)))
    assert bad.subject == Subject("prod", None, None, "models.d/mnist.yaml")
    assert bad.subject.title == "models.d/mnist.yaml"


def test_of_several_verdicts_on_one_model_one_is_told() -> None:
    """As of a model that one manifest declares well and another one wrongly."""
    items = [item(verdict=Verdict.INVALID), item(verdict=Verdict.CONFLICT), item(verdict=Verdict.IN_SYNC)]
    (bad,) = messages_after(items=items)
    assert bad.verdict is Verdict.CONFLICT
    assert messages_after(bad, items=items) == []


def test_a_sink_that_wants_one_verdict_hears_that_another_one_took_its_place() -> None:
    """Its episode has ended; what the verdict is now, it is told."""
    only = Subscription("oncall", verdicts=frozenset({"failed"}))
    (bad,) = messages_after(items=[item()], to=only)
    (other,) = messages_after(bad, items=[item(verdict=Verdict.DRIFTED)], to=only)
    assert (other.kind, other.verdict, other.was) == ("recovered", Verdict.DRIFTED, Verdict.FAILED)


def test_the_configuration_names_the_verdicts_that_need_a_human() -> None:
    """One list in the engine, one in the settings."""
    assert set(HeldVerdict.__args__) == set(HELD)  # type: ignore[attr-defined]
    assert "verdicts" in NotifySettings.model_fields
