"""Checks and what came of them: one id, one line, one of pass, fail and skip.

Belongs here: the registry of checks, running them, the report. May not know: HTTP, SOAP, any single check.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from conformance.wire import Target

Run = Callable[[Target], object]
"""Judges; text that it gives back is told in the report, as figures that were measured."""


class Skip(Exception):
    """The check cannot be made here; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: a stable id, and a function that raises AssertionError where it is not kept."""

    id: str
    run: Run


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a check: `status` is pass, fail or skip; `reason` is for pass what was measured, if anything."""

    id: str
    status: str
    reason: str = ""

    def as_dict(self) -> dict[str, str]:
        """As it stands in the JSON report."""
        return asdict(self)


class Suite:
    """The checks of one module, all below one prefix, in the order of their declaration.

    `brief` says how the rest of an id begins where it belongs to a brief run too.
    """

    def __init__(self, prefix: str, brief: tuple[str, ...] = ("",)) -> None:
        self.prefix = prefix
        self.brief = tuple(f"{prefix}/{each}" for each in brief)
        self._checks: list[Check] = []
        self._makers: list[Callable[[Target], Iterable[Check]]] = []

    def check(self, name: str) -> Callable[[Run], Run]:
        """Declare a function to be the check PREFIX/NAME."""

        def declare(run: Run) -> Run:
            self._checks.append(Check(f"{self.prefix}/{name}", run))
            return run

        return declare

    def generated(self, maker: Callable[[Target], Iterable[Check]]) -> Callable[[Target], Iterable[Check]]:
        """Declare a function that makes checks from what the hub publishes."""
        self._makers.append(maker)
        return maker

    def checks(self, target: Target, only: str) -> Iterator[Check]:
        """The checks whose id begins with `only`; a maker that breaks is a failing check of its own."""
        if not (self.prefix.startswith(only) or only.startswith(self.prefix)):
            return
        yield from self._checks
        for maker in self._makers:
            try:
                yield from maker(target)
            except Exception as problem:  # noqa: BLE001 - whatever it was, the report has to say it
                yield Check(f"{self.prefix}/{maker.__name__}", _raiser(problem))


def _raiser(problem: Exception) -> Run:
    def run(_target: Target) -> None:
        raise problem

    return run


def skipped(reason: str) -> Run:
    """A check that is never made; the report says why."""

    def skip(_target: Target) -> None:
        raise Skip(reason)

    return skip


def expect(holds: object, otherwise: str) -> None:
    """Fail the check with this sentence unless the condition holds."""
    if not holds:
        raise AssertionError(otherwise)


def same(found: object, wanted: object, what: str) -> None:
    """Fail the check unless both are equal."""
    expect(found == wanted, f"{what}: expected {_short(wanted)}, found {_short(found)}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}..."


def run_all(suites: Iterable[Suite], target: Target, only: str, brief: bool | None = None) -> list[Result]:
    """Run every check that is asked for, printing a line for each as it ends.

    `brief` says whether only those of a brief run are, or only those that it leaves out.
    """
    results = []
    for suite in suites:
        if (brief is True and not suite.brief) or (brief is False and suite.brief == (f"{suite.prefix}/",)):
            continue
        for check in suite.checks(target, only):
            if check.id.startswith(only) and brief in (None, check.id.startswith(suite.brief)):
                results.append(_run(check, target))
                _print(results[-1])
    return results


def _run(check: Check, target: Target) -> Result:
    try:
        told = check.run(target)
    except Skip as reason:
        return Result(check.id, "skip", str(reason))
    except AssertionError as problem:
        return Result(check.id, "fail", str(problem) or "an assertion without a word")
    except Exception as problem:  # noqa: BLE001 - a check that breaks is a failed check, not a broken run
        return Result(check.id, "fail", f"{type(problem).__name__}: {problem} {_where(problem)}"[:1000])
    return Result(check.id, "pass", told if isinstance(told, str) else "")


def _where(problem: Exception) -> str:
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if "conformance" in Path(frame.filename).parts] or list(frames)
    return f"({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else ""


def _print(result: Result) -> None:
    reason = f"  {result.reason}" if result.reason else ""
    sys.stdout.write(f"{result.status:<4}  {result.id}{reason}\n")
    sys.stdout.flush()
