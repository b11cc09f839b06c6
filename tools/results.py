"""Makes the tables of docs/results.md and their picture from the records of the runs, which are kept in docs/records.

    python tools/results.py                     what would change; exit code 1 if anything
    python tools/results.py --write             and writes the page and the picture
    python tools/results.py --take runs/dtd10   copies the records of a comparison to docs/records/evidence/dtd10

A row is there once it has every seed.  The table goes between the two marks of `MARK` in the page.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

from promptzoo.figures.style import style
from promptzoo.pages.comparison import apart
from promptzoo.pages.table import Table
from promptzoo.studies.bootstrap import difference_of_means
from promptzoo.studies.record import Finished, Record

DOCS = Path(__file__).resolve().parents[1] / "docs"
RECORDS, PAGE, PICTURE = DOCS / "records" / "evidence", DOCS / "results.md", DOCS / "pictures" / "results.svg"
SEEDS, BASELINE = (1, 2, 3), "probe"
POOLED, ALONE = ("clothing10", "dtd10", "oxford_flowers12"), "cifar100"
MARK = re.compile(r"(<!-- made by tools/results.py -->\n).*?(\n<!-- to here -->)", re.DOTALL)

Runs = Mapping[str, tuple[Finished, ...]]  # by row, a run for each seed


def runs_of(name: str) -> Runs:
    """The rows of a set that have every seed."""
    found: dict[str, dict[int, Finished]] = {}
    for file in sorted((RECORDS / name).glob("*/seed-*.json")):
        record = Record.read(file)
        if record.finished is not None:
            found.setdefault(record.name, {})[record.seed] = record.finished
    return {row: tuple(runs[seed] for seed in SEEDS) for row, runs in found.items() if set(SEEDS) <= set(runs)}


def accuracy(runs: Sequence[Finished]) -> str:
    """Mean and standard deviation over seeds, in percent."""
    shares = [100 * run.accuracy for run in runs]
    return f"{fmean(shares):.1f} ± {stdev(shares):.1f}"


def against(row: str, sets: Sequence[Runs]) -> str:
    """The paired difference of a row to the baseline over some sets; nothing of the baseline itself."""
    if row == BASELINE or any(row not in runs or BASELINE not in runs for runs in sets):
        return ""
    import numpy as np

    ours, theirs = ([np.stack([run.hits for run in runs[name]]) for runs in sets] for name in (row, BASELINE))
    return apart(difference_of_means(ours, theirs))


def table() -> str:
    """Every row by its mean over the sets that have it."""
    sets = {name: runs_of(name) for name in (*POOLED, ALONE)}
    pooled = [sets[name] for name in POOLED]
    rows = sorted({row for runs in sets.values() for row in runs}, key=lambda row: -mean(row, pooled))
    minus = f"minus `{BASELINE}`"
    made = Table(["", "tuned", *POOLED, f"three, {minus}", ALONE, minus])
    for row in rows:
        tuned = dict.fromkeys(f"{runs[row][0].tuned_parameters:,}" for runs in sets.values() if row in runs)
        cells = {name: accuracy(runs[row]) if row in runs else "" for name, runs in sets.items()}
        made.add(f"`{row}`", "; ".join(tuned), *(cells[name] for name in POOLED), against(row, pooled),
                 cells[ALONE], against(row, [sets[ALONE]]))  # fmt: skip
    return made.markdown()


def mean(row: str, sets: Sequence[Runs]) -> float:
    found = [run.accuracy for runs in sets for run in runs.get(row, ())]
    return fmean(found) if found else 0.0


def points() -> Iterator[tuple[str, int, float, float]]:
    """Of each row: tuned parameters, mean accuracy over the pooled sets in percent, its deviation over seeds."""
    sets = [runs_of(name) for name in POOLED]
    for row in sorted(set.intersection(*(set(runs) for runs in sets))):
        seeds = [100 * fmean(runs[row][place].accuracy for runs in sets) for place in range(len(SEEDS))]
        yield row, sets[0][row][0].tuned_parameters, fmean(seeds), stdev(seeds)


def draw(file: Path) -> None:
    """Accuracy against tuned parameters, bars of one standard deviation over seeds."""
    with style():
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
        for row, tuned, share, spread in points():
            own = row in ("lore", "lore_patches", "sa2vp", "hybrid")
            axes.errorbar(max(tuned, 1), share, spread, fmt="o", ms=5, lw=1, color="#0B6FB8" if own else "#7A8594")
            axes.annotate(row, (max(tuned, 1), share), xytext=(5, 4), textcoords="offset points", fontsize=8)
        axes.set(xscale="log", xlabel="tuned parameters", ylabel="test accuracy, %, mean of three sets")
        file.parent.mkdir(exist_ok=True)
        figure.savefig(file, metadata={"Date": None})
        plt.close(figure)


def page() -> str:
    """docs/results.md with the table of the records as they are."""
    return MARK.sub(lambda found: found[1] + table() + found[2], PAGE.read_text(encoding="utf-8"))


def take(runs: Path) -> None:
    """Copies the finished records of a comparison."""
    for file in sorted(runs.glob("*/seed-*.json")):
        if Record.read(file).finished is not None:
            target = RECORDS / runs.name / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the page and the picture")
    parser.add_argument("--take", type=Path, metavar="DIR", help="copy the records of a comparison")
    given = parser.parse_args()
    if given.take:
        take(given.take)
    changed = page() != PAGE.read_text(encoding="utf-8")
    if given.write:
        PAGE.write_text(page(), encoding="utf-8")
        draw(PICTURE)
    print("docs/results.md is", "as the records are" if not changed else "written" if given.write else "out of date")
    return int(changed and not given.write)


if __name__ == "__main__":
    sys.exit(main())
