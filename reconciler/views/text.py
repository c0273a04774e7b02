"""A report for a terminal: one line a model that is not in sync, its reasons below it, and a count."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from reconciler.engine.values import AT_REST, UNDER_WAY, Verdict
from reconciler.phrases import many
from reconciler.printable import pad, printable, width
from reconciler.times import shown_time
from reconciler.views.lines import painter, place
from reconciler.views.problems import because, distinct
from reconciler.views.words import WORDS, count, counted, nothing_to_do, worded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import ModelState, Report
    from reconciler.views.lines import Tone

Mode = Literal["plan", "untrusted", "apply", "status"]
"""What was asked for; `untrusted` is a plan that `apply` would not carry out."""

_LEAD: dict[Mode, str] = {"plan": "Plan", "untrusted": "Plan", "apply": "Applied", "status": "Status"}
_WIDEST_TITLE = 48
_VERDICT_WIDTH = max(len(verdict) for verdict in Verdict)


def report(  # noqa: PLR0913 - how much is told
    whole: Report,
    *,
    colour: bool,
    verbose: bool,
    mode: Mode = "plan",
    imported: Collection[tuple[str, ModelKey]] = (),
    unmanaged: bool | None = None,
) -> str:
    """The whole report; ends with a line break.

    Args:
        whole: what one cycle saw or did.
        colour: whether to use a terminal's colours.
        verbose: list models in sync too, and say what is known of each.
        mode: what was asked for.
        imported: target and pair of what this very run imported or adopted: listed although it is in sync by
            now, and counted.
        unmanaged: list what is declared nowhere too, which may be very much and is somebody else's; by
            default where `verbose` is.
    """
    named = verbose if unmanaged is None else unmanaged
    page = _Output(whole, painter(colour=colour), verbose, mode, frozenset(imported), named)
    blocks = [block for block in (page.models(), page.remarks(), page.summary()) if block]
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)


@dataclass(frozen=True, slots=True)
class _Output:
    whole: Report
    paint: Callable[[str, Tone], str]
    verbose: bool
    mode: Mode
    imported: frozenset[tuple[str, ModelKey]]
    unmanaged: bool

    def models(self) -> list[str]:
        """The lines about single models, below their target's name where there are several targets."""
        targets = {item.target for item in self.whole.items} | {f.target for f in self.whole.failures}
        silent = {Verdict.IN_SYNC: not self.verbose, Verdict.UNMANAGED: not self.unmanaged}
        shown = [item for item in self.whole.items if not silent.get(item.verdict) or self._is_new(item)]
        cells = min(max((width(printable(item.title)) for item in shown), default=0), _WIDEST_TITLE)
        lines: list[str] = []
        for target, items in groupby(shown, key=lambda item: item.target):
            if len(targets) > 1:
                lines += [*([""] if lines else []), self.paint(printable(target), "bold")]
            for item in items:
                lines += self._model(item, cells)
        return lines

    def remarks(self) -> list[str]:
        """Notes; why a target failed is an error, and errors go elsewhere."""
        return [f"note: {printable(note)}" for note in self.whole.notes]

    def summary(self) -> list[str]:
        """What it comes to, of which commit, and what to do next."""
        origin = f"Commit {printable(self.whole.commit)[:12]}, plan digest {printable(self.whole.digest)}"
        parts = [self.paint(origin, "dim")] if self.whole.commit else []
        return [self.paint(self._outcome(), "bold"), *parts, *self._hints()]

    def _outcome(self) -> str:
        numbers = {verdict: n for verdict, n in count(self.whole).items() if n}
        still = self.mode != "status" and not self.imported and not self.whole.failures
        if still and numbers.keys() <= AT_REST:
            return nothing_to_do(numbers)
        news = f"{len(self.imported)} imported; " if self.imported else ""
        failed = len(self.whole.failures)
        lost = f"; {many(failed, 'target')} could not be reconciled" if failed else ""
        return f"{_LEAD[self.mode]}: {news}{counted(self.whole)}{lost}."

    def _hints(self) -> Iterator[str]:
        verdicts = {item.verdict for item in self.whole.items}
        if Verdict.IMPORT in verdicts and self.mode == "plan":
            yield (
                "Next: `reconciler apply` imports what is new; with `--expect-digest` and the digest above, "
                "exactly this plan or nothing."
            )
        if Verdict.INVALID in verdicts:
            yield "Next: `reconciler validate` shows the line of each problem."
        if verdicts & (UNDER_WAY - {Verdict.IMPORT}):
            yield "Next: `reconciler apply` looks again at what is publishing or waiting."
        if Verdict.UNMANAGED in verdicts and self.mode != "apply":
            yield "Next: `reconciler adopt` writes manifests for what is unmanaged, if git is to declare it."

    def _is_new(self, item: ModelState) -> bool:
        return bool(self.imported) and item.pair is not None and (item.target, item.pair) in self.imported

    def _model(self, item: ModelState, cells: int) -> Iterator[str]:
        word = WORDS[item.verdict]
        verdict = self.paint(f"{word.symbol} {item.verdict:<{_VERDICT_WIDTH}}", word.tone)
        facts = "  ".join(self._facts(item))
        yield f"  {verdict}  {pad(printable(item.title), cells)}  {facts}".rstrip()
        for reason in distinct(item.reasons) if self.verbose or item.verdict is not Verdict.UNMANAGED else ():
            yield f"      {because(reason, item)}"
        for difference in item.diff:
            yield f"      {self.paint(worded(difference), 'warning')}"

    def _facts(self, item: ModelState) -> Iterator[str]:
        if self._is_new(item):
            yield self.paint("imported", "good")
        if item.path is not None:
            yield printable(place(item.path, item.line))
        if item.model_id is not None:
            yield self.paint(f"id {printable(item.model_id)}", "dim")
        if item.model_status is not None and (self.verbose or item.verdict is not Verdict.IN_SYNC):
            yield self.paint(printable(item.model_status), "dim")
        if self.verbose and item.since is not None and item.verdict is not Verdict.IN_SYNC:
            yield self.paint(f"since {shown_time(item.since)}", "dim")
        if self.verbose and item.commit is not None:
            yield self.paint(printable(f"{item.commit[:12]} {item.author or ''}".rstrip()), "dim")
