"""Pull: the next page for a device.

Belongs here: one pull from cursor to answer. May not know: envelopes, HTTP, sessions.

    pull = diff(what this device has proved it holds, what it should hold now)

The work is done in a reading transaction (one snapshot: stamps and renderings agree); what has to be remembered of it
is written in a second, short one, which gives up and starts anew when another request of the same device came between.

    cursor = checkpoint of the waiting page    the page has arrived: its effect joins the holding
    cursor = acknowledged checkpoint           nothing was sent yet, or the page was lost: it is computed afresh
    any other cursor or incarnation            the hub cannot trust what it knows: the answer asks for Reconcile
    a holding that is no longer there          the same: else all of it would be sent again

A page computed afresh that comes out the same keeps its number, so a late first answer does no harm; one that comes out
different gets a number never used before, so that acknowledging the one can not be taken for the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from saddlebag.kernel.cursor import Cursor
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import BUSY, SaddlebagError
from saddlebag.kernel.limits import PAGE_BYTES_DEFAULT, PAGE_BYTES_MAX, PAGE_BYTES_MIN
from saddlebag.kernel.manifest import Held
from saddlebag.kernel.patch import Patch
from saddlebag.security.principal import Principal
from saddlebag.store.base import Rendering, Stamp, Transaction
from saddlebag.store.tables import Device, PendingPage
from saddlebag.sync.devices import ATTEMPTS, cursor_of, open_cursor, swap
from saddlebag.sync.fresh import Memory, digests_of
from saddlebag.sync.grace import extended
from saddlebag.sync.holding import Effect, Holding, Rewrite, apply, pending_of
from saddlebag.sync.offer import Changed, Whole
from saddlebag.sync.page import Evict, Offers, Page, fill
from saddlebag.sync.plan import Key, diff
from saddlebag.sync.target import Question, above, evaluate, question, reasons

_SEEN_EVERY: Final = timedelta(hours=1)

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class Work(Protocol[R_co]):
    """What is done in one transaction."""

    def __call__(self, tx: Transaction, /) -> R_co: ...


class Run(Protocol):
    """Runs work in a transaction of the caller's tenant (`Call.run`, or `Store.run` with the tenant bound)."""

    def __call__(self, work: Work[T], /, *, read_only: bool = False) -> T: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pull says. `digest` and `digests` come with the last page; `reconcile` comes alone."""

    cursor: str
    more: bool = False
    reconcile: bool = False
    puts: Mapping[str, Sequence[Rendering]] = field(default_factory=dict)
    patches: Mapping[str, Sequence[Patch]] = field(default_factory=dict)
    evicts: Sequence[Evict] = ()
    digest: Digest | None = None
    digests: Mapping[str, Digest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What has to be remembered of a pull; nothing is written where it is None."""

    before: Device
    after: Device
    rewrite: Rewrite = field(default_factory=Rewrite)
    drop_pending: bool = False
    pending: PendingPage | None = None

    def write(self, tx: Transaction) -> bool:
        """Remember it, unless another request of the device came first; whether it was remembered."""
        if not swap(tx, self.before, self.after):
            return False
        self.rewrite.write(tx, self.after.device)
        if self.pending is not None:
            tx.rows.put(self.pending)
        elif self.drop_pending:
            tx.rows.delete(PendingPage, device=self.after.device)
        return True


def pull(
    run: Run,
    principal: Principal,
    cursor: str,
    now: datetime,
    max_bytes: int | None = None,
    memory: Memory | None = None,
    merges: bool = False,
) -> Answer:
    """The next page, with patches for a device that `merges`; raises INVALID_CURSOR, DEVICE_DISABLED, SCOPE_CAPPED,
    BUSY.
    """
    for _ in range(ATTEMPTS):
        answer, settlement = run(
            lambda tx: prepare(tx, principal, cursor, now, max_bytes, memory, merges), read_only=True
        )
        if settlement is None or run(settlement.write):
            return answer
    raise SaddlebagError(BUSY, "Other requests of this device keep coming first.", retry_after=1)


def prepare(
    tx: Transaction,
    principal: Principal,
    text: str,
    now: datetime,
    max_bytes: int | None = None,
    memory: Memory | None = None,
    merges: bool = False,
) -> tuple[Answer, Settlement | None]:
    """The answer, and what must be remembered before it may be sent; reads only."""
    cursor, device = open_cursor(tx, principal, text)
    waiting = pending_of(tx, device.device)
    acknowledged = waiting is not None and waiting[0] == cursor.checkpoint
    if cursor.incarnation != device.incarnation or not (acknowledged or cursor.checkpoint == device.checkpoint):
        return Answer(text, reconcile=True), None
    holding = Holding.load(tx, device.device)
    if device.checkpoint and holding.lost:
        return Answer(text, reconcile=True), None
    proved = waiting[1] if waiting and acknowledged else Effect()
    asked = question(tx, principal, now)
    news = _compared(tx, asked, holding, proved, now, max_bytes, memory, cursor.shape, merges)
    turn = _Turn(tx, device, cursor, text, now, holding, waiting, acknowledged, asked.scope.version, news)
    return turn.finish()


