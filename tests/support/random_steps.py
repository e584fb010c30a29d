"""Random steps of a state machine: drawn by Hypothesis, which shrinks them, or from a seed, which repeats them.

Belongs here: what an event may be drawn from, playing from a seed, keeping what failed. May not know: any event.

What a seed draws hangs on this module and on the events alone, not on a version of Hypothesis or on what else was
imported. A history that failed is kept as its steps, so that it means the same when events are added later.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

M = TypeVar("M", bound="Steps")

Step = tuple[str, dict[str, Any]]
"""An event's name and what was drawn for it."""


@dataclass(frozen=True)
class Some:
    """Draws any of a set's subsets, as a list."""

    choices: tuple[Any, ...]


Choice = tuple[Any, ...] | range | Some
"""What one argument is drawn from: one of a tuple, a number of a range, or some of a set."""


def event(**choices: Choice) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule of a machine of `Steps`, with what each of its arguments is drawn from."""

    def declare(work: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(work)
        def noted(self: Steps, **drawn: Any) -> None:
            if not self.inside:
                self.steps.append((work.__name__, drawn))
            self.inside += 1
            try:
                work(self, **drawn)
                self.after_event()
            except BaseException:
                self.failed = True
                raise
            finally:
                self.inside -= 1

        made = rule(**{name: _strategy(each) for name, each in choices.items()})(noted)
        made.choices = choices  # type: ignore[attr-defined]
        return made

    return declare


def _strategy(choice: Choice) -> st.SearchStrategy[Any]:
    if isinstance(choice, Some):
        return st.sets(st.sampled_from(choice.choices)).map(sorted)
    return st.integers(choice[0], choice[-1]) if isinstance(choice, range) else st.sampled_from(choice)


def _drawn(chance: random.Random, choice: Choice) -> Any:
    if isinstance(choice, Some):
        return sorted(each for each in choice.choices if chance.random() < 0.5)
    return chance.choice(choice)


class Steps(RuleBasedStateMachine):
    """A machine that notes its steps. `begin` and `agree` are what comes before and after them."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.begun = False
        self.failed = False
        self.inside = 0
        """Events under way: one may be made of others, which are no steps of their own then."""

    def begin(self) -> None:
        """Set up."""
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        """The beginning of a history that Hypothesis plays."""
        self.begin()
        self.begun = True

    def after_event(self) -> None:
        """What must hold after each event."""

    def agree(self) -> None:
        """What must hold in the end."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave things as they were before the history, however it ended."""

    def teardown(self) -> None:
        """The end of a history that Hypothesis plays."""
        try:
            if self.begun and not self.failed:
                self.failed = True
                self.agree()
                self.failed = False
        finally:
            self.close()

    @classmethod
    def events(cls) -> Mapping[str, Mapping[str, Choice]]:
        """Every event with what its arguments are drawn from, by name."""
        found = {name: getattr(getattr(cls, name, None), "choices", None) for name in dir(cls)}
        return {name: choices for name, choices in found.items() if choices is not None}


def steps_of(machine: type[Steps], seed: int, length: int) -> list[Step]:
    """The steps that a seed stands for."""
    chance, events = random.Random(seed), machine.events()
    names = list(events)
    drawn: list[Step] = []
    for _ in range(length):
        name = chance.choice(names)
        drawn.append((name, {key: _drawn(chance, each) for key, each in events[name].items()}))
    return drawn


def play(machine: M, steps: Sequence[Step]) -> M:
    """The whole history, to its end; raises the first thing that does not hold."""
    try:
        machine.begin()
        for name, drawn in steps:
            getattr(machine, name)(**drawn)
        machine.agree()
    finally:
        machine.close()
    return machine


def search(make: Callable[[], M], bounds: settings, path: Path) -> M:
    """Histories that Hypothesis makes up; the shortest that fails is kept. Returns the last that was played."""
    played: list[M] = []

    def made() -> M:
        played[:] = [each for each in played if each.failed][-1:]
        played.append(make())
        return played[-1]

    try:
        run_state_machine_as_test(made, settings=bounds)
    except BaseException:
        keep(path, next(each.steps for each in reversed(played) if each.failed))
        raise
    return played[-1]


def kept(path: Path) -> list[list[Step]]:
    """The histories that failed once."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [[(name, drawn) for name, drawn in json.loads(line)] for line in lines if line]


def keep(path: Path, steps: Sequence[Step]) -> None:
    """Replay these steps from now on."""
    lines = path.read_text().splitlines() if path.exists() else []
    line = json.dumps(steps, separators=(",", ":"))
    if line not in lines:
        path.write_text("\n".join([*lines, line]) + "\n")
