"""How far a sweep has come, by the lines of its `sweep.jsonl`: `SweepState`, `SweepLog`."""

import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from promptzoo.errors import ZooError
from promptzoo.files import append, as_json, write
from promptzoo.paths import at, regular
from promptzoo.training.claim import Claim
from promptzoo.training.owner import Owner, held_by

NAME = "sweep.jsonl"
State = Literal["running", "done", "failed", "pruned"]
STATES: tuple[State, ...] = get_args(State)
Moment = Annotated[float, Field(ge=0, le=1e11)]  # seconds since 1970
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass
class SweptRun:
    """A run by its recipe and seed, in one of `STATES`: accuracies, or why it failed; `overrides` are those of a trial.

    `before` says that it was finished before this command; `at` is when, in seconds since 1970.
    """

    name: str
    seed: int
    state: State
    val: Share | None = None
    test: Share | None = None
    said: str = ""
    overrides: list[str] = field(default_factory=list)
    before: bool = False
    at: Moment = 0.0


class Onlooker:
    """Who hears of each run that begins or ends; this one says nothing."""

    def __enter__(self) -> "Onlooker":
        return self

    def __exit__(self, *_: object) -> None:
        """It hears no more."""

    def see(self, state: "SweepState", run: SweptRun) -> None:
        """A run began or ended."""


@dataclass
class SweepState:
    """A sweep since its command was given last: so many runs in `total`, and what is known of those that began.

    `searches` says that its runs are trials, which validation alone ranks.
    """

    command: str
    total: Annotated[int, Field(ge=0, le=10**9)]
    began: Moment
    searches: bool = False
    runs: dict[tuple[str, int], SweptRun] = field(default_factory=dict)

    def of(self, state: State) -> list[SweptRun]:
        return [run for run in self.runs.values() if run.state == state]

    @property
    def waiting(self) -> int:
        return max(0, self.total - len(self.runs))

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes at the speed until now; None until a run has ended."""
        ended = [run for run in self.runs.values() if run.state != "running" and not run.before]
        if not ended:
            return None
        each = max(0.0, max(run.at for run in ended) - self.began) / len(ended)  # clocks are set back
        return each * (self.waiting + len(self.of("running")))

    @property
    def best(self) -> SweptRun | None:
        """The best on validation; on test where nothing was validated on and nothing is searched for."""
        done = self.of("done")
        on = "val" if self.searches or any(run.val is not None for run in done) else "test"
        counted = [run for run in done if getattr(run, on) is not None]
        return max(counted, key=lambda run: float(getattr(run, on)), default=None)


HEAD, RUN = TypeAdapter(SweepState), TypeAdapter(SweptRun)  # of the lines


class SweepLog:
    """The file of a sweep's folder that says how far it is, written by the one command that has the folder's claim."""

    def __init__(self, folder: Path, command: str, total: int, onlooker: Onlooker, searches: bool = False) -> None:
        self.file, self.onlooker = folder / NAME, onlooker
        self.state = SweepState(command, total, time.time(), searches)
        head = {word: value for word, value in vars(self.state).items() if word != "runs"}
        write(self.file, (as_json(head) + "\n").encode())

    def tell(self, name: str, seed: int, state: State, **facts: Any) -> None:
        """A run began, ended, or was there before."""
        run = SweptRun(name, seed, state, at=time.time(), **facts)
        append(self.file, (as_json(asdict(run)) + "\n").encode())
        self.state.runs[name, seed] = run
        self.onlooker.see(self.state, run)


def sweep_state(folder: Path) -> tuple[SweepState, Owner | None]:
    """How far the sweep of a folder is, and who works on it; nobody where it was stopped, or has ended.

    Raises `ZooError` where none was begun.
    """
    file, way = at(folder) / NAME, "promptzoo sweep LIST starts one"
    if not os.path.lexists(file):
        raise ZooError(f"{folder} is not a sweep: it has no {NAME}", given=str(folder), remedy=way)
    *lines, _ = regular(file).read_bytes().split(b"\n")  # the last one is being written
    try:
        state = HEAD.validate_json(next(iter(lines), b""))
        for run in map(RUN.validate_json, lines[1:]):
            state.runs[run.name, run.seed] = run
    except ValidationError as error:
        raise ZooError(f"{file} is damaged", given=str(folder), remedy=way) from error
    claim = Claim(folder)
    owner = held_by(claim.file)
    return state, owner if owner is not None and claim.works(owner, None) else None