@dataclass(frozen=True, slots=True)
class _News:
    """What comparing found: a page, and what goes with it."""

    page: Page
    more: bool
    digests: Mapping[str, Digest]
    left: Mapping[Key, int]
    """Since when records that stay by grace are out of the scope."""
    shape: int
    """Which fields the device holds of everything once it has the page (`Carried.shape`)."""


def _compared(
    tx: Transaction,
    asked: Question,
    holding: Holding,
    proved: Effect,
    now: datetime,
    max_bytes: int | None,
    memory: Memory | None,
    shape: int,
    merges: bool,
) -> _News:
    """What is held against what should be; both are large, and gone when this returns."""
    # Who stays by grace is part of no remembered target.
    digests, target = digests_of(tx, asked, None if holding.left else memory)
    if not holding.left and holding.digest + proved.digest == sum(digests.values(), Digest()):
        return _News(Page(), False, digests, holding.left, shape)
    target, left = target or evaluate(tx, asked), holding.left
    if asked.scope.grace or left:
        target, left = extended(tx, asked, target, apply(holding.entries(), proved), left, now)
    missing = {stamp.hash for stamps in target.stamps.values() for stamp in stamps}
    held = holding.unmatched(proved, missing)
    known = target.carried.shape
    offers = Changed(tx, target.carried, held) if merges and shape == known else Whole(tx, target.carried)
    wanted = {entity: [each for each in found if each.hash in missing] for entity, found in target.stamps.items()}
    page, more = _page(tx, asked.principal, held, wanted, max_bytes, offers)
    return _News(page, more, target.digests(), left, known if shape == known or not more else 0)


def _page(
    tx: Transaction,
    principal: Principal,
    held: Mapping[Key, Held],
    wanted: Mapping[str, list[Stamp]],
    max_bytes: int | None,
    offers: Offers,
) -> tuple[Page, bool]:
    """The page that turns what is held into what is wanted, where neither tells of what is as it should be."""
    rank = {entity.name: place for place, entity in enumerate(tx.schema.urgent)}
    budget = min(max(max_bytes or PAGE_BYTES_DEFAULT, PAGE_BYTES_MIN), PAGE_BYTES_MAX)
    return fill(
        diff(held, wanted, rank),
        held,
        budget,
        lambda leaving: reasons(tx, principal, leaving),
        offers,
        lambda leaving: above(tx, leaving),
        {entity.name: entity.nested_by for entity in tx.schema.urgent if entity.nested_by},
    )


@dataclass(frozen=True, slots=True)
class _Turn:
    """A pull after its page is made: which number it gets, and what is written."""

    tx: Transaction
    device: Device
    cursor: Cursor
    text: str
    now: datetime
    holding: Holding
    waiting: tuple[int, Effect] | None
    acknowledged: bool
    scope_version: int
    news: _News

    def finish(self) -> tuple[Answer, Settlement | None]:
        page, more = self.news.page, self.news.more
        digests = {} if more else self.news.digests
        total = None if more else sum(digests.values(), Digest())
        if page.empty:
            return Answer(self.text, digest=total), self._settle(None)
        effect = Effect(page.removed, page.added)
        checkpoint = self._number(effect)
        pending = PendingPage(self.device.device, checkpoint, effect.packed())
        answer = Answer(
            cursor_of(self.tx, self.device, checkpoint, self.scope_version, self.news.shape),
            more,
            puts=page.puts,
            patches=page.patches,
            evicts=page.evicts,
            digest=total,
            digests=digests,
        )
        return answer, self._settle(pending)

    def _number(self, effect: Effect) -> int:
        """The waiting page's number where this is the same page again, else a new one."""
        if self.waiting and not self.acknowledged and self.waiting[1].packed() == effect.packed():
            return self.waiting[0]
        return self.device.pending_checkpoint + 1

    def _settle(self, pending: PendingPage | None) -> Settlement | None:
        device = self.device
        again = pending is not None and self.waiting is not None and pending.checkpoint == self.waiting[0]
        nothing_new = not self.acknowledged and (pending is None or again)
        stay = self.holding.leaves(self.news.left)
        if nothing_new and stay == Rewrite() and self.now - device.seen_at < _SEEN_EVERY:
            return None
        after = replace(
            device,
            checkpoint=self.cursor.checkpoint,
            seen_at=self.now,
            pending_checkpoint=max(device.pending_checkpoint, pending.checkpoint if pending else 0),
        )
        proved = self.waiting[1] if self.waiting and self.acknowledged else Effect()
        return Settlement(device, after, self.holding.rewritten(proved) + stay, self.acknowledged, pending)
