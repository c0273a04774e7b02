"""A page of very many models, against the same asked of a plain list."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.listing import ATTENTION_ORDER, ListingQuery, Sorting, VerdictTable, matrix_rows
from reconciler.engine.values import ModelState, Verdict
from reconciler.manifest.values import Reason
from tests.effort import examples

_NAMES = st.sampled_from(["mnist", "resnet", "Wörter", "手写", None])
_ITEMS = st.builds(
    ModelState,
    st.sampled_from(["staging", "prod"]),
    st.sampled_from(Verdict),
    _NAMES,
    st.sampled_from(["1.0.0", "1.9.0", "1.10.0", None]),
    st.sampled_from(["models.d/a.yaml", None]),
    author=st.sampled_from(["Ada <ada@example.org>", "Grace", None]),
    model_id=st.sampled_from(["id-1", None]),
    reasons=st.sampled_from([(), (Reason("http-503", "the registry is BUSY"),)]),
)
_QUERIES = st.builds(
    ListingQuery,
    st.sampled_from(["", "MNIST", "mnist@1.9", "busy ada", "wörter", "手", "http-503", "id-1", "nothing"]),
    st.frozensets(st.sampled_from(Verdict), max_size=2),
    st.sampled_from(["", "prod"]),
    st.sampled_from(Sorting),
    st.booleans(),
    st.integers(0, 5),
    st.integers(1, 5),
)


def _matches(item: ModelState, text: str) -> bool:
    fields = [
        item.title,
        item.path,
        item.author,
        item.model_id,
        *(f"{r.code} {r.message}" for r in item.reasons),
    ]
    words = "\n".join(filter(None, fields)).casefold()
    return all(word in words for word in text.casefold().split())


@settings(max_examples=examples(200))
@given(st.lists(_ITEMS, max_size=12), _QUERIES)
def test_a_page_has_what_matches_and_numbers_tell_of_all(
    items: list[ModelState], query: ListingQuery
) -> None:
    """Every model that matches is on exactly one page, and the numbers are those of the search."""
    numbered = dict(enumerate(items, 1))
    table = VerdictTable(frozenset({"staging", "prod"}))
    table.add(numbered.items())
    selected = table.select(query)
    searched = [item for item in items if _matches(item, query.text)]
    expected = [
        item
        for item in searched
        if query.target in ("", item.target) and (not query.verdicts or item.verdict in query.verdicts)
    ]
    assert selected.matching == len(expected)
    assert sum(selected.groups.values()) == len(searched)
    whole = ListingQuery(query.text, query.verdicts, query.target, query.sorting, query.descending, 0, 99)
    every = list(table.select(whole).numbers)
    assert sorted(every) == sorted(number for number, item in numbered.items() if item in expected)
    assert list(selected.numbers) == every[query.offset : query.offset + query.limit]
    pairs = table.select_pairs(whole)
    assert pairs.matching == len({item.pair for item in expected if item.pair})
    assert {numbered[number].pair for number in pairs.numbers} == {
        item.pair for item in expected if item.pair
    }


def test_what_needs_a_human_comes_first_and_versions_count_as_numbers() -> None:
    """1.10.0 comes after 1.9.0, and a failed model before both."""
    versions = ("1.10.0", "1.9.0")
    items = [ModelState("prod", Verdict.IN_SYNC, "mnist", version) for version in versions]
    items.append(ModelState("prod", Verdict.FAILED, "zebra", "1.0.0"))
    table = VerdictTable(frozenset({"prod"}))
    table.add(enumerate(items))
    assert list(table.select(ListingQuery()).numbers) == [2, 1, 0]
    assert list(table.select(ListingQuery(sorting=Sorting.NAME, descending=True)).numbers) == [2, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 9), _ITEMS), max_size=30))
def test_a_table_that_is_kept_up_to_date_is_one_that_is_made_anew(
    changes: list[tuple[int, ModelState]],
) -> None:
    """Rows come and go, numbers are used again, and nothing of what was is left."""
    kept, rows = VerdictTable(frozenset({"staging", "prod"})), dict[int, ModelState]()
    for number, item in changes:
        kept.remove({number})
        kept.add([(number, item)])
        rows[number] = item
    rebuilt = VerdictTable(frozenset({"staging", "prod"}))
    rebuilt.add(rows.items())
    for sorting in Sorting:
        query = ListingQuery(sorting=sorting, limit=99)
        first, second = kept.select(query), rebuilt.select(query)
        assert [rows[n] for n in first.numbers] == [rows[n] for n in second.numbers]
        assert first.groups == second.groups


def test_a_target_that_is_not_asked_for_is_left_out() -> None:
    """`run --target` shows the one target."""
    table = VerdictTable(frozenset({"prod"}))
    table.add(
        [
            (1, ModelState("prod", Verdict.FAILED, "a", "1.0.0")),
            (2, ModelState("other", Verdict.FAILED, "a", "1.0.0")),
        ]
    )
    assert table.select(ListingQuery()).numbers == [1]
    assert table.newest == 2


def test_an_address_that_is_not_shown_is_not_found_either() -> None:
    """Searching would give it away."""
    table = VerdictTable(frozenset({"prod"}), lambda author: author.partition(" <")[0])
    table.add([(1, ModelState("prod", Verdict.FAILED, "a", "1.0.0", author="Ada <ada@example.org>"))])
    assert table.select(ListingQuery("ada")).matching == 1
    assert table.select(ListingQuery("example")).matching == 0


def test_of_several_models_of_a_pair_a_matrix_shows_what_needs_attention_most() -> None:
    """A conflict is not hidden by what is registered."""
    items = [ModelState("prod", verdict, "a", "1.0.0") for verdict in reversed(ATTENTION_ORDER)]
    (row,) = matrix_rows(items)
    assert row.cells["prod"].verdict is Verdict.REFUSED
