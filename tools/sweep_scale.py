"""How far sweeps carry: runs that sleep in place of training, over many workers, of which some are lost.

    python tools/sweep_scale.py --runs 10000 --workers 200 --seconds 20 --faster 10 --lost 0.05

Workers are threads of this process.  All else is as in a sweep: recipes are read, each run takes its claim, writes its
folder and its record by the code of a training, and the sweep's log is written; a lost one leaves its claim behind as a
kill does, and its run begins again on another.  Time goes `--faster`; what the machine does in between does not.
Figures of it stand in docs/sweeps.md.
"""

import argparse
import json
import os
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

from promptzoo.studies import executor as made
from promptzoo.studies.executor import OneByOne, Quiet
from promptzoo.studies.plan import Ground, read_field
from promptzoo.studies.rounds import ended
from promptzoo.studies.sweep import alone, figures
from promptzoo.studies.sweep_state import Onlooker, SweepLog, sweep_state
from promptzoo.training import claim
from promptzoo.training.result import Result
from promptzoo.training.run_writer import RunWriter

EPOCHS, PICTURES, CHECKPOINT = 3, 1000, bytes(200_000)


class Lost(BaseException):
    """A worker whose node was lost in the middle of a run."""


class Threads:
    """An `Executor` of threads, which sends a job again whose worker was lost."""

    aside = False

    def __init__(self, count: int) -> None:
        self.count, self.again = count, 0

    def each(self, work, jobs) -> Iterator:
        waiting, running = iter(jobs), {}
        with ThreadPoolExecutor(self.count) as pool:
            while True:
                for job in islice(waiting, self.count - len(running)):
                    running[pool.submit(work, *job)] = job
                if not running:
                    return
                for one in wait(running, return_when=FIRST_COMPLETED).done:
                    job = running.pop(one)
                    if isinstance(one.exception(), Lost):
                        self.again += 1
                        (aside,) = one.exception().args
                        aside.rename(aside.with_suffix(".json"))
                        running[pool.submit(work, *job)] = job
                    else:
                        yield job, one.result()


class Sleeping:
    """In the place of `train`: everything that a run writes, and sleep in place of steps."""

    def __init__(self, seconds: float, lost: float) -> None:
        self.seconds, self.lost, self.drawn = seconds, lost, random.Random(1)
        self.asleep, self.lock = 0.0, threading.Lock()

    def __call__(self, recipe, out, resume=False, quiet=False, progress=None, stale=None) -> None:
        run = RunWriter(out)
        with self.lock:
            breaks = self.drawn.randrange(EPOCHS) if self.drawn.random() < self.lost else None
        with run.begun_by(recipe, resume, stale):
            run.describe(run.data_file, {"fingerprint": "", "test_fingerprint": "", "classes": ["a", "b"]})
            for epoch in range(len(run.logged().splitlines()), EPOCHS):
                time.sleep(self.seconds / EPOCHS)
                with self.lock:
                    self.asleep += self.seconds / EPOCHS
                run.log({"epoch": epoch + 1, "loss": 0.5})
                if breaks == epoch:
                    claim.HELD.discard(run.claim.owner.token)  # its heart stops, and the file stays
                    run.claim.file.rename(aside := run.claim.file.with_suffix(".aside"))
                    raise Lost(aside)
            told = Result(
                str(run.path), recipe.name, "last", EPOCHS, EPOCHS, {"accuracy": 0.5}, {"accuracy": 0.5}, None, 1, 1,
                self.seconds, 0, {}, [], {},
            )  # fmt: skip
            run.finish(CHECKPOINT, predictions(), told)


def predictions() -> bytes:
    rows = "".join(f"{i}.jpg,a,{'ab'[i % 2]},{1 - i % 2}\n" for i in range(PICTURES))
    return f"picture,class,predicted,right\n{rows}".encode()


def main() -> None:
    take = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    take.add_argument("--runs", type=int, default=10_000)
    take.add_argument("--seeds", type=int, default=5)
    take.add_argument("--workers", type=int, default=200)
    take.add_argument("--seconds", type=float, default=20.0)
    take.add_argument("--faster", type=float, default=10.0)
    take.add_argument("--lost", type=float, default=0.05)
    asked = take.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(asked, Path(folder)), indent=2))


def measured(asked: argparse.Namespace, folder: Path) -> dict[str, float]:
    """The figures."""
    seeds, found = tuple(range(1, asked.seeds + 1)), {}
    rows = "".join(f"  - {{name: row {i}, recipe: linear}}\n" for i in range(asked.runs // asked.seeds))
    (folder / "list.yaml").write_text(f"rows:\n{rows}")
    clock = Clock()
    field = read_field([str(folder / "list.yaml")], "", seeds)
    found["seconds_to_read_the_list"] = clock.lap()
    sleeping = Sleeping(asked.seconds / asked.faster, asked.lost)
    made.train = sleeping
    out, stands = folder / "out", Ground("frozen", "pictures")
    runs = OneByOne(out, seeds, lambda _: None, Quiet)
    engine = Threads(asked.workers)
    jobs = [(one, stands, seed) for seed in seeds for one in field.entrants]
    with alone(out, None):
        log = SweepLog(out, "", len(jobs), Onlooker())
        clock.lap()
        for (entrant, _, seed), came in ended(begun(jobs, log), runs.work(False), engine, print):
            log.tell(entrant.name, seed, "done", **figures(came.record))
        wall, cpu = clock.lap(), clock.cpu
        found |= {
            "runs": len(jobs), "lost": engine.again, "wall_seconds": wall,
            "seconds_if_nothing_but_sleep": round(sleeping.asleep / asked.workers, 1),
            "processor_milliseconds_a_run": round(1000 * cpu / len(jobs), 2),
        }  # fmt: skip
        again = OneByOne(out, seeds, lambda _: None, Quiet)
        kept = sum(again.kept(*job) is not None for job in jobs)
        found["seconds_to_find_all_done"] = clock.lap()
    assert kept == len(jobs)
    state, _ = sweep_state(out)
    found["seconds_to_read_the_status"] = clock.lap()
    assert len(state.of("done")) == len(jobs)
    files = [file for file in out.rglob("*") if file.is_file()]
    found["files"], found["megabytes"] = len(files), round(sum(file.stat().st_size for file in files) / 1e6)
    found["log_megabytes"] = round((out / "sweep.jsonl").stat().st_size / 1e6, 2)
    found["memory_megabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


def begun(jobs, log) -> Iterator:
    for job in jobs:
        log.tell(job[0].name, job[2], "running")
        yield job


class Clock:
    """Seconds since the last look, those of the wall, and in `cpu` of the processor."""

    def __init__(self) -> None:
        self.wall, self.used, self.cpu = time.monotonic(), sum(os.times()[:2]), 0.0

    def lap(self) -> float:
        wall, used = time.monotonic(), sum(os.times()[:2])
        passed, self.cpu = wall - self.wall, used - self.used
        self.wall, self.used = wall, used
        return round(passed, 2)


if __name__ == "__main__":
    main()
