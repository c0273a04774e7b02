"""One edition of the import API: its types, its rules, and the three things they are asked for.

manifest document ─parse─▶ request, problems
HTTP body        ─judge─▶ problems
─json_schema─▶ JSON Schema of a manifest
"""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract import config_file
from reconciler.contract.catalogue import EDITIONS_OF_FIELD
from reconciler.contract.json_values import JSON_TEXTS, RawDocument, close_text, open_texts, to_json
from reconciler.contract.problem import error, warning
from reconciler.contract.rules import CONTENT, TOLERATED, concerned
from reconciler.contract.structs import reader_of
from reconciler.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.contract.problem import Problem
    from reconciler.contract.rules import Rule
    from reconciler.contract.structs import Struct

CHECKED = date(2026, 11, 28)
"""When each edition was last held to its page, row by row; to be moved on when that is done again."""

ENGINES_2019 = ("TensorFlow", "MXNet", "Caffe", "Spark_MLlib", "Scikit_Learn", "XGBoost", "PyTorch")
"""The engines of 2019 and 2021, which are every model type that is no image and no template."""

DEFAULTS_2019: Mapping[str, object] = MappingProxyType(
    {
        "source_job_id": "",
        "source_job_version": "",
        "source_type": "",
        "runtime": "python2.7",
        "execution_code": "",
        "input_params": [],
        "output_params": [],
        "dependencies": [],
        "workspace_id": "0",
    }
)
"""What the import page of 2019 says that absent fields stand for."""

EXTRA = "extra"
MANIFEST_ONLY = ("metadata", "initial_config_file", EXTRA)
"""Keys of a manifest that are no fields of the API."""


class Parsed(NamedTuple):
    """What reading one manifest document gave.

    Attributes:
        request: what will be sent, in the manifest's order; None exactly when some problem is an error.
        problems: everything found, errors and warnings.
    """

    request: dict[str, Any] | None
    problems: tuple[Problem, ...]


