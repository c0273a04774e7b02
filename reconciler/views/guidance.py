"""What to do about a verdict, as words and as exact commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.trust import HoldCode
from reconciler.engine.values import Verdict

if TYPE_CHECKING:
    from reconciler.engine.values import ModelState

_WHOLE_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


class Guidance(NamedTuple):
    """What to do next.

    Attributes:
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
    what, commands = _BY_CODE.get(code) or _BY_VERDICT[item.verdict]
    free = setting.next_free
    other = f"set model_version to {free}" if free else "take another model_name"
    return Guidance(what.format(other=other), commands(item, setting))


def _of_model(name: str) -> _Commands:
    def command(item: ModelState, setting: Setting) -> tuple[str, ...]:
        words = ["reconciler", name, item.title]
        return (shlex.join([*words, "--target", item.target] if setting.several_targets else words),)

    return command


def _none(_item: ModelState, _setting: Setting) -> tuple[str, ...]:
    return ()


def _validate(item: ModelState, _: Setting) -> tuple[str, ...]:
    return (shlex.join(["reconciler", "validate", item.path]),) if item.path else ("reconciler validate",)


def _confirm(item: ModelState, _: Setting) -> tuple[str, ...]:
    digests = _WHOLE_DIGEST.findall(" ".join(reason.message for reason in item.reasons))
    return ("reconciler plan", *(f"reconciler apply --confirm {digest}" for digest in digests[:1]))


def _look_at_commit(item: ModelState, _: Setting) -> tuple[str, ...]:
    return (
        (f"reconciler plan --commit {item.commit}", f"git show --stat {item.commit}") if item.commit else ()
    )


def _log(item: ModelState, _: Setting) -> tuple[str, ...]:
    return (shlex.join(["git", "log", "-p", "--", item.path]),) if item.path else ()


_Commands = Callable[["ModelState", Setting], tuple[str, ...]]


class _Advice(NamedTuple):
    what: str
    commands: _Commands = _none


_GOES_ON = _Advice("Nothing: the reconciler goes on with it by itself.", _of_model("status"))
_UNTRUSTED = _Advice(
    "The newest commit of the branch is not trusted, and is held. Look at it and at who signed it; push a "
    "trusted one in its place, or name it in source.verify.since.",
    _look_at_commit,
)
_BY_VERDICT: dict[Verdict, _Advice] = {
    Verdict.REFUSED: _Advice(
        "A guard stopped the imports of this cycle. Look at the plan; if it is what you want, confirm it by "
        "its digest, or raise the limit that the reason names.",
        _confirm,
    ),
    Verdict.INVALID: _Advice("Correct the manifest in the lines that are marked, and commit it.", _validate),
    Verdict.CONFLICT: _Advice(
        "Several manifests declare this name and version. Keep one, give the others versions of their own, "
        "and commit.",
        _validate,
    ),
    Verdict.FAILED: _Advice(
        "The registry refused the import. Correct the manifest and commit it; where the cause lies outside "
        "of it and is mended, try again.",
        _of_model("retry"),
    ),
    Verdict.DRIFTED: _Advice(
        "A registered version is immutable. For the new content {other} and commit; or restore the manifest "
        "as it was.",
        _log,
    ),
    Verdict.MISSING: _Advice(
        "Somebody deleted the model in the registry. Import it again, or remove the manifest and commit.",
        _of_model("retry"),
    ),
    Verdict.WAITING: _GOES_ON,
    Verdict.PUBLISHING: _GOES_ON,
    Verdict.IMPORT: _GOES_ON,
    Verdict.UNMANAGED: _Advice(
        "Nothing has to be done. To have git declare it, commit a manifest that equals it."
    ),
    Verdict.IN_SYNC: _Advice("Nothing: what is declared is registered."),
}
"""For each verdict what to do, in which `{other}` is how to declare other content, and the commands."""

_BY_CODE: dict[str, _Advice] = {
    "import-failed": _Advice(
        "Look for the cause where the reason says. Where it lies in the files or the manifest, correct them "
        "first. Then try again: the failed model is deleted, after a question, and imported anew.",
        _of_model("retry"),
    ),
    "exists-elsewhere": _Advice(
        "The registry says that the name and version are taken, and does not show them. Look where the "
        "reason says. Remove the model there and try again, or declare another version.",
        _of_model("retry"),
    ),
    **dict.fromkeys(HoldCode, _UNTRUSTED),
}
