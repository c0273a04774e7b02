from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import Event, EventKind
from reconciler.views import as_json, history
from reconciler.views.history import Declaration
from tests.views.samples import DECLARED, EVENTS, event, touch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.views.history import HistoryRow

MNIST = ModelKey("mnist", "1.0.0")
ADDED = touch("a" * 40, 0)
CHANGED = touch("c" * 40, 30, subject="Describe mnist")
DECLARATION = Declaration("local", MNIST, (CHANGED, ADDED))


def joined(*events: Event, models: tuple[Declaration, ...] = (DECLARATION,)) -> list[tuple[str, list[str]]]:
    """First letter of each row's commit (`-` for none), with the words of its events."""
    return [
        (row.commit[0] if row.commit else "-", [event.kind.value for event in row.events])
        for row in history.rows(models, events)
    ]


def _objects(rows: Iterable[HistoryRow]) -> list[dict[str, Any]]:
    """What JSON tells of the rows; laid out as every other object is."""
    printed = "".join(as_json.list_pieces(history.json_texts(rows)))
    objects: list[dict[str, Any]] = json.loads(printed)
    assert printed == as_json.dumps(objects) + "\n"
    return objects


def test_an_event_stands_with_the_commit_it_names() -> None:
    """Also when a newer commit had been made by then."""
    assert joined(event(EventKind.IMPORTED, 45, commit="a" * 40)) == [("c", []), ("a", ["imported"])]


def test_an_event_of_another_commit_stands_alone_with_it() -> None:
    """Never under a commit that did not cause it; as far as times tell, in its place."""
    assert joined(event(EventKind.PUBLISHED, 10, commit="f" * 40)) == [
        ("c", []),
        ("f", ["published"]),
        ("a", []),
    ]
    assert joined(event(EventKind.ADOPTED, -5, commit="f" * 40))[-1] == ("f", ["adopted"])


def test_an_event_without_a_commit_stands_alone() -> None:
    """No event is ever lost."""
    assert joined(event(EventKind.PUBLISHED, 30)) == [("-", ["published"]), ("c", []), ("a", [])]


def test_what_is_known_of_a_commit_that_the_branch_lost_is_told() -> None:
    """The journal's path and author; the rest is unknown, unless the branch has the commit."""
    lost = event(
        EventKind.IMPORTED, 10, commit="f" * 40, path="models.d/x.yaml", author="Ben <b@example.org>"
    )
    (row,) = _objects(history.rows((), [lost]))
    assert [row[key] for key in ("path", "commit", "author", "authored_at", "subject")] == [
        "models.d/x.yaml",
        "f" * 40,
        "Ben <b@example.org>",
        None,
        None,
    ]
    output = "".join(history.text(history.rows((), [lost])))
    assert "  ffffffffffff  not in the branch  Ben <b@example.org>  models.d/x.yaml\n" in output
    there = touch("f" * 40, 5, subject="Elsewhere").commit_info
    (row,) = _objects(history.rows((), [lost], {"f" * 40: there}))
    assert (row["path"], row["subject"]) == ("models.d/x.yaml", "Elsewhere")


def test_an_event_stands_with_the_file_it_speaks_of() -> None:
    """Where one commit declared the model in two files."""
    changes = (touch("a" * 40, 0, "models.d/x.yaml"), touch("a" * 40, 0, "models.d/y.yaml"))
    happened = event(EventKind.IMPORTED, 1, commit="a" * 40, path="models.d/y.yaml")
    rows = history.rows([Declaration("local", MNIST, changes)], [happened])
    assert [(row.path, len(row.events)) for row in rows] == [("models.d/x.yaml", 0), ("models.d/y.yaml", 1)]


def test_events_stand_oldest_first() -> None:
    """A story is told from its beginning."""
    story = [
        event(EventKind.PUBLISHED, 3, commit="a" * 40),
        event(EventKind.IMPORTED, 2, commit="a" * 40),
        event(EventKind.IMPORT_REQUESTED, 1, commit="a" * 40),
    ]
    assert joined(*story, models=(Declaration("local", MNIST, (ADDED,)),)) == [
        ("a", ["import-requested", "imported", "published"])
    ]


def test_a_model_that_git_no_longer_declares_keeps_its_story() -> None:
    """One row whose git fields are null."""
    (row,) = _objects(history.rows((), [event(EventKind.IMPORTED, 1, model_id="id-1")]))
    assert row["model_name"] == "mnist"
    assert [row[key] for key in ("path", "commit", "author", "authored_at", "subject")] == [None] * 5
    assert row["events"][0]["model_id"] == "id-1"


