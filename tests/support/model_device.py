"""A laptop as the sync engine's tests need it: it keeps rows, an outbox and a cursor, and loses messages on demand.

It follows the protocol of `saddlebag.kernel.session` by hand and trusts nothing: it hashes what it was sent, so that a
digest of the hub's is compared with what is really held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta

from records_world import World
from saddlebag.kernel.canon import write_datetime
from saddlebag.kernel.digest import Digest, record_hash
from saddlebag.kernel.fragment import FieldTexts, to_texts
from saddlebag.kernel.manifest import Held, in_shards, pack, pack_sums, shard_sums
from saddlebag.kernel.ops import FieldEdit, Operation, OpKind, OpResult
from saddlebag.kernel.patch import merge
from saddlebag.security.principal import Principal
from saddlebag.sync import engine
from saddlebag.sync.page import Evict, Reason

Key = tuple[str, str]


class Lost(Exception):
    """A message was lost on the way."""


@dataclass
class Laptop:
    """A device of one user of a `records_world.World`."""

    world: World
    who: str
    device: str = ""
    incarnation: int = 0
    cursor: str = ""
    rows: dict[Key, str] = field(default_factory=dict)
    outbox: list[Operation] = field(default_factory=list)
    results: dict[int, OpResult] = field(default_factory=dict)
    made: dict[int, Operation] = field(default_factory=dict)
    sequence: int = 0
    evicted: list[Evict] = field(default_factory=list)
    received: list[Key] = field(default_factory=list)
    clock_error: int = 0
    memory: engine.Memory | None = None
    merges: bool = True
    """Whether it tells the hub that it takes patches."""
    watch: Callable[[engine.Answer], None] = lambda answer: None
    """Sees each page before it is applied or lost."""

    @classmethod
    def registered(cls, world: World, who: str) -> Laptop:
        """A new device of this user."""
        laptop = cls(world, who)
        laptop.register()
        return laptop

    @property
    def principal(self) -> Principal:
        """Its user, as the hub sees her."""
        return self.world.principal(self.who)

    def register(self) -> None:
        """Register, or register again."""
        made = self._register()
        self.device, self.incarnation, self.cursor = made.device, made.incarnation, made.cursor

    # The exchanges with the hub; a device that speaks messages has others.

    def _register(self) -> engine.Registration:
        return self.world.run(
            lambda tx: engine.register(
                tx,
                self.principal,
                name="laptop",
                platform="test",
                device=self.device or None,
                now=self.world.now,
                new_id=self.world.new_id,
                new_secret=self.world.new_id,
            )
        )

    def _push(self, sent: Sequence[Operation]) -> list[OpResult]:
        return self.world.run(
            lambda tx: engine.push(
                tx,
                self.principal,
                self.device,
                self.incarnation,
                sent,
                self.world.now,
                self.world.new_id,
                self.acknowledged,
            )
        )

    @property
    def acknowledged(self) -> int:
        """The sequence up to which it has stored every result."""
        return min((each.sequence for each in self.outbox), default=self.sequence + 1) - 1

    def _pull(self, max_bytes: int | None) -> engine.Answer:
        return engine.pull(
            self.world.run, self.principal, self.cursor, self.world.now, max_bytes, self.memory, self.merges
        )

    def _reconcile(self, sums: bytes, keys: bytes | None) -> engine.Healing:
        return self.world.run(
            lambda tx: engine.reconcile(tx, self.principal, self.device, self.incarnation, sums, keys, self.world.now)
        )

    def held(self) -> list[Held]:
        """What it holds, hashed from the content."""
        return [
            Held(
                entity,
                record_id,
                version := int(str(to_texts(text)["version"])),
                record_hash(entity, record_id, version, text),
            )
            for (entity, record_id), text in self.rows.items()
        ]

    def texts(self, entity: str, record_id: str) -> FieldTexts:
        """The lexical texts of a record that it holds."""
        return to_texts(self.rows[entity, record_id])

    def ids(self, entity: str) -> set[str]:
        """The ids of this entity that it holds."""
        return {record_id for name, record_id in self.rows if name == entity}

    def image(self) -> Laptop:
        """A copy of the whole device, as a backup of its disk."""
        return Laptop(
            self.world,
            self.who,
            self.device,
            self.incarnation,
            self.cursor,
            dict(self.rows),
            list(self.outbox),
            deepcopy(self.results),
            dict(self.made),
            self.sequence,
            merges=self.merges,
        )

    def edit(
        self, entity: str, record_id: str, *, group: str | None = None, settles: int | None = None, **new: str
    ) -> Operation:
        """Change fields of a record that it holds; an empty text clears."""
        texts = to_texts(self.rows[entity, record_id])
        edits = tuple(FieldEdit(name, _texts(texts.get(name)), (text,) if text else ()) for name, text in new.items())
        base = int(str(texts["version"]))
        return self._queue(OpKind.UPDATE, entity, record_id, base, edits, group, settles)

    def create(self, entity: str, record_id: str, *, group: str | None = None, **new: str) -> Operation:
        """Make a record offline."""
        edits = tuple(FieldEdit(name, (), (text,)) for name, text in new.items())
        return self._queue(OpKind.CREATE, entity, record_id, None, edits, group, None)

    def remove(self, entity: str, record_id: str) -> Operation:
        """Delete a record."""
        base = int(str(to_texts(self.rows[entity, record_id])["version"]))
        return self._queue(OpKind.DELETE, entity, record_id, base, (), None, None)

    def _queue(
        self,
        kind: OpKind,
        entity: str,
        record_id: str,
        base: int | None,
        edits: tuple[FieldEdit, ...],
        group: str | None,
        settles: int | None,
    ) -> Operation:
        self.sequence += 1
        at = write_datetime(self.world.now + timedelta(seconds=self.clock_error))
        made = Operation(self.sequence, kind, entity, record_id, at, base, group, settles, edits)
        self.outbox.append(made)
        self.made[self.sequence] = made
        return made

    def discard(self, sequence: int) -> Operation:
        """Give a rejected operation up; what waits behind it goes on afterwards."""
        parked = self.made[sequence]
        made = self._queue(OpKind.UPDATE, parked.entity, parked.id, None, (), None, sequence)
        self.outbox = [made, *(each for each in self.outbox if each is not made)]
        return made

    def first(self, most: int | None) -> list[Operation]:
        """The first operations that wait; a group is never parted."""
        sent = self.outbox[:most]
        for each in self.outbox[len(sent) :]:
            if not sent or each.group is None or each.group != sent[-1].group:
                break
            sent.append(each)
        return sent

    def push(self, *, lose_answer: bool = False, most: int | None = None) -> list[OpResult]:
        """Send the outbox, or its first operations; what is answered leaves it, except what only waits."""
        sent = self.first(most)
        if not sent:
            return []
        results = self._push(sent)
        if lose_answer:
            raise Lost
        self.results.update({each.sequence: each for each in results})
        waiting = {each.sequence for each in results if each.retryable}
        self.outbox = [each for each in self.outbox if each.sequence in waiting]
        return results

    def pull(self, *, max_bytes: int | None = None, lose_answer: bool = False) -> engine.Answer:
        """Fetch and apply one page, whole or not at all."""
        answer = self._pull(max_bytes)
        self.watch(answer)
        if lose_answer:
            raise Lost
        self.apply(answer)
        return answer

    def apply(self, answer: engine.Answer) -> None:
        """Take an answer's page and cursor over."""
        if answer.reconcile:
            return
        for evict in answer.evicts:
            del self.rows[evict.entity, evict.id]
        self.evicted += answer.evicts
        for entity, records in answer.puts.items():
            for record in records:
                self.rows[entity, record.id] = record.fragment
                self.received.append((entity, record.id))
        for entity, patches in answer.patches.items():
            for patch in patches:
                self.rows[entity, patch.id] = merge(self.rows[entity, patch.id], patch)
                self.received.append((entity, patch.id))
        self.cursor = answer.cursor

    def heal(self) -> int:
        """Reconcile; how many entries it had to list."""
        held = self.held()
        sums = pack_sums(shard_sums(held))
        keys, listed = None, 0
        for _ in range(3):
            answer = self._reconcile(sums, keys)
            self.incarnation, self.cursor = answer.incarnation, answer.cursor
            if not answer.shards:
                return listed
            entries = in_shards(held, answer.shards)
            keys, listed = pack(entries), len(entries)
        raise AssertionError("the hub keeps asking")

    def sync(self, *, max_bytes: int | None = None) -> None:
        """Push, pull until complete, compare, heal if need be."""
        self.evicted, self.received = [], []
        self.push()
        for _ in range(3):
            answer = self._pull_all(max_bytes)
            if answer.reconcile:
                self.heal()
                continue
            if answer.digest == Digest.of(each.hash for each in self.held()):
                return
            self.heal()
        raise AssertionError("hub and device do not agree")

    def _pull_all(self, max_bytes: int | None) -> engine.Answer:
        for _ in range(1000):
            answer = self.pull(max_bytes=max_bytes)
            if not answer.more:
                return answer
        raise AssertionError("the pages do not end")

    def left(self) -> dict[Key, Reason]:
        """What the last sync took away, and why."""
        return {(each.entity, each.id): each.reason for each in self.evicted}


def _texts(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)
