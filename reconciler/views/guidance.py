"""What to do about a verdict, as words and as exact commands."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.trust import HoldCode
from reconciler.engine.values import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.values import ModelState

_WHOLE_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


class Guidance(NamedTuple):
    """What to do next.

    Attributes:
        what: one sentence.
        commands: to be typed in the repository, in this order.
    """

    what: str
    commands: tuple[str, ...] = ()


class Setting(NamedTuple):
    """What a command has to say beside the model.

    Attributes:
        several_targets: whether the target has to be named.
        next_free: the version under which other content can be declared; None where none is free.
    """

    several_targets: bool = False
    next_free: str | None = None


def guidance(item: ModelState, setting: Setting) -> Guidance:
    """What to do about one model."""
    code = item.reasons[0].code if item.reasons else ""
    advise = _BY_CODE.get(code) or _BY_VERDICT[item.verdict]
    return advise(item, setting)


def _retry(item: ModelState, setting: Setting) -> str:
    return _command("retry", item, setting)


def _command(name: str, item: ModelState, setting: Setting) -> str:
    words = ["reconciler", name, item.title]
    return shlex.join([*words, "--target", item.target] if setting.several_targets else words)


def _validate(item: ModelState) -> tuple[str, ...]:
    return (shlex.join(["reconciler", "validate", item.path]),) if item.path else ("reconciler validate",)


def _nothing(what: str) -> Callable[[ModelState, Setting], Guidance]:
    return lambda _item, _setting: Guidance(what)


def _refused(item: ModelState, _: Setting) -> Guidance:
    digests = _WHOLE_DIGEST.findall(" ".join(reason.message for reason in item.reasons))
    confirm = (f"reconciler apply --confirm {digests[0]}",) if digests else ()
    return Guidance(
        "A guard stopped the imports of this cycle. Look at the plan; if it is what you want, confirm it by "
        "its digest, or raise the limit that the reason names.",
        ("reconciler plan", *confirm),
    )


def _untrusted(item: ModelState, _: Setting) -> Guidance:
    return Guidance(
        "The newest commit of the branch is not trusted, and is held. Look at it and at who signed it; push "
        "a trusted one in its place, or name it in source.verify.since.",
        (f"reconciler plan --commit {item.commit}", f"git show --stat {item.commit}") if item.commit else (),
    )


def _invalid(item: ModelState, _: Setting) -> Guidance:
    return Guidance("Correct the manifest in the lines that are marked, and commit it.", _validate(item))


def _conflict(item: ModelState, _: Setting) -> Guidance:
    return Guidance(
        "Several manifests declare this name and version. Keep one, give the others versions of their own, "
        "and commit.",
        _validate(item),
    )


def _rejected(item: ModelState, setting: Setting) -> Guidance:
    return Guidance(
        "The registry refused the import. Correct the manifest and commit it; where the cause lies outside "
        "of it and is mended, try again.",
        (_retry(item, setting),),
    )


def _import_failed(item: ModelState, setting: Setting) -> Guidance:
    return Guidance(
        "Look at the events of the model in the registry's console. Then try again: the failed model is "
        "deleted, after a question, and imported anew.",
        (_retry(item, setting),),
    )


def _elsewhere(item: ModelState, setting: Setting) -> Guidance:
    return Guidance(
        "The registry says that the name and version are taken, and does not show them. Look in the "
        "project's other workspaces, for another spelling, and for a model that is being deleted. Remove it "
        "there and try again, or declare another version.",
        (_retry(item, setting),),
    )


def _drifted(item: ModelState, setting: Setting) -> Guidance:
    declare = f"set model_version to {setting.next_free}" if setting.next_free else "take another model_name"
    history = (shlex.join(["git", "log", "-p", "--", item.path]),) if item.path else ()
    return Guidance(
        f"A registered version is immutable. For the new content {declare} and commit; or restore the "
        "manifest as it was.",
        history,
    )


def _missing(item: ModelState, setting: Setting) -> Guidance:
    return Guidance(
        "Somebody deleted the model in the registry. Import it again, or remove the manifest and commit.",
        (_retry(item, setting),),
    )


def _moving(item: ModelState, setting: Setting) -> Guidance:
    return Guidance(
        "Nothing: the reconciler goes on with it by itself.", (_command("status", item, setting),)
    )


_BY_VERDICT: dict[Verdict, Callable[[ModelState, Setting], Guidance]] = {
    Verdict.REFUSED: _refused,
    Verdict.INVALID: _invalid,
    Verdict.CONFLICT: _conflict,
    Verdict.FAILED: _rejected,
    Verdict.DRIFTED: _drifted,
    Verdict.MISSING: _missing,
    Verdict.WAITING: _moving,
    Verdict.PUBLISHING: _moving,
    Verdict.IMPORT: _moving,
    Verdict.UNMANAGED: _nothing(
        "Nothing has to be done. To have git declare it, commit a manifest that equals it."
    ),
    Verdict.IN_SYNC: _nothing("Nothing: what is declared is registered."),
}
_BY_CODE: dict[str, Callable[[ModelState, Setting], Guidance]] = {
    "import-failed": _import_failed,
    "exists-elsewhere": _elsewhere,
    **dict.fromkeys(HoldCode, _untrusted),
}