def test_a_declared_model_that_was_never_imported_has_its_commits() -> None:
    """Commits without events are rows too."""
    assert joined() == [("c", []), ("a", [])]


def test_rows_are_sorted_by_target_name_and_version_as_numbers() -> None:
    """1.10.0 stands after 1.9.0."""
    pairs = [
        ("local", ModelKey("b", "1.10.0")),
        ("local", ModelKey("b", "1.9.0")),
        ("local", ModelKey("a", "2.0.0")),
    ]
    models = [
        Declaration(target, pair, (ADDED,)) for target, pair in [("prod", ModelKey("a", "1.0.0")), *pairs]
    ]
    assert [(row.target, *row.pair) for row in history.rows(models, ())] == [
        ("local", "a", "2.0.0"),
        ("local", "b", "1.9.0"),
        ("local", "b", "1.10.0"),
        ("prod", "a", "1.0.0"),
    ]


def test_a_row_in_json_is_the_promised_object() -> None:
    """Every key of DESIGN section 6, and no other."""
    happened = event(EventKind.IMPORTED, 1, commit="a" * 40, model_id="id-1", request_id="req-1")
    change = touch("a" * 40, 0, path="models.d/old.yaml")
    assert (_objects(history.rows([Declaration("local", MNIST, (change,))], [happened]))) == [
        {
            "target": "local",
            "model_name": "mnist",
            "model_version": "1.0.0",
            "path": "models.d/old.yaml",
            "commit": "a" * 40,
            "author": "Ada <ada@example.org>",
            "authored_at": "2026-11-23T12:00:00+00:00",
            "subject": "Add mnist",
            "events": [
                {
                    "at": "2026-11-23T12:01:00+00:00",
                    "event": "imported",
                    "cycle_id": "cycle-1",
                    "commit": "a" * 40,
                    "model_id": "id-1",
                    "request_id": "req-1",
                    "detail": None,
                }
            ],
        }
    ]


def test_the_text_has_a_heading_a_model_a_line_a_commit_and_a_line_an_event() -> None:
    """What a person reads."""
    story = [
        event(EventKind.IMPORTED, 1, commit="a" * 40, model_id="id-1", request_id="req-1"),
        event(EventKind.DRIFTED, 31, commit="c" * 40, detail="description"),
    ]
    assert "".join(history.text(history.rows([DECLARATION], story))) == (
        "mnist@1.0.0  (local)\n"
        "  cccccccccccc  2026-11-23T12:30:00Z  Ada <ada@example.org>  models.d/mnist.yaml  Describe mnist\n"
        "      2026-11-23T12:31:00Z  drifted           cycle cycle-1  "
        "registered with other content: description\n"
        "  aaaaaaaaaaaa  2026-11-23T12:00:00Z  Ada <ada@example.org>  models.d/mnist.yaml  Add mnist\n"
        "      2026-11-23T12:01:00Z  imported          id id-1  request req-1  cycle cycle-1\n"
    )


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("apis[0].url, description", "registered with other content: apis[0].url, description"),
        ("", "registered with other content: in fields that the registry does not show"),
        ("registered with other content: description", "registered with other content: description"),
        (None, None),
    ],
)
def test_a_drift_is_told_in_words_made_of_the_fields_in_the_journal(
    stored: str | None, expected: str | None
) -> None:
    """The journal holds names of fields; an earlier one the sentence."""
    drifted = event(EventKind.DRIFTED, 31, commit="c" * 40, detail=stored)
    row, _ = _objects(history.rows([DECLARATION], [drifted]))
    assert row["events"][0]["detail"] == expected


def test_a_story_without_commits_says_why() -> None:
    """A model may have left git."""
    output = "".join(history.text(history.rows((), [event(EventKind.IMPORTED, 1)])))
    assert "(no commit is known)" in output


def test_no_history_is_no_text() -> None:
    """Not even a line break."""
    assert list(history.text(())) == []


@given(st.lists(DECLARED, max_size=4, unique_by=lambda d: (d.target, d.pair)), st.lists(EVENTS, max_size=6))
def test_the_join_loses_and_repeats_nothing(models: list[Declaration], events: list[Event]) -> None:
    """Each event is in exactly one row of its model, and each commit of a model is a row."""
    rows = history.rows(models, events)
    attached = [e for row in rows for e in row.events]
    assert sorted(map(id, attached)) == sorted(map(id, events))
    assert all((e.target, e.pair) == (r.target, r.pair) for r in rows for e in r.events)
    assert len(rows) >= sum(len(model.changes) for model in models)
