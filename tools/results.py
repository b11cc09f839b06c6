"""Runs a plan of trainings and prints its table; finished runs are kept, broken ones continued.

    python tools/results.py tools/results.yaml tune          each method's trials on the set for choosing
    python tools/results.py tools/results.yaml table         the chosen words on the reported sets, over the seeds

A plan says under `common` the words that every run gets, under `sets` those of each set, under `methods` the recipe,
its words, and the `trials`: lists of words, as many for each method.  `tune` ranks the trials by the test figure of
the set `choose_on`, which is never among the reported ones; `table` takes the first of that ranking.
Runs go side by side, each on one thread.  They are ordinary run folders, below --out.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Job:
    """One training: where it goes, and the words of its command."""

    folder: Path
    recipe: str
    words: tuple[str, ...]

    @property
    def result(self) -> dict[str, Any] | None:
        file = self.folder / "result.json"
        return json.loads(file.read_text()) if file.exists() else None

    @property
    def command(self) -> str:
        return " ".join(["promptzoo train", self.recipe, *(f"'{w}'" if " " in w else w for w in self.words)])

    def run(self) -> str:
        """Runs or continues it in a process of its own; gives what it said when it failed."""
        if self.result:
            return ""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        begun = (self.folder / "recipe.yaml").exists()
        if begun and not (self.folder / "state" / "state.pt").exists():
            shutil.rmtree(self.folder)  # killed before its first state: it begins anew
            begun = False
        where = ["--resume", str(self.folder)] if begun else ["--out", str(self.folder)]
        command = [sys.executable, "-m", "promptzoo", "train", self.recipe, *self.words, "train.threads=1", *where]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        figure = f"{100 * self.result['test']['accuracy']:.1f}" if self.result else "failed"
        print(f"{figure:>6}  {self.folder}", flush=True)
        return "" if self.result else done.stderr[-600:]


class Plan:
    """The plan file, and the jobs that it stands for."""

    def __init__(self, file: Path, out: Path, assets: str | None = None):
        self.node: dict[str, Any] = yaml.safe_load(file.read_text())
        self.assets = assets or self.node["assets"]
        self.out = out
        counts = {name: len(method["trials"]) for name, method in self.node["methods"].items()}
        if len(set(counts.values())) != 1:
            sys.exit(f"every method gets as many trials as the others, but here are {counts}")

    def job(self, method: str, trial: int, set_name: str, seed: int) -> Job:
        node, data = self.node["methods"][method], self.node["sets"][set_name]
        own = [*data["words"], *(data.get("knowledge", []) if node.get("knowledge") else [])]
        written = [*self.node["common"], *own, *node["words"], *node["trials"][trial]]
        words = [*(word.format(assets=self.assets) for word in written), f"train.seed={seed}"]
        return Job(self.out / set_name / method / f"trial-{trial}" / f"seed-{seed}", node["recipe"], tuple(words))

    def tuning(self) -> list[Job]:
        one = (self.node["choose_on"], self.node["choose_seed"])
        trials = range(len(next(iter(self.node["methods"].values()))["trials"]))
        return [self.job(method, trial, *one) for trial in trials for method in self.node["methods"]]

    def ranking(self, method: str) -> list[tuple[float, int]]:
        """The trials of a method, best first.  Exits when one of them has not been run."""
        found = []
        for trial in range(len(self.node["methods"][method]["trials"])):
            result = self.job(method, trial, self.node["choose_on"], self.node["choose_seed"]).result
            if result is None:
                sys.exit(f"trial {trial} of '{method}' has not been run: run the command 'tune' first")
            found.append((-result["test"]["accuracy"], trial))
        return [(-figure, trial) for figure, trial in sorted(found)]

    def reported(self) -> list[Job]:
        sets = [name for name in self.node["sets"] if name != self.node["choose_on"]]
        return [
            self.job(method, self.ranking(method)[0][1], name, seed)
            for seed in self.node["seeds"]
            for method in self.node["methods"]
            for name in sets
        ]


def run(jobs: Iterable[Job], beside: int) -> None:
    """Runs the jobs, `beside` of them at a time; says at the end which failed."""
    with ThreadPoolExecutor(beside) as pool:
        failures = [(job, said) for job, said in zip(jobs, pool.map(Job.run, jobs), strict=True) if said]
    for job, said in failures:
        print(f"\n{job.folder} failed:\n{said}", file=sys.stderr)
    if failures:
        sys.exit(1)


def tuned_table(plan: Plan) -> str:
    """What each trial gave on the set for choosing."""
    lines = [f"| method | trial | test % on {plan.node['choose_on']} |", "|---|---|---:|"]
    for method, node in plan.node["methods"].items():
        best = plan.ranking(method)[0][1]
        for figure, trial in sorted(plan.ranking(method), key=lambda pair: pair[1]):
            mark = "**" if trial == best else ""
            lines.append(f"| {method} | {mark}`{' '.join(node['trials'][trial])}`{mark} | {100 * figure:.1f} |")
    return "\n".join(lines)


def table(plan: Plan) -> str:
    """Mean and standard deviation over the seeds, with the standard error of each test set."""
    sets = [name for name in plan.node["sets"] if name != plan.node["choose_on"]]
    columns: dict[str, list[list[float]]] = {name: [] for name in sets}
    rows, commands = [], []
    for method in plan.node["methods"]:
        trial = plan.ranking(method)[0][1]
        cells = []
        for name in sets:
            jobs = [plan.job(method, trial, name, seed) for seed in plan.node["seeds"]]
            done = [job.result["test"] for job in jobs if job.result]
            figures = [100 * test["accuracy"] for test in done]
            spread = f" ± {statistics.stdev(figures):.1f}" if len(figures) > 1 else ""
            few = f" ({len(figures)} of {len(jobs)} seeds)" if len(figures) < len(jobs) else ""
            cells.append(f"{statistics.mean(figures):.1f}{spread}{few}" if figures else "not run")
            columns[name] += [[test["accuracy"], test["count"]] for test in done]
            commands.append(jobs[0].command)
        one = next((job.result for job in plan.reported() if job.result and job.folder.parts[-3] == method), None)
        tuned = f"{one['tuned_parameters']:,}" if one else "-"
        rows.append(f"| {method} | {tuned} | {' | '.join(cells)} |")
    error = [
        f"{100 * statistics.mean((p * (1 - p) / n) ** 0.5 for p, n in columns[name]):.1f}" if columns[name] else "-"
        for name in sets
    ]
    head = [f"| method | tuned parameters | {' | '.join(sets)} |", "|---|---:|" + "---:|" * len(sets)]
    last = f"| standard error of the test set | | {' | '.join(error)} |"
    return "\n".join([*head, *rows, last, "", *commands])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", type=Path)
    parser.add_argument("what", choices=("tune", "table"))
    parser.add_argument("--out", type=Path, default=Path("runs/results"))
    parser.add_argument("--assets", help="the folder of weights and pictures; the plan's own where left out")
    parser.add_argument("--beside", type=int, default=2, help="how many runs at a time, each on one thread")
    parser.add_argument("--print", action="store_true", help="print what there is and run nothing")
    args = parser.parse_args()
    plan = Plan(args.plan, args.out, args.assets)
    if not args.print:
        run(plan.tuning() if args.what == "tune" else plan.reported(), args.beside)
    print(tuned_table(plan) if args.what == "tune" else table(plan))


if __name__ == "__main__":
    main()
