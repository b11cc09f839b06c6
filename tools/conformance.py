"""Runs the cases of a golden folder through the zoo's public blocks and models, in float64.

    python tools/conformance.py ../shared/golden --only lore sa2vp
    python tools/conformance.py ../shared/golden_tasks --only retrieval spair davis_240 control

Prints each case with its largest error and its tolerance, and whether every negative control (what a plausible wrong
implementation gives) is told apart: further from the expected value than the tolerance, and from ours.  Cases of the
folder that the zoo does not implement are listed.  Ends with `N passed, M failed`; the exit code is 0 only where every
case that was asked for, without `--only` those of the folder, ran and passed.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

import torch
from conformance_cases import (
    adapters,
    downstream,
    golden,
    lore,
    lore_paper,
    metrics,
    models,
    pathways,
    sa2vp,
    texts,
    tuned,
)
from conformance_cases.golden import Case, Tensors

Runner = Callable[[Case], Tensors]

PARTS = (lore, lore_paper, sa2vp, models, pathways, tuned, texts, adapters, metrics)
RUNNERS: dict[str, Runner] = {name: run for part in PARTS for name, run in part.CASES.items()}


@dataclass
class Verdict:
    """How one case went: the largest error, each control that was not told apart, outputs that were not computed."""

    worst: float
    worst_output: str
    blurred: list[str]
    controls: int
    absent: list[str]

    def passed(self, tolerance: float) -> bool:
        return self.worst <= tolerance and not self.blurred and not self.absent


def runner(name: str) -> Runner | None:
    """The function for a case: that with the longest key the case's name starts with, else contains."""
    for fits in (name.startswith, lambda key: key in name):
        if keys := [key for key in RUNNERS if fits(key)]:
            return RUNNERS[max(keys, key=len)]
    return None


def judge(case: Case, found: Tensors) -> Verdict:
    """Compare what was found with what was expected, and with what must not be found."""
    found = {name: value.detach() for name, value in found.items() if name in case.expected}
    errors = {name: golden.error(found[name], case.expected[name]) for name in found}
    worst = max(errors, key=lambda name: errors[name], default="")
    blurred = [
        control.label
        for control in case.controls
        if golden.error(control.value, case.expected[control.instead_of]) <= case.tolerance
        or (control.instead_of in found and golden.error(found[control.instead_of], control.value) <= case.tolerance)
    ]
    absent = [name for name in case.wants if name not in found]
    return Verdict(errors.get(worst, float("inf")), worst, blurred, len(case.controls), absent)


def chosen(entry: dict[str, Any], only: list[str]) -> bool:
    """Whether a word names the case's method, its folder, or the start of its name."""
    told = {entry["method"].lower(), Path(entry["file"]).parent.name}
    return not only or any(word.lower() in told or entry["name"].startswith(word) for word in only)


def report(folder: Path, entry: dict[str, Any], run: Runner) -> bool:
    """Run one case and print its line; True when it passed."""
    started = time.perf_counter()
    try:
        case = golden.read(folder, entry)
        verdict = judge(case, run(case))
    except Exception:
        print(f"FAILED  {entry['name']}\n{traceback.format_exc()}")
        return False
    passed = verdict.passed(case.tolerance)
    told = verdict.controls - len(verdict.blurred)
    print(
        f"{'passed' if passed else 'FAILED'}  {case.name:<24} {len(case.wants) - len(verdict.absent):>3} outputs  "
        f"error {verdict.worst:.1e} ({verdict.worst_output})  tolerance {case.tolerance:.0e}  "
        f"controls told apart {told} of {verdict.controls}  {time.perf_counter() - started:.1f} s"
    )
    for label in verdict.blurred:
        print(f"        not told apart: {label}")
    for name in verdict.absent:
        print(f"        not exposed: {name}")
    return passed


def whole_tasks(cases: dict[str, downstream.Run]) -> list[bool]:
    """Run cases of the tasks' golden folder and print their lines; which of them passed."""
    results = []
    for name, run in cases.items():
        started = time.perf_counter()
        try:
            checks = run()
        except Exception:
            print(f"FAILED  {name}\n{traceback.format_exc()}")
            results.append(False)
            continue
        results.append(all(check.passed() for check in checks))
        right, wrong = ([check for check in checks if check.control is kind] for kind in (False, True))
        print(
            f"{'passed' if results[-1] else 'FAILED'}  {name:<44} "
            f"{sum(len(check.expected) for check in right):>4} figures  "
            f"error {max(check.error() for check in right):.4f} of the tolerance  "
            f"controls told apart {sum(check.passed() for check in wrong)} of {len(wrong)}  "
            f"{time.perf_counter() - started:.1f} s",
            flush=True,
        )
    return results


def whole_cases(folder: Path, entries: list[dict[str, Any]]) -> list[bool]:
    """Run cases of a golden folder and print their lines; which of them passed.  One without a runner did not."""
    torch.manual_seed(0)
    runs = [(entry, runner(entry["name"])) for entry in entries]
    results = [report(folder, entry, run) for entry, run in runs if run]
    missing = [entry["name"] for entry, run in runs if not run]
    for name in missing:
        print(f"not implemented  {name}")
    return [*results, *(False for _ in missing)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a golden folder: manifest.json and the files it names")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="methods, folders or starts of case names"
    )
    args = parser.parse_args()
    if not (args.folder / "manifest.json").is_file():
        parser.error(f"{args.folder} has no manifest.json")
    tasks = downstream.cases(args.folder) if downstream.takes(args.folder) else {}
    told = [{"name": name, "method": "", "file": ""} for name in tasks] or golden.entries(args.folder)
    for word in args.only:
        if not any(chosen(entry, [word]) for entry in told):
            parser.error(f"{args.folder} has no case, method or folder called {word}")
    entries = [entry for entry in told if chosen(entry, args.only)]
    if tasks:
        results = whole_tasks({entry["name"]: tasks[entry["name"]] for entry in entries})
    else:
        results = whole_cases(args.folder, entries)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
