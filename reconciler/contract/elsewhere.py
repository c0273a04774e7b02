"""Values that the API's page does not list and another page of the vendor does: accepted, and told of.

Nobody can know which page the service follows, so the value is sent; the warning names both pages, and a
strict server of the edition refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.contract.rules import TOLERATED, Rule, struct_at, text_at
from reconciler.contract.wording import warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.contract.json_text import RawDocument
    from reconciler.contract.problem import Problem


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """One disagreement between two pages about the values of a field.

    Attributes:
        field: a field of the request; the field of the same name in `initial_config` is meant as well.
        values: what only the other page lists.
        page: the API's page, which does not list them.
        other: the page that does.
    """

    field: str
    values: tuple[str, ...]
    page: str
    other: str


def named_elsewhere(*disagreements: Elsewhere) -> Rule:
    """Warns of values that only another page lists."""

    def check(document: RawDocument) -> Iterator[Problem]:
        config = struct_at(document, "initial_config")
        for one in disagreements:
            for root, holder in (((), document), (("initial_config",), config)):
                value = text_at(holder, one.field)
                if value in one.values:
                    why = f"is not listed by {one.page}, but by {one.other}; the service may refuse it"
                    yield warning(TOLERATED, (*root, one.field), why, value)

    return Rule(check, fields=("initial_config", *(one.field for one in disagreements)))