class Edition(NamedTuple):
    """The rules of one edition of the vendor's documents.

    Attributes:
        name: such as `seed-2019`.
        page: which of the vendor's pages it follows.
        dated: the day of that page's text.
        checked: when the edition was last held to it.
        struct: the request, field by field.
        rules: what depends on more than one field, and advice.
        defaults: what the documents say an absent field stands for; filled in by the service, never by us.
        apis_stay_text: whether `apis` given as text is sent as text (else as the array that it holds).
        strict_config: whether a key of `initial_config` that no page documents is an error.
    """

    name: str
    page: str
    dated: date
    checked: date
    struct: type[Struct]
    rules: tuple[Rule, ...]
    defaults: Mapping[str, object] = MappingProxyType({})
    apis_stay_text: bool = False
    strict_config: bool = False

    @property
    def source(self) -> str:
        """The page and its day, in words."""
        return f"{self.page} of {self.dated.isoformat()}"

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the request's fields."""
        return tuple(self.struct.members)

    def parse(self, document: Mapping[str, object]) -> Parsed:
        """Checks one manifest document and gives the request that it stands for.

        Leaves are `Plain | str | bool | None | int | float`. `metadata` and `initial_config_file` are the
        manifest room's and must be taken out before. Nothing is added that was not written, save what
        `extra` asks for; null means absent.
        """
        return self.accept(document) or self._judged(document)

    def accept(self, document: Mapping[str, object]) -> Parsed | None:
        """What `parse` says of a manifest document that has no error, and no `extra`; None for any other."""
        written, opening = open_texts(document)
        if opening:
            return None
        try:
            request: dict[str, Any] = reader_of(self.struct)(written)
        except (ValueError, LookupError):
            return None
        advice = tuple(self._ruled(written))
        if any(problem.severity == "error" for problem in advice):
            return None
        for key in JSON_TEXTS:
            if key in request:
                request[key] = self._as_text(key, request[key], written, document)
        return Parsed(request, advice)

    def judge(self, body: object, *, strict: bool = False) -> tuple[Problem, ...]:
        """What a server of this edition says about the JSON body of an import call.

        Unknown fields of the request are no problem, those of its configuration are warnings, as is what the
        service finds only later, in the content (code `content-rule`). `strict` makes errors of unknown
        fields, and of what a table forbids but an example or another page has (code `tolerated`).
        """
        if not isinstance(body, dict):
            return (error("invalid-type", (), "the body must be a JSON object"),)
        written, opening = open_texts(body)
        problems = (*opening, *_not_as_text(body), *self._misshapen(written), *self._ruled(written))
        return tuple(_as_server(problem, strict=strict) for problem in problems if strict or _seen(problem))

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of a manifest document, for editors; agrees with `parse`.

        What JSON Schema cannot say is left to `parse`: the content of JSON texts, repeated input ids,
        upper bounds of counts in quotes, numbers inside free JSON, and those whose notation an editor no
        longer sees.
        """
        from reconciler.contract.models import manifest_schema  # noqa: PLC0415 - brings pydantic

        return manifest_schema(self)

    def _misshapen(self, written: RawDocument) -> Iterator[Problem]:
        """What is wrong with single fields; pydantic, which words it, is loaded where something is."""
        try:
            reader_of(self.struct)(written)
        except (ValueError, LookupError):
            from reconciler.contract.models import problems_in  # noqa: PLC0415 - brings pydantic

            yield from problems_in(self.struct, written)

    def _ruled(self, written: RawDocument) -> Iterator[Problem]:
        for rule in concerned(self.rules, written):
            for problem in rule.check(written):
                strict = self.strict_config and _is_unknown_in_config(problem)
                yield problem._replace(severity="error") if strict else problem

    def _judged(self, document: Mapping[str, object]) -> Parsed:
        own = {key: value for key, value in document.items() if key != EXTRA}
        sent, extra = self._extra(document.get(EXTRA))
        accepted = self.accept(own)
        if accepted is None or accepted.request is None:
            written, opening = open_texts(own)
            return Parsed(None, (*opening, *self._misshapen(written), *self._ruled(written), *extra))
        problems = (*accepted.problems, *extra)
        if any(problem.severity == "error" for problem in extra):
            return Parsed(None, problems)
        request: dict[str, Any] = {}
        for key in document:
            if key == EXTRA:
                request |= sent
            elif key in accepted.request:
                request[key] = accepted.request[key]
        return Parsed(request, problems)

    def _as_text(
        self, key: str, value: object, written: RawDocument, document: Mapping[str, object]
    ) -> object:
        """One of `JSON_TEXTS` as the API wants it: text stays as it was written."""
        if key in written.texts:
            verbatim = key != "apis" or self.apis_stay_text
            return str(document[key]) if verbatim else value
        return value if key == "apis" else close_text(value)

    def _extra(self, extra: object) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        if extra is None:
            return {}, ()
        if not isinstance(extra, dict):
            return {}, (error("invalid-type", (EXTRA,), "must be a mapping of vendor fields"),)
        value, faults = to_json(extra)
        problems = [error("invalid-value", (EXTRA, *loc), why, shown) for loc, why, shown in faults]
        for key in extra:
            if key in self.struct.members or key in MANIFEST_ONLY:
                why = "is a known field; move it out of extra"
                problems.append(error("shadowed-field", (EXTRA, key), why))
            else:
                editions = EDITIONS_OF_FIELD.get(key)
                what = f"is a field of {listed(editions)}" if editions else "is not documented"
                why = f"{what}; sent unchecked, because extra asks for it"
                problems.append(warning("undocumented-field", (EXTRA, key), why))
        return value, tuple(problems)


def _not_as_text(body: Mapping[str, object]) -> Iterator[Problem]:
    for name in ("model_metrics", "initial_config"):
        if isinstance(body.get(name), dict):
            yield error("invalid-type", (name,), "must be text that holds a JSON object")


def _is_unknown_in_config(problem: Problem) -> bool:
    return problem.code == config_file.UNKNOWN and problem.loc[:1] == (config_file.FIELD,)


def _seen(problem: Problem) -> bool:
    unknown = problem.code in (config_file.UNKNOWN, "field-of-another-edition")
    return not unknown or _is_unknown_in_config(problem)


def _as_server(problem: Problem, *, strict: bool) -> Problem:
    if problem.code == CONTENT:
        return problem._replace(severity="warning")
    if strict and (problem.code == TOLERATED or _is_unknown_in_config(problem)):
        return problem._replace(severity="error")
    return problem
