"""The batch: what becomes of each write of a call, decided in order before anything is stored.

Belongs here: authorise, validate, merge. May not know: how decisions are rendered and stored (`path`).

A write is refused alone: its error goes into its own decision and its draft stays as it was. What a principal may not
see is NOT_FOUND, and a reference to it BROKEN_REFERENCE, with the same words as for what does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from saddlebag.contract.codec import EntityCodec, codec_for
from saddlebag.kernel import errors
from saddlebag.kernel.errors import ErrorKind, SaddlebagError
from saddlebag.kernel.ids import IdSource, check_id, is_id
from saddlebag.model.condition import Condition, Within
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Field, Value
from saddlebag.records.base import FieldConflict, Loser, Match, Status, Verb, Write
from saddlebag.records.draft import Draft, Drafts, present
from saddlebag.records.duplicates import Duplicates
from saddlebag.records.merging import Merge, delete_after_edit, edit_after_delete, merge_edit
from saddlebag.records.reach import Reach
from saddlebag.records.references import References, abouts
from saddlebag.records.reparent import Move, Reparenting
from saddlebag.records.survivor import taken_over
from saddlebag.security import policy
from saddlebag.security.policy import Action
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Transaction


@dataclass(slots=True)
class Decision:
    """What becomes of one write."""

    entity: str
    id: str | None
    status: Status = Status.REJECTED
    draft: Draft | None = None
    changed: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    conflicts: tuple[FieldConflict, ...] = ()
    error: SaddlebagError | None = None
    merged_into: str | None = None
    absorbed: tuple[str, ...] = ()
    """The records that have become part of this one."""
    matches: tuple[Match, ...] = ()


class Rules:
    """What holds for one principal and entity, compiled once a batch."""

    def __init__(self, tx: Transaction, principal: Principal, entity: Entity) -> None:
        self.entity = entity
        self.codec: EntityCodec = codec_for(tx.schema)[entity.name]
        self.visible = policy.visible(principal, entity, tx.schema)
        self.writable = policy.writable(principal, entity, tx.schema)
        self.targets = {
            each.name: Within(each.name, each.target, _seen(tx, principal, each))
            for each in entity.references
            if not each.derived
        }
        self.owner = Within(entity.owner, "User", policy.assignable(principal, entity)) if entity.owner else None
        self._abouts: dict[str, Within] = {}

    def about(self, tx: Transaction, principal: Principal, name: str) -> Within | None:
        """What holds of records about a visible one of this entity; None where they may not be about such a one."""
        if name not in self._abouts:
            whole = tx.schema.entity(name) if tx.schema.has(name) else None
            if self.entity.about is None or whole is None or not whole.customer or whole.about:
                return None
            self._abouts[name] = Within(self.entity.about[1], name, policy.visible(principal, whole, tx.schema))
        return self._abouts[name]


def _seen(tx: Transaction, principal: Principal, reference: Field) -> Condition:
    return policy.visible(principal, tx.schema.entity(reference.target), tx.schema)


class Batch:
    """The writes of one call, decided one after the other over common drafts."""

    def __init__(
        self, tx: Transaction, principal: Principal, *, now: datetime, new_id: IdSource, refuse_duplicates: bool = False
    ) -> None:
        self._tx = tx
        self._principal = principal
        self._now = now
        self._new_id = new_id
        self.drafts = Drafts(tx)
        self._reach = Reach(tx, self.drafts)
        self._references = References(tx.schema, self.drafts, tx)
        self._reparenting = Reparenting(tx, self.drafts)
        self.duplicates = Duplicates(tx, self.drafts)
        self._refuse_duplicates = refuse_duplicates
        self._rules: dict[str, Rules] = {}

    def decide(self, writes: Sequence[Write]) -> list[Decision]:
        """A decision for each write, in order."""
        self._prefetch(writes)
        return [self._decide_one(each) for each in writes]

    def cascade(self) -> None:
        """Recompute fields that are derived from records which the batch has changed."""
        self._references.cascade()

    def _decide_one(self, write: Write) -> Decision:
        decision = Decision(write.entity, write.id)
        try:
            self._decide(write, decision)
        except SaddlebagError as problem:
            problem.entity = problem.entity or write.entity
            problem.record_id = problem.record_id or decision.id
            decision.error = problem
            if decision.status is not Status.GONE:
                decision.status = Status.REJECTED
        return decision

    def _decide(self, write: Write, decision: Decision) -> None:
        rules = self._rules_of(write.entity)
        draft = self._target(write, rules, decision)
        if draft is None:
            self._create(write, rules, decision)
        elif write.verb is Verb.DELETE:
            self._delete(write, rules, draft, decision)
        elif write.verb is Verb.UNDELETE:
            self._undelete(write, rules, draft, decision)
        elif write.verb is Verb.MERGE:
            self._merge(write, rules, draft, decision)
        else:
            self._update(write, rules, draft, decision)

    def _rules_of(self, entity: str) -> Rules:
        if entity not in self._rules:
            self._rules[entity] = Rules(self._tx, self._principal, self._tx.schema.entity(entity))
        return self._rules[entity]

    def _target(self, write: Write, rules: Rules, decision: Decision) -> Draft | None:
        """The record that the write is about, which the principal sees; None when it is to be created."""
        if write.id is not None:
            check_id(write.id)
        creating = write.verb is Verb.CREATE
        record_id = write.id if creating or write.id is not None else self._by_key(write, rules)
        draft = self.drafts.get(rules.entity, record_id) if record_id else None
        seen = draft is not None and self._reach.holds(rules.visible, draft.facts())
        if creating or (write.verb is Verb.UPSERT and not seen):
            # Before anything is said of the id: who may not create at all must not learn which ids are taken.
            policy.check_action(self._principal, Action.CREATE, rules.entity)
        if creating and draft is not None:
            raise SaddlebagError(errors.DUPLICATE_KEY, "The id is taken.", field="id")
        # A key that an unseen record holds reads as any other taken key: creating says so.
        if creating or (write.verb is Verb.UPSERT and (draft is None or (write.id is None and not seen))):
            return None
        if record_id is None and write.key is None:
            raise SaddlebagError(errors.REQUIRED_FIELD, "The record has neither id nor key.", field="id")
        if draft is None or not seen:
            raise SaddlebagError(errors.NOT_FOUND)
        decision.id = draft.id
        if draft.deleted and write.verb is not Verb.UNDELETE:
            return self._heir(write, rules, draft, decision)
        return draft

    def _heir(self, write: Write, rules: Rules, draft: Draft, decision: Decision) -> Draft:
        """The record that a device's edit of a merged one goes on to; any other write of a deleted record is refused.

        Whoever edited the one did not know of the other: nothing of the edit is older than what stands there, so each
        field is compared by value (`base_version` 0).
        """
        heir = self.drafts.heir(rules.entity, draft.id)
        if heir is not None and self._reach.holds(rules.visible, heir.facts()):
            decision.merged_into = heir.id
            if write.verb is Verb.UPDATE and write.base_version is not None:
                decision.id = heir.id
                return heir
        decision.status = Status.GONE
        decision.conflicts = self._survivors(write, rules)
        if decision.merged_into is not None:
            raise SaddlebagError(errors.MERGED_AWAY)
        raise SaddlebagError(errors.NOT_FOUND, "The record has been deleted.")

    def _by_key(self, write: Write, rules: Rules) -> str | None:
        if write.key is None:
            return None
        entity, (name, value) = rules.entity, write.key
        if name not in entity.keys:
            raise SaddlebagError(errors.UNKNOWN_FIELD, f"{name} is not a key of {entity.name}.", field=name)
        value = rules.codec.check({name: value})[name]
        if value is None:
            raise SaddlebagError(errors.REQUIRED_FIELD, f"The key {name} has no value.", field=name)
        return self.drafts.holder(entity, name, value)

    def _survivors(self, write: Write, rules: Rules) -> tuple[FieldConflict, ...]:
        if write.verb is Verb.DELETE or write.base_version is None:
            return ()
        return edit_after_delete(rules.codec, write, rules.codec.check(write.values))

    def _create(self, write: Write, rules: Rules, decision: Decision) -> None:
        entity, principal = rules.entity, self._principal
        given = rules.codec.check(write.values)
        if write.key is not None:
            given.setdefault(write.key[0], rules.codec.check(dict([write.key]))[write.key[0]])
        values: dict[str, Value] = {each.name: each.default for each in entity.fields if each.default is not None}
        if entity.owner and principal.role not in policy.MASTERS:
            values[entity.owner] = principal.user
        draft = Draft(entity, write.id or self._new_id(), None, values)
        decision.id = draft.id
        after = self._checked(rules, draft, given, frozenset(given))
        self._check_double(write, rules, draft, after, decision)
        draft.values = after
        self.drafts.add(draft)
        self.drafts.touch(draft)
        self.duplicates.note(draft)
        decision.status, decision.draft, decision.changed = Status.CREATED, draft, tuple(after)

    def _update(self, write: Write, rules: Rules, draft: Draft, decision: Decision) -> None:
        self._admit(write, rules, draft, Action.UPDATE)
        given = rules.codec.check(write.values)
        if decision.merged_into is not None:
            write = replace(write, base_version=0)
        merge = merge_edit(
            rules.codec,
            draft,
            write,
            given,
            now=self._now,
            changed_at=lambda name: self._changed_at(draft, name),
            author=self._author,
        )
        changed = frozenset(name for name, value in merge.values.items() if draft.values.get(name) != value)
        if changed:
            after = self._checked(rules, draft, merge.values, changed, merge)
            self._check_double(write, rules, draft, after, decision)
            draft.values = after
            self.drafts.touch(draft)
            self.duplicates.note(draft)
        decision.draft, decision.changed = draft, tuple(sorted(changed))
        decision.merged, decision.conflicts = merge.merged, merge.conflicts
        decision.status = _status(merge, bool(changed))

    def _check_double(
        self, write: Write, rules: Rules, draft: Draft, after: Mapping[str, Value], decision: Decision
    ) -> None:
        """Raise DUPLICATE_RECORD for a create or upsert that doubles a record which the principal sees."""
        if not self._refuse_duplicates or write.verb not in (Verb.CREATE, Verb.UPSERT):
            return
        sees = lambda each: self._reach.holds(rules.visible, each.facts())  # noqa: E731
        decision.matches = self.duplicates.matches(draft, after, sees)
        if decision.matches:
            raise SaddlebagError(errors.DUPLICATE_RECORD, rule=decision.matches[0].rule)

    def _delete(self, write: Write, rules: Rules, draft: Draft, decision: Decision) -> None:
        self._admit(write, rules, draft, Action.DELETE)
        parts = self._references.parts(draft)
        self._references.check_unused([draft, *parts])
        if write.base_version is not None:
            decision.conflicts = delete_after_edit(rules.codec, rules.entity, draft, write.base_version)
        for each in (draft, *parts):
            each.deleted = True
            self.drafts.touch(each)
        decision.status, decision.draft = Status.DELETED, draft

    def _undelete(self, write: Write, rules: Rules, draft: Draft, decision: Decision) -> None:
        """Bring back a record and the parts that went with it; what they refer to must be there again."""
        decision.draft, decision.status = draft, Status.UNCHANGED
        if draft.live:
            return
        self._admit(write, rules, draft, Action.DELETE)
        back = [draft, *self._references.gone_with(draft)]
        held = [(each, each.values) for each in back]
        try:
            for each in back:
                # A part is checked against its whole, which must be there by then.
                self.drafts.revive(each)
                each.values = self._checked(self._rules_of(each.entity.name), each, {}, frozenset(), anew=True)
        except SaddlebagError:
            for each, values in held:
                each.deleted, each.values = True, values
            raise
        for each in back:
            each.merged_into = None
            self.drafts.touch(each)
        decision.status = Status.UNDELETED

    def _merge(self, write: Write, rules: Rules, master: Draft, decision: Decision) -> None:
        """Let the master take over the losers' values, and everything that refers to them."""
        self._admit(write, rules, master, Action.UPDATE)
        found = [self._loser(rules, master, each) for each in write.losers]
        losers = {each.id: each for each in found if each is not None}
        if len({each.id for each in write.losers}) < len(write.losers) or not write.losers:
            raise SaddlebagError(errors.INVALID_VALUE, "Each record to be merged is named once.", field="loser")
        going = frozenset(losers)
        moves = self._reparenting.moves(rules.entity, master, going)
        values = {name: each.values for name, each in losers.items()}
        given = taken_over(rules.entity, master.id, master.values, values)
        given |= self._circles(rules.entity, master, given, going)
        after = self._checked(rules, master, given, frozenset(given), going=going)
        for each in moves:
            self._check_move(each)
        # From here on nothing is refused.
        decision.draft, decision.status = master, Status.MERGED if losers else Status.UNCHANGED
        decision.changed, decision.absorbed = tuple(sorted(given)), tuple(losers)
        for loser in losers.values():
            loser.deleted, loser.merged_into = True, master.id
            self.drafts.touch(loser)
        if losers:  # last, as it may have taken a key from one of them
            master.values = after
            self.drafts.touch(master)
        for each in moves:
            each.draft.values = each.values
            self._references.derive(each.draft.entity, each.draft.values)
            self.drafts.touch(each.draft)

    def _circles(
        self, entity: Entity, master: Draft, given: Mapping[str, Value], going: frozenset[str]
    ) -> dict[str, Value]:
        """References of the master that would lead back to it once the losers' places are its own, to be cleared."""
        cleared: dict[str, Value] = {}
        for field in entity.references:
            if field.target != entity.name:
                continue
            place, met = given.get(field.name, master.values.get(field.name)), set[Value]()
            while isinstance(place, str) and place not in met and place not in going and place != master.id:
                met.add(place)
                draft = self.drafts.get(entity, place)
                place = draft.values.get(field.name) if draft is not None else None
            if place == master.id or place in going:
                cleared[field.name] = None
        return cleared

    def _loser(self, rules: Rules, master: Draft, loser: Loser) -> Draft | None:
        """A record that is to be merged into the master, None where it has been; raises what stands against it."""
        check_id(loser.id)
        if loser.id == master.id:
            raise SaddlebagError(errors.INVALID_VALUE, "A record cannot be merged into itself.", field="loser")
        draft = self.drafts.get(rules.entity, loser.id)
        if draft is None or not self._reach.holds(rules.visible, draft.facts()):
            raise SaddlebagError(errors.NOT_FOUND, f"There is no record {loser.id} to be merged.", field="loser")
        if draft.deleted:
            if self.drafts.heir(rules.entity, loser.id) is master:
                return None
            raise SaddlebagError(errors.NOT_FOUND, f"The record {loser.id} has been deleted.", field="loser")
        write = Write(Verb.DELETE, rules.entity.name, loser.id, if_version=loser.if_version)
        self._admit(write, rules, draft, Action.DELETE)
        return draft

    def _check_move(self, move: Move) -> None:
        """Raise NOT_ALLOWED or READ_ONLY_FIELD where the principal may not let the record refer to another."""
        rules = self._rules_of(move.draft.entity.name)
        policy.check_action(self._principal, Action.UPDATE, rules.entity)
        for name in move.fields:
            policy.check_field(self._principal, rules.entity, rules.entity.field(name))
        before, after = move.draft.facts(), {**move.values, "id": move.draft.id}
        if not (self._reach.holds(rules.writable, before) and self._reach.holds(rules.writable, after)):
            name = rules.entity.name
            raise SaddlebagError(errors.NOT_ALLOWED, f"The caller may not change some {name} that refers to it.")

    def _admit(self, write: Write, rules: Rules, draft: Draft, action: Action) -> None:
        """Raise NOT_ALLOWED or STALE_VERSION where the stored record may not be written."""
        policy.check_action(self._principal, action, rules.entity)
        if not self._reach.holds(rules.writable, draft.facts()):
            raise SaddlebagError(errors.NOT_ALLOWED, "The caller may read the record but not write it.")
        if write.if_version is not None and draft.stored is not None and draft.stored.version != write.if_version:
            raise SaddlebagError(errors.STALE_VERSION)

    def _checked(
        self,
        rules: Rules,
        draft: Draft,
        given: Mapping[str, Value],
        changed: frozenset[str],
        merge: Merge | None = None,
        *,
        anew: bool = False,
        going: frozenset[str] = frozenset(),
    ) -> dict[str, Value]:
        """The draft's values after the write; raises what is wrong with it.

        `anew` says that the record was deleted and comes back, `going` names records that give up their keys to it.
        """
        entity, before, created = rules.entity, draft.values, draft.stored is None
        after = present({**before, **given})
        self._follow_merges(rules, after, changed, created or anew)
        self._references.derive(entity, after)
        for each in entity.fields:
            if each.name in changed:
                self._check_change(rules, each, before.get(each.name), after.get(each.name), given, merge)
            if each.required and (created or each.name in changed) and each.name not in after:
                raise _refusal(errors.REQUIRED_FIELD, entity, each.name, "has no value")
        self._check_references(rules, after, changed, created or anew)
        if not self._reach.holds(rules.writable, {**after, "id": draft.id}):
            raise SaddlebagError(errors.NOT_ALLOWED, "The caller may not write a record with these values.")
        for key in entity.keys:
            if key in after and (anew or after[key] != before.get(key)):
                holder = self.drafts.holder(entity, key, after[key])
                if holder not in (None, draft.id) and holder not in going:
                    raise _refusal(errors.DUPLICATE_KEY, entity, key, "is taken")
        return after

    def _check_change(
        self, rules: Rules, field: Field, old: Value, new: Value, given: Mapping[str, Value], merge: Merge | None
    ) -> None:
        entity = rules.entity
        if field.derived:
            if given[field.name] != new:
                raise _refusal(errors.READ_ONLY_FIELD, entity, field.name, "is kept by the hub")
            return
        if new == old:
            return
        policy.check_field(self._principal, entity, field)
        if field.fixed and old is not None:
            raise _refusal(errors.READ_ONLY_FIELD, entity, field.name, "is given once, with the record")
        judged = merge is not None and field.name in merge.decided
        # An outside system reports what has happened there; its own transitions have judged it.
        bound = field.transitions and old is not None and not judged and self._principal.role is not Role.SYSTEM
        if bound and new not in dict(field.transitions).get(str(old), ()):
            raise _refusal(errors.INVALID_TRANSITION, entity, field.name, f"may not move on from {old} this way")

    def _follow_merges(self, rules: Rules, after: dict[str, Value], changed: frozenset[str], created: bool) -> None:
        """Let references to records that were merged away name those that they have become part of."""
        for name, within in rules.targets.items():
            value = after.get(name)
            if (name in changed or created) and isinstance(value, str) and not self._reach.member(within, value):
                heir = self.drafts.heir(self._tx.schema.entity(within.entity), value)
                after[name] = heir.id if heir is not None else value
        about = rules.entity.about
        if about is None or not (created or changed.intersection(about)):
            return
        name, value = str(after.get(about[0])), str(after.get(about[1]))
        heir = self.drafts.heir(self._tx.schema.entity(name), value) if self._tx.schema.has(name) else None
        if heir is not None:
            after[about[1]] = heir.id

    def _check_references(
        self, rules: Rules, after: Mapping[str, Value], changed: frozenset[str], created: bool
    ) -> None:
        for name, within in rules.targets.items():
            if (name in changed or created) and name in after and not self._reach.member(within, after[name]):
                raise _refusal(errors.BROKEN_REFERENCE, rules.entity, name, "names no record that the caller sees")
        self._check_about(rules, after, changed)
        owner = rules.entity.owner
        if rules.owner is None or owner not in changed or owner not in after:
            return
        if not self._reach.member(rules.owner, after[owner]):
            raise _refusal(errors.NOT_ALLOWED, rules.entity, owner, "may not be given to that user")

    def _check_about(self, rules: Rules, after: Mapping[str, Value], changed: frozenset[str]) -> None:
        about = rules.entity.about
        if about is None or not changed.intersection(about):
            return
        within = rules.about(self._tx, self._principal, str(after[about[0]]))
        if within is None:
            raise _refusal(errors.INVALID_VALUE, rules.entity, about[0], "names no entity that leads to a customer")
        if not self._reach.member(within, after[about[1]]):
            raise _refusal(errors.BROKEN_REFERENCE, rules.entity, about[1], "names no record that the caller sees")

    def _changed_at(self, draft: Draft, name: str) -> datetime:
        """When the field was last written: the time of the change log entry that its version numbers."""
        stored = draft.stored
        if stored is None:
            return self._now
        number = stored.field_version(name)
        entries = self._tx.changes(after=number - 1, limit=1)
        return entries[0].at if entries and entries[0].sequence == number else stored.modified_at

    def _author(self) -> str:
        record = self._tx.get("User", [self._principal.user]).get(self._principal.user)
        return str(record.values.get("name", "")) if record else self._principal.user

    def _prefetch(self, writes: Sequence[Write]) -> None:
        """Ask the store what the writes will need, in a few statements however many there are."""
        groups: dict[str, list[Write]] = {}
        for each in writes:
            groups.setdefault(each.entity, []).append(each)
        known = {name: group for name, group in groups.items() if self._tx.schema.has(name)}
        for name, group in known.items():
            entity = self._rules_of(name).entity
            named = [*(each.id for each in group), *(loser.id for each in group for loser in each.losers)]
            self.drafts.load(entity, [each for each in named if each is not None and is_id(each)])
            for key in entity.keys:
                self.drafts.load_keys(entity, key, _key_values(group, key))
        for name, group in known.items():
            self._prefetch_conditions(self._rules_of(name), group)
            self._references.announce(self._rules_of(name).entity, self._to_delete(group))
            self._prefetch_moves(self._rules_of(name), group)

    def _to_delete(self, group: Sequence[Write]) -> list[str]:
        return [each.id for each in group if each.verb is Verb.DELETE and each.id is not None and is_id(each.id)]

    def _prefetch_moves(self, rules: Rules, group: Sequence[Write]) -> None:
        """Of records that the principal does not see not even the number of those that refer to them is asked."""
        named = [self.drafts.get(rules.entity, loser.id) for each in group for loser in each.losers if is_id(loser.id)]
        losers = {
            each.id
            for each in named
            if each is not None and each.live and self._reach.holds(rules.visible, each.facts())
        }
        if not losers:
            return
        for draft in self._reparenting.announce(rules.entity, losers):
            child = self._rules_of(draft.entity.name)
            self._reach.prefetch(child.writable, [draft.facts()])

    def _prefetch_conditions(self, rules: Rules, group: Sequence[Write]) -> None:
        held = [each.facts() for each in self.drafts.of(rules.entity.name)]
        given = [_references_of(rules.entity, each) for each in group]
        self._reach.prefetch(rules.visible, held)
        self._reach.prefetch(rules.writable, [*held, *given])
        for within in rules.targets.values():
            self._reach.prefetch(within, given)
        if rules.owner is not None:
            self._reach.prefetch(rules.owner, given)
        for name in abouts(rules.entity, given):
            wanted = rules.about(self._tx, self._principal, name)
            if wanted is not None and rules.entity.about is not None:
                self._reach.prefetch(wanted, [each for each in given if each.get(rules.entity.about[0]) == name])
        self._references.load_sources(rules.entity, [*held, *given])


def _references_of(entity: Entity, write: Write) -> dict[str, Value]:
    """The well-formed references of a write that nobody has checked yet, and its id."""
    names = (*(each.name for each in entity.references), *(entity.about or ()))
    given = {"id": write.id, **{each: write.values.get(each) for each in names}}
    return {name: value for name, value in given.items() if isinstance(value, str) and is_id(value)}


def _status(merge: Merge, changed: bool) -> Status:
    if merge.conflicts:
        return Status.CONFLICT
    if merge.merged:
        return Status.MERGED
    return Status.UPDATED if changed else Status.UNCHANGED


def _key_values(group: Sequence[Write], key: str) -> list[Value]:
    given = [each.values.get(key) for each in group]
    given += [each.key[1] for each in group if each.key is not None and each.key[0] == key]
    return [each for each in given if not isinstance(each, str) or each.isprintable()]


def _refusal(kind: ErrorKind, entity: Entity, field: str, why: str) -> SaddlebagError:
    return SaddlebagError(kind, f"{entity.name}.{field} {why}.", entity=entity.name, field=field)
