"""The 45 contract cases of the API reference, as `docs/modelarts.md` lists them and the tests run them.

A case whose real answer nobody publishes names the settings of the embedded registry that decide it, with each
of their values; its test runs under every one.
"""

# ruff: noqa: E501 - a table of cases is read row by row

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        title: what is sent or met.
        verdict: what the registry answers, and the program makes of it.
        source: where that is from, with its mark: [D] documented, [O] observed, [I] inferred, [?] unknown.
        settings: names of the embedded registry's settings that decide, with their values.
    """

    title: str
    verdict: str
    source: str
    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The settings to run under; one after another, the others at their defaults."""
        return [{name: value} for name, values in self.settings.items() for value in values] or [{}]


_STRICT = {"strict": (False, True)}
_CODES = {"field_codes": ("by-field", "0101", "0104", "0107")}

CASES: Mapping[int, Case] = {
    1: Case("model_name of 1 and of 64 characters", "accepted", "SEED [D]"),
    2: Case("model_name empty, or of 65 characters", "refused, 400", "SEED [D]; which code [?]", _CODES),
    3: Case("model_name of 64 Chinese characters", "accepted; refused in otc-2024", "SEED, OTC24 [D]; unit [I]"),
    4: Case("model_name with a blank, `.`, `/`, an emoji", "refused", "SEED whitelist [D]"),
    5: Case("model_name that starts with a digit, `-` or `_`", "accepted, with a warning", "SEED has no such rule [D]"),
    6: Case("versions 1.0.0, 0.0.1, 99.99.99", "accepted", "SEED example, console, FAQ0249 [O]"),
    7: Case("version 0.0.0", "accepted, with a warning", "OTC SDK range [D]; REST [?]", {"zero_version": ("accepted", "refused")}),
    8: Case("versions with a leading zero", "refused", "SEED [D]"),
    9: Case("versions of another form", "refused", "SEED format [D]; full-width digits [I]"),
    10: Case("the same name and version again", "409 3002: compared, then adopted", "ERR21, ERR25 [D]"),
    11: Case("the same name, another version", "accepted, with an id of its own", "SEED [D]"),
    12: Case("description of 100 and 101 characters, with `<`, empty", "100 accepted, 101 refused; `<` refused from cn-2021 on; empty warned of in current", "SEED, CN2021, OTC25 [D]"),
    13: Case("3 and 4 model_docs", "accepted; refused", "SEED [D]"),
    14: Case("doc_name of 48 and 49 characters; first a digit, `_`, Chinese", "48 accepted; Chinese refused in otc-2024; the rest refused", "SEED, OTC25 [D]"),
    15: Case("doc_url of ftp, or relative", "refused", "SEED [D]"),
    16: Case("package_version without restraint", "refused", "SEED, ERR 3041 [D]"),
    17: Case("restraint without package_version", "accepted, with a warning", "SEED [D]; behaviour [?]", _STRICT),
    18: Case("restraint and package_version both empty", "accepted as absent", "vendor's sample [D]"),
    19: Case("restraint `exact`; installer `conda`, `PIP`", "refused", "SEED, ERR 3041 [D]"),
    20: Case("package_name `numpy==1.0`, `包`", "refused", "SEED charset [D]"),
    21: Case("param_type `box`; `min` on a string", "accepted, with a warning", "SEED's table against its example [?]", _STRICT),
    22: Case("apis as an array, and as JSON text", "both accepted; shown as text", "SEED, CN2021 [D]"),
    23: Case("initial_config that is not JSON; one with an unknown key", "refused, 3015; accepted, with a warning", "ERR 3015, 3016 [D] against the vendor's samples", _STRICT),
    24: Case("model_type `tensorflow`, `ONNX`", "refused and never repeated, also as a 500", "ERR 3037 or 3053 [?]", {"type_code": ("3037", "3053")}),
    25: Case("Template without its parts", "3034, 3029, 3039; without source_location accepted in current", "ERR, OTC25 [D]"),
    26: Case("Image with dependencies; others with swr_location", "refused before sending; else the import fails", "events [D]; moment [I]", {"content_errors": ("later", "at-once")}),
    27: Case("two apis, or a url other than `/`, not of an Image", "accepted, with a warning", "CN2021 guide against SEED's example [?]", _STRICT),
    28: Case("install_type `[]`, `Real-Time`, `edge`", "the default; refused; accepted in cn-2021 only", "CN2021, OTC25 [D]"),
    29: Case("source_copy as a Boolean", "sent as text; as a Boolean accepted", "type [D]; leniency [?]", _STRICT),
    30: Case("list by model_name `a_b` beside `axb` and `a_b_c`", "only equality counts", "docs [D]; FAQ0249 [O]", {"exact_match": ("escape", "equal")}),
    31: Case("list with model_type and not_model_type", "400; never sent", "docs [D]; code [?]", _CODES),
    32: Case("list with limit 2, offset 1, of 5 models", "each listed once", "docs, TF [?]", {"offset_mode": ("page", "item")}),
    33: Case("list with total_count 0, or without model_status", "each listed once", "FAQ0249 [O]; docs' example [D]", {"total_count": ("right", "zero"), "sparse_items": (False, True)}),
    34: Case("detail of an unknown id, of a malformed id", "not found; 404 or 400", "3001 [D]; malformed [?]", {"malformed_id": (404, 400)}),
    35: Case("`ai-engine-runtimes` and `template` in place of an id", "not taken for ids", "docs [D]"),
    36: Case("deletion of a model that a service uses", "200, and refused all the same", "3009 [D]"),
    37: Case("`error_message` in place of `error_msg`", "both are read", "CN2021, OTC [D]", {"edition": ("cn-2021", "current")}),
    38: Case("cascade with 25 versions", "20 deleted a call; this program never cascades", "docs [D]; which [?]", {"cascade_order": ("oldest", "newest")}),
    39: Case("401 0202, the token expired", "one renewal, one repetition", "docs [D]; OPENI [O]"),
    40: Case("401 APIGW.0301 with AK/SK", "never repeated", "docs: locked after five [D]"),
    41: Case("import whose answer is lost, or a 502", "looked for, then adopted; one model", "OPENI [O]; [I]"),
    42: Case("a clock that is 20 minutes off", "401; the advice names the clock", "docs [D]"),
    43: Case("Chinese body and query, signed", "vectors V1 and V2; verified by the other side", "7.3 [D]"),
    44: Case("status `building`, or one that nobody knows", "followed to the end or the deadline", "docs [D]; [I]", {"pending_status": ("building", "foo")}),
    45: Case("detail with renamed, re-typed and filled-in fields", "no drift", "docs [D]; [O]", {"install_spelling": ("real-time", "realtime"), "config_keys": ("sent", "added")}),
}  # fmt: skip


def table() -> str:
    """The cases as the Markdown table of the documents."""
    lines = ["| case | what | verdict | setting | source |", "|---|---|---|---|---|"]
    for number, case in CASES.items():
        decided = "; ".join(
            f"`{name}` = {', '.join(f'`{str(value).lower()}`' for value in values)}"
            for name, values in case.settings.items()
        )
        lines.append(f"| {number} | {case.title} | {case.verdict} | {decided} | {case.source} |")
    return "\n".join(lines) + "\n"
