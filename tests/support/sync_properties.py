"""The ten properties that the design of sync promises, each a check that says its own name when it is broken.

Belongs here: judgement over what a page, a push or a whole sync did. May not know: which history led there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from model_device import Key, Laptop
from records_world import World
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.fragment import to_texts
from saddlebag.kernel.ops import Operation, OpKind, OpResult, OpStatus
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.base import ChangeKind, Rendering
from saddlebag.store.tables import Conflict
from saddlebag.sync.engine import Answer
from saddlebag.sync.page import Reason
from scope_oracle import Oracle

LEAST_PAGE = 4096
PAGE_RECORDS = 1024 * 1024


class Property(Enum):
    """What must hold after any history."""

    CONVERGENCE = "device rows equal the projection, byte for byte, and digests equal"
    PROMPT_LEAVE = "what no rule claims leaves at the next sync, with the true reason; what one claims stays"
    NO_LEAK = "nothing is said of a record that the device neither holds nor may hold"
    EXACTLY_ONCE = "each operation takes effect once, or not at all where it was refused"
    RESUME = "lost messages cost at most one page and no healing"
    NEVER_REBUILD = "what is sent is the difference, whatever happened to either side"
    CLOCKS = "no clock of either side makes a cursor or an operation fail"
    POLICIES = "field conflicts follow the policies, disjoint edits never conflict, every losing value is kept"
    REFERENCES = "parents arrive first and leave last; a reference to an absent record stays as it is"
    BOUNDS = "a page keeps to its budget; hostile input gets a typed refusal and no effect"


class Broken(AssertionError):
    """A property does not hold."""

    def __init__(self, which: Property, detail: object) -> None:
        super().__init__(f"{which.name}: {which.value}; but: {detail}")
        self.property = which


def holds(which: Property, fact: object, detail: object) -> None:
    """Raise Broken unless `fact`."""
    if not fact:
        raise Broken(which, detail)


@dataclass
class Sent:
    """What the pages of one sync said, in order, and what the device held before."""

    before: dict[Key, str]
    puts: list[Key] = field(default_factory=list)
    evicts: list[Key] = field(default_factory=list)


@dataclass
class Doubt:
    """What a fault beyond lost messages has done to a device or to what the hub knows of it."""

    healed: bool = False
    """It has listed what it holds: what the hub knows only by its claim leaves without a reason, and without grace."""
    forgotten: frozenset[Key] = frozenset()
    """Records that the hub has forgotten it holds, so that they come again."""


def page(laptop: Laptop, answer: Answer, oracle: Oracle, budget: int | None, doubt: Doubt) -> None:
    """Every check of one page, before the device applies it."""
    _leak_on_a_page(laptop, answer, oracle)
    for each in answer.evicts:
        allowed = {_reason(oracle, (each.entity, each.id)), *([Reason.LEFT_SCOPE] if doubt.healed else [])}
        holds(Property.PROMPT_LEAVE, each.reason in allowed, f"{each} instead of {allowed}")
    repeated = [
        key for key, put in _puts(answer) if laptop.rows.get(key) == put.fragment and key not in doubt.forgotten
    ]
    holds(Property.RESUME, not repeated, f"sent although it is held: {repeated}")
    _order(laptop, answer)
    sizes = [len(put.fragment) for _, put in _puts(answer)] + _patches(answer) + [80 for _ in answer.evicts]
    most = budget or PAGE_RECORDS
    holds(Property.BOUNDS, len(sizes) < 2 or sum(sizes) <= most, f"{sum(sizes)} bytes on a page of {most}")
    holds(Property.BOUNDS, not answer.more or sizes, "an empty page announces more")


def _order(laptop: Laptop, answer: Answer) -> None:
    """Parents arrive first and leave last; what is revoked may leave before anything else."""
    later: set[object] = set()
    for (_, record), put in reversed(list(_puts(answer))):
        early = later & set(_references(put.fragment).values())
        holds(Property.REFERENCES, not early, f"{record} is put before {early}, to which it refers")
        later.add(record)
    gone: set[str] = set()
    for each in answer.evicts:
        early = gone & set(_references(laptop.rows[each.entity, each.id]).values())
        holds(Property.REFERENCES, not early, f"{each} leaves after {early}, to which it refers")
        gone |= {each.id} if each.reason is not Reason.REVOKED else set()


def _leak_on_a_page(laptop: Laptop, answer: Answer, oracle: Oracle) -> None:
    unknown = [each for each in answer.evicts if (each.entity, each.id) not in laptop.rows]
    holds(Property.NO_LEAK, not unknown, f"evicts what is not held: {unknown}")
    unseen = [key for key in keys(answer) if not oracle.visible(key)]
    holds(Property.NO_LEAK, not unseen, f"sends what she may not see: {unseen}")
    holds(Property.NO_LEAK, not answer.reconcile or not (keys(answer) or answer.evicts), "data beside a reconcile")


def keys(answer: Answer) -> list[Key]:
    """The records that a page puts, whole or as patches."""
    listed = (*answer.puts.items(), *answer.patches.items())
    return [(entity, each.id) for entity, records in listed for each in records]


def _puts(answer: Answer) -> Iterable[tuple[Key, Rendering]]:
    for entity, records in answer.puts.items():
        for record in records:
            yield (entity, record.id), record


def _patches(answer: Answer) -> list[int]:
    return [len(each.content) for patches in answer.patches.values() for each in patches]


def _reason(oracle: Oracle, key: Key) -> Reason:
    if oracle.revoked:
        return Reason.REVOKED
    if not oracle.lives(key):
        return Reason.MERGED_INTO if oracle.merged(key) else Reason.DELETED
    return Reason.LEFT_SCOPE if oracle.visible(key) else Reason.REVOKED


def whole_sync(laptop: Laptop, answer: Answer, expected: Mapping[Key, str], sent: Sent, doubt: Doubt) -> None:
    """Every check of a sync that has ended; the hub did not change since its push."""
    stale = sorted(laptop.rows.keys() - expected.keys())
    holds(Property.PROMPT_LEAVE, not stale, f"still held: {stale}")
    torn = [key for key in laptop.rows.keys() & expected.keys() if laptop.rows[key] != expected[key]]
    named = [key for key in torn if _references(laptop.rows[key]) != _references(expected[key])]
    holds(Property.REFERENCES, not named, f"other references than at the hub: {named}")
    holds(Property.CONVERGENCE, laptop.rows == expected, f"missing {expected.keys() - laptop.rows.keys()}, torn {torn}")
    held = [each.hash for each in laptop.held()]
    told = answer.digest or Digest()
    holds(Property.CONVERGENCE, (told.count, told.sum) == (len(held), sum(held) % 2**64), f"digest {told}")
    counts = {name: each.count for name, each in answer.digests.items()}
    holds(Property.CONVERGENCE, sum(counts.values()) in (0, len(held)), f"counts {counts}")
    wanted = {key for key in expected if sent.before.get(key) != expected[key]}
    fact = len(set(sent.puts)) == len(sent.puts) and wanted <= set(sent.puts) <= wanted | doubt.forgotten
    holds(Property.NEVER_REBUILD, fact, f"sent {sorted(sent.puts)}, differing {sorted(wanted)}")
    gone = sorted(sent.before.keys() - expected.keys())
    holds(Property.NEVER_REBUILD, sorted(sent.evicts) == gone, f"evicted {sorted(sent.evicts)}, too many {gone}")


def _references(text: str) -> dict[str, object]:
    names = {each.name for entity in BUILTIN.entities for each in entity.references}
    return {name: value for name, value in to_texts(text).items() if name in names}


def losing_values(world: World, laptop: Laptop, operations: Sequence[Operation], results: Sequence[OpResult]) -> None:
    """What a push set aside can be read back."""
    for operation, result in zip(operations, results, strict=True):
        kept = _kept(world, operation)
        lost = {(each.field, each.mine, each.theirs) for each in result.conflicts}
        holds(Property.POLICIES, lost <= kept, f"{operation} lost {lost}, kept {kept}")
        if result.status is OpStatus.GONE and operation.kind is OpKind.UPDATE:
            typed = {(each.name, "\n".join(each.new) or None, None) for each in operation.fields}
            holds(Property.POLICIES, typed <= kept, f"typed {typed} into a deleted record, kept {kept}")


def _kept(world: World, operation: Operation) -> set[tuple[str, str | None, str | None]]:
    rows = world.run(lambda tx: tx.rows.select(Conflict, entity=operation.entity, record=operation.id), read_only=True)
    return {(each.field, each.mine, each.theirs) for each in rows}


def same_field(policy: str, mine: str, theirs: str, stands: str, result: OpResult, mine_is_newer: bool) -> None:
    """What stands after both sides wrote one field, by a table of its own."""
    both = mine in stands and theirs in stands
    wins = {
        "device-wins": stands == mine,
        "latest-edit": stands == (mine if mine_is_newer else theirs),
        "append": both,
    }[policy]
    holds(Property.POLICIES, wins, f"{policy}: {mine!r} against {theirs!r} made {stands!r}")
    expected = OpStatus.MERGED if policy == "append" else OpStatus.CONFLICT
    holds(Property.POLICIES, result.status is expected, f"{policy} answered {result}")


def groups(laptop: Laptop, listed: Iterable[Sequence[int]]) -> None:
    """Of the operations of a group all took effect, or none did."""
    for sequences in listed:
        told = [laptop.results[each].status is OpStatus.REJECTED for each in sequences if each in laptop.results]
        holds(Property.EXACTLY_ONCE, len(set(told)) < 2, f"a group was parted: {sequences} {told}")


def words(world: World, laptops: Sequence[Laptop], said: Mapping[tuple[int, int, str], Key]) -> None:
    """A word of an operation that the hub took is in the hub exactly once, one of a refused operation nowhere; with
    the word "" it is the creation of the record that counts.
    """
    log = world.run(lambda tx: tx.changes(after=0, limit=100_000), read_only=True)
    made = [each.id for each in log if each.kind is ChangeKind.CREATE]
    results = {id(laptop): laptop.results for laptop in laptops}
    for (laptop, sequence, word), (entity, record) in said.items():
        result = results[laptop].get(sequence)
        if result is None or result.status is OpStatus.GONE:
            continue
        while word and (master := world.stored(entity, record).merged_into):
            record = master
        taken = 0 if result.status is OpStatus.REJECTED else 1
        found = world.stored(entity, record).fragment.count(word) if word else made.count(record)
        holds(
            Property.EXACTLY_ONCE,
            found == taken,
            f"{word or 'the creation'} of {entity} {record} stands {found} times after {result}",
        )
