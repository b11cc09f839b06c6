"""Tries recipes, overrides, lists, runs, weights and pictures that are odd, hostile or damaged, by a seed.

    python tools/fuzz.py --recipes 10000 --pictures 1000 --files 500 --train 500

Each trial runs in a forked process with a limit of time, and ends as `valid`, as a `sentence` (`ZooError`), or as what
must not be: a traceback, a hang, a death, more than 1.5 GB beside the tensors that its words ask for.  Prints what goes
wrong with the trial's number (`--only KIND N` runs one by itself), at the end the counts, how often each setting was
changed, and whether anything was executed that a file named.  The exit code is 1 where anything went wrong.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

from fuzz_parts import files, pictures, recipes
from fuzz_parts.ground import Ground, prepared

from promptzoo.data import room
from promptzoo.errors import ZooError, some
from promptzoo.noticed import noticing
from promptzoo.training.machine import forget_peak, resident

LIMIT = 20.0  # seconds of processor time that a trial may take; four times as many by the clock
LARGEST = 1500.0  # MiB
COPIES = 4  # of the largest tensor: itself, its gradient, two moments

Trial = Callable[[random.Random, Ground], str]


class Hang(BaseException):
    """A trial took too long."""


def late(*_: object) -> None:
    raise Hang


@contextmanager
def granted() -> Iterator[list[float]]:
    """Bytes of the tensors that a model asks for and gets, while it is built."""
    sizes, demand = [0.0], room.demand
    room.demand = lambda size, what: sizes.append(demand(size, what) or size)
    try:
        yield sizes
    finally:
        room.demand = demand


def tried(trial: Trial, number: int, seed: int, ground: Ground) -> dict[str, Any]:
    """One trial in this process: how it ended, its most memory but what its words ask for, what a traceback says."""
    forget_peak()
    signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    told: dict[str, Any] = {"number": number}
    try:
        ground.begin(number)
        with noticing(), granted() as sizes:
            told["end"] = trial(random.Random(f"{seed} {number}"), ground)
    except ZooError as error:
        told |= {"end": "sentence", "said": str(error)[:300]}
    except Hang:
        told["end"] = "hang"
    except Exception as error:
        told |= {"end": "traceback", "said": f"{type(error).__name__}: {error}"[:300], "trace": traceback.format_exc()}
    except SystemExit:
        told["end"] = "died"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    told["peak"] = (resident("VmHWM") or 0.0) - COPIES * max(sizes) / 2**20
    told |= {"changed": ground.changed, "reached": ground.reached}
    return told


def forked(jobs: list[tuple[str, Trial, int]], seed: int, ground: Ground) -> Iterator[tuple[str, dict[str, Any]]]:
    """All trials in processes, one after the other; the next process goes on behind one that died or hung."""
    done = 0
    while done < len(jobs):
        reading, writing = os.pipe()
        if not (child := os.fork()):
            os.close(reading)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            with os.fdopen(writing, "w") as out:
                for _, trial, number in jobs[done : done + 200]:  # a new process now and then
                    print(json.dumps(tried(trial, number, seed, ground)), file=out, flush=True)
            os._exit(0)
        os.close(writing)
        before = done
        with os.fdopen(reading) as told:
            signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
            signal.alarm(int(4 * LIMIT))
            for line in told:
                yield jobs[done][0], json.loads(line)
                done += 1
                signal.alarm(int(4 * LIMIT))
            signal.alarm(0)
        _, status = os.waitpid(child, 0)
        if status or done == before:
            yield (
                jobs[done][0],
                {"number": jobs[done][2], "end": "died", "said": f"status {status}", "peak": 0, "changed": []},
            )
            done += 1


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for word, count in (("recipes", 1000), ("pictures", 100), ("files", 50), ("build", 150), ("train", 70)):
        parser.add_argument(f"--{word}", type=int, default=count)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs=2, metavar=("KIND", "NUMBER"), help="0 recipes, 1 pictures, 2 files")
    asked = parser.parse_args(arguments)
    kinds: list[tuple[str, Trial, int]] = [
        (
            "recipes",
            recipes.trial(*(count / max(1, asked.recipes) for count in (asked.build, asked.train))),
            asked.recipes,
        ),
        ("pictures", pictures.trial, asked.pictures),
        ("files", files.trial, asked.files),
    ]
    jobs = [(name, trial, number) for name, trial, count in kinds for number in range(count)]
    if asked.only:
        name, trial, _ = kinds[asked.only[0]]
        jobs = [(name, trial, asked.only[1])]
    began, here = time.monotonic(), os.getcwd()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        ground = prepared(Path(place))
        recipes.pages()  # once, and not in each process again
        counts: dict[str, Counter[str]] = {name: Counter() for name, _, _ in kinds}
        changed, reached, wrong = Counter[str](), Counter[str](), 0
        for name, told in forked(jobs, asked.seed, ground):
            end = told["end"] if told["peak"] <= LARGEST or told["end"] in ("hang", "died") else "large"
            counts[name][end] += 1
            if sys.stderr.isatty() or not sum(counts[name].values()) % 100:
                print(f"{name} {sum(counts[name].values())}", end="\r", file=sys.stderr, flush=True)
            changed.update(told["changed"])
            reached.update(told.get("reached", []))
            if end not in recipes.FINE:
                wrong += 1
                found = f"{name} {told['number']}: {end} {told.get('said', '')}\n{told.get('trace', '')}"
                print(found, flush=True)  # at once: a long run may be ended from without
        executed = ground.executed()
        os.chdir(here)
    for name, found in counts.items():
        print(f"{name}: {sum(found.values())}, " + ", ".join(f"{end} {count}" for end, count in sorted(found.items())))
    if reached:
        print("reached " + ", ".join(f"{where} in {count}" for where, count in reached.items()))
    if changed:
        least = min(changed, key=lambda word: changed[word])
        print(f"{len(changed)} settings changed, the least ({least}) {changed[least]} times")
    if asked.recipes and (never := [word for word in recipes.settings() if word not in changed]):
        print(f"never changed: {some(never)}")
    print(f"executed: {executed}; {time.monotonic() - began:.0f} s")
    return 1 if wrong or executed else 0


if __name__ == "__main__":
    sys.exit(main())
