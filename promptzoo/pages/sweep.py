"""A sweep while it goes on, and how far it is: `OnScreen`, `show`."""

import json
import time
from dataclasses import asdict
from statistics import fmean
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live as Screen
from rich.text import Text

from promptzoo.doing import Watcher, watched
from promptzoo.names import on_screen
from promptzoo.pages.console import console, sentence
from promptzoo.pages.table import Table
from promptzoo.pages.waiting import lively
from promptzoo.studies.sweep_state import STATES, Onlooker, SweepState, SweptRun
from promptzoo.training.owner import Owner
from promptzoo.training.progress import clock

MOST = 10  # rows that a screen is given


class OnScreen(Onlooker):
    """On a terminal a table that stays up to date; elsewhere a line for each run that ends."""

    def __init__(self) -> None:
        self.out = console(errors=True)
        self.screen: Screen | None = None

    def __enter__(self) -> "OnScreen":
        self.quiet = watched(Watcher())
        self.quiet.__enter__()
        if lively():
            self.screen = Screen(console=self.out, transient=True, refresh_per_second=2)
            self.screen.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.screen is not None:
            self.screen.stop()
            self.screen = None
        self.quiet.__exit__(None, None, None)

    def see(self, state: SweepState, run: SweptRun) -> None:
        if self.screen is not None:
            self.screen.update(Page(state))
        elif run.state != "running" and not run.before:
            sentence(self.out, f"{ending(run)}; {counts(state)}")

    def say(self, text: str) -> None:
        """A sentence, above the table where there is one."""
        sentence(self.out, text)


class Page:
    """The counts, the best, a table of recipes or trials, and who failed: what a screen shows of a sweep."""

    def __init__(self, state: SweepState) -> None:
        self.state = state

    def __rich__(self) -> RenderableType:
        state = self.state
        parts: list[RenderableType] = [Text(counts(state))]
        if best := state.best:
            parts.append(Text(f"best so far: {on_screen(ending(best))}"))
        if state.runs:
            parts.append((trials if state.searches else recipes)(state).screen())
        failed = state.of("failed")
        for run in failed[-MOST // 2 :]:
            first = on_screen(run.said.splitlines()[0] if run.said else "")
            parts.append(Text.assemble(("failed: ", "yellow"), f"{on_screen(run.name)}, seed {run.seed}: {first}"))
        if len(failed) > MOST // 2:
            parts.append(Text(f"and {len(failed) - MOST // 2} more that failed before"))
        return Group(*parts)


def counts(state: SweepState) -> str:
    """`12 runs: 5 done, 2 running, 1 failed, 4 waiting, 3:10 left`."""
    each = [f"{len(found):,} {word}" for word in STATES if (found := state.of(word))]
    waiting = [f"{state.waiting:,} waiting"] if state.waiting else []
    left = [f"about {clock(state.left)} left"] if state.left else []
    what = "trial" if state.searches else "run"
    return f"{state.total:,} {what}{'s' * (state.total != 1)}: {', '.join([*each, *waiting, *left])}"


def ending(run: SweptRun) -> str:
    """A run, and what it came to."""
    shares = [("validation", run.val), ("test", run.test)]
    said = [f"{100 * share:.1f} % on {split}" for split, share in shares if share is not None]
    words = f" ({' '.join(run.overrides)})" if run.overrides else ""
    came = ", ".join(said) if run.state == "done" else f"{run.state}{': ' if run.said else ''}{run.said}"
    return f"{run.name}, seed {run.seed}{words}: {came}"


def recipes(state: SweepState) -> Table:
    """A row for each recipe: how many of its runs are where, and the means of those that are done."""
    made = Table(["", "done", "running", "failed", "val %", "test %"])
    rows: dict[str, list[SweptRun]] = {}
    for run in state.runs.values():
        rows.setdefault(run.name, []).append(run)
    busy = {run.name for run in state.of("running")}
    shown = [*(name for name in rows if name in busy), *(name for name in reversed(rows) if name not in busy)][:MOST]
    for name in (one for one in rows if one in shown):
        numbers = [sum(run.state == word for run in rows[name]) or "" for word in ("done", "running", "failed")]
        made.add(name, *numbers, *(mean(rows[name], split) for split in ("val", "test")))
    if len(rows) > MOST:
        made.add(f"and {len(rows) - MOST} more", *[""] * 5)
    return made


def mean(runs: list[SweptRun], split: str) -> str:
    shares = [getattr(run, split) for run in runs if run.state == "done"]
    return f"{100 * fmean(shares):.1f}" if shares and None not in shares else ""


def trials(state: SweepState) -> Table:
    """The best trials, and those that go on."""
    made = Table(["", "overrides", "", "val %"], numbers=(3,))
    best = sorted(state.of("done"), key=lambda run: -(run.val or 0.0))
    for run in [*state.of("running"), *best][:MOST]:
        share = "" if run.val is None else f"{100 * run.val:.1f}"
        made.add(run.name, " ".join(run.overrides), "" if run.state == "done" else run.state, share)
    return made


def show(found: tuple[SweepState, Owner | None], out: Console) -> None:
    """How far a sweep is, whoever makes it."""
    state, owner = found
    out.print(Page(state))
    if owner is not None:
        since = clock(time.time() - state.began)
        out.print(f"running: {owner}, for {since}", markup=False)
    elif state.waiting or state.of("running"):
        sentence(out, f"not running; continue it with the same command: {state.command}")


def markdown(found: tuple[SweepState, Owner | None]) -> str:
    state, _ = found
    table = (trials if state.searches else recipes)(state).markdown()
    return "\n".join([counts(state), "", table]) + "\n"


def as_json(found: tuple[SweepState, Owner | None]) -> str:
    """The counts, and every run that began."""
    state, owner = found
    told: dict[str, Any] = {**vars(state), "runs": [asdict(run) for run in state.runs.values()]}
    facts = {"waiting": state.waiting, "left": state.left, "owner": None if owner is None else str(owner)}
    return json.dumps({**told, **facts}, indent=2, ensure_ascii=False) + "\n"
