"""The sync session as a machine: its table, and that every path through it ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel import errors, session
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.session import HEALS, Session, State
from saddlebag.kernel.session_events import (
    Begun,
    Command,
    Compare,
    Compared,
    Distrusted,
    Event,
    Finish,
    PageStored,
    Pull,
    Push,
    Pushed,
    Reconcile,
    Reconciled,
    Refused,
    Register,
    Registered,
    Stop,
)

MINE, THEIRS = Digest(1, 7), Digest(2, 9)


def refused(kind: errors.ErrorKind) -> Refused:
    return Refused(SaddlebagError(kind))


def drive(*events: Event) -> list[Command]:
    machine = Session("c0", 1)
    return [machine.receive(event) for event in (Begun(), *events)]


def test_a_quiet_sync_pushes_pulls_compares_and_ends():
    commands = drive(Pushed(False), PageStored("c0", False, MINE), Compared(MINE))
    assert commands == [Push(1), Pull("c0"), Compare(), Finish()]


def test_what_is_unsent_goes_first_and_pages_follow_their_cursors():
    commands = drive(Pushed(True), Pushed(False), PageStored("c1", True), PageStored("c2", False, MINE), Compared(MINE))
    assert commands == [Push(1), Push(1), Pull("c0"), Pull("c1"), Compare(), Finish()]


def test_a_difference_is_healed_and_pulled_again():
    commands = drive(
        Pushed(False),
        PageStored("c1", False, THEIRS),
        Compared(MINE),
        Reconciled("c1", 1, (3, 5)),
        Reconciled("c9", 2),
        Pushed(False),
        PageStored("c10", False, THEIRS),
        Compared(THEIRS),
    )
    assert commands[3:] == [Reconcile(1), Reconcile(1, (3, 5)), Push(2), Pull("c9"), Compare(), Finish()]


def test_a_hub_that_gives_no_digest_is_believed():
    assert drive(Pushed(False), PageStored("c1", False, None), Compared(MINE))[-1] == Finish()


def test_a_key_that_is_taken_leads_to_a_new_incarnation_and_a_new_push():
    commands = drive(refused(errors.OPERATION_MISMATCH), Reconciled("c1", 2))
    assert commands == [Push(1), Reconcile(1), Push(2)]


def test_a_cursor_that_the_hub_cannot_read_leads_to_registration_and_comparison():
    commands = drive(Pushed(False), refused(errors.INVALID_CURSOR), Registered("c5", 4), Reconciled("c6", 5))
    assert commands[2:] == [Register(), Reconcile(4), Push(5)]


def test_a_distrusted_device_compares_at_once():
    assert drive(Pushed(False), Distrusted())[-1] == Reconcile(1)


def test_any_other_refusal_stops_with_its_error():
    stop = drive(Pushed(False), refused(errors.NO_CONNECTION))[-1]
    assert isinstance(stop, Stop)
    assert stop.error.kind is errors.NO_CONNECTION


def test_healing_that_does_not_help_is_given_up():
    events: list[Event] = [Pushed(False), PageStored("c", False, THEIRS), Compared(MINE)]
    round_ = [Reconciled("c", 1), Pushed(False), PageStored("c", False, THEIRS), Compared(MINE)]
    stop = drive(*events, *round_ * HEALS)[-1]
    assert isinstance(stop, Stop)
    assert stop.error.kind is errors.NOT_HEALED


def test_a_hub_that_asks_for_keys_for_ever_is_given_up():
    events = [Pushed(False), Distrusted(), *[Reconciled("c", 1, (1,))] * (HEALS + 1)]
    assert isinstance(drive(*events)[-1], Stop)


def test_an_event_that_nobody_waits_for_is_a_mistake_and_changes_nothing():
    machine = Session("c0", 1)
    machine.receive(Begun())
    with pytest.raises(ValueError, match="does not wait for"):
        machine.receive(Compared(MINE))
    assert machine.state is State.PUSHING


def test_every_state_can_be_reached_and_left():
    reached = set(session.TRANSITIONS.values())
    left = {state for state, _ in session.TRANSITIONS}
    assert reached == set(State) - {State.READY, State.FAILED}
    assert left == set(State) - {State.DONE, State.FAILED}


ANSWERS = {
    Push: [Pushed(False), Pushed(True), refused(errors.OPERATION_MISMATCH), refused(errors.BUSY)],
    Pull: [
        PageStored("c", True),
        PageStored("c", False, MINE),
        PageStored("c", False, THEIRS),
        Distrusted(),
        refused(errors.INVALID_CURSOR),
        refused(errors.NO_CONNECTION),
    ],
    Compare: [Compared(MINE)],
    Register: [Registered("c", 3), refused(errors.UNKNOWN_DEVICE)],
    Reconcile: [Reconciled("c", 2), Reconciled("c", 2, (1, 2)), refused(errors.INTERNAL)],
}


@given(st.lists(st.integers(0, 5), max_size=60))
def test_whatever_is_answered_the_session_waits_or_ends_never_more_than_its_heals(choices):
    machine = Session("c", 1)
    command = machine.receive(Begun())
    reconciles = 0
    for choice in choices:
        reconciles += isinstance(command, Reconcile) and not command.wanted
        if machine.over:
            break
        answers = ANSWERS[type(command)]
        command = machine.receive(answers[choice % len(answers)])
    assert machine.over == isinstance(command, Finish | Stop)
    assert reconciles <= HEALS
