"""Makes the tables of docs/results.md and README.md, and the pictures, from the records of the runs in docs/records.

    python tools/results.py [--write]           says what would change, or writes page and pictures
    python tools/results.py --take runs/dtd10   copies the records of comparisons, here to docs/records/evidence/dtd10

A row is there once it has every seed.  A table goes between the two marks of `MARK` that have its name.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, stdev, variance
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

import numpy as np
from matplotlib.transforms import Bbox

from promptzoo.figures.style import style
from promptzoo.pages.comparison import apart
from promptzoo.pages.table import Table
from promptzoo.studies.bootstrap import difference_of_means
from promptzoo.studies.record import Finished, Record

ROOT = Path(__file__).resolve().parents[1]
RECORDS, PICTURES = ROOT / "docs" / "records" / "evidence", ROOT / "docs" / "pictures"
PAGES = (ROOT / "docs" / "results.md", ROOT / "README.md")
MARK = re.compile(r"(<!-- made by tools/results.py: (\w+) -->\n).*?(<!-- to here -->)", re.DOTALL)
SIDES = ((6, 4), (6, -9), (-6, 4), (-6, -9), (6, 12), (-6, 12), (6, -17), (-6, -17), (-2, -21))  # for a name
FEW = ("ssf", "vpt_deep", "hybrid", "adaptformer", "adapter_plus", "sa2vp", "lore", "probe")  # of README.md
OWN = ("lore", "lore_patches", "sa2vp", "hybrid")  # the two papers' methods and what is made of them

Runs = Mapping[str, tuple[Finished, ...]]  # by row, a run for each seed


@dataclass(frozen=True)
class Study:
    """Sets by heading, each with the folder of its records; the mean of those that are `pooled` is compared as one."""

    sets: Mapping[str, str]
    baseline: str
    pooled: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (1, 2, 3)

    def runs(self) -> dict[str, Runs]:
        """Those of the sets that have been run."""
        found = {heading: read(folder, self.seeds) for heading, folder in self.sets.items()}
        return {heading: runs for heading, runs in found.items() if runs}


THREE = ("clothing10", "dtd10", "oxford_flowers12")
TWO = ("clothing10", "dtd10")
SHOTS = (1, 2, 4, 8, 16)
STUDIES = {
    "small": Study({name: name for name in (*THREE, "cifar100")}, "probe", THREE),
    "large": Study({name: f"224_{name}" for name in TWO}, "probe", TWO),
    "shots": Study({str(shots): f"shots_{shots}" for shots in SHOTS}, "probe", seeds=(1,)),
    "lore_table5": Study({"cifar100": "lore_table5"}, "prompts alone"),
    "hybrid_ablation": Study({"cifar10": "hybrid_ablation"}, "hybrid"),
}


def read(folder: str, seeds: Sequence[int]) -> Runs:
    """The rows that have every seed."""
    found: dict[str, dict[int, Finished]] = {}
    for file in sorted((RECORDS / folder).glob("*/seed-*.json")):
        record = Record.read(file)
        if record.finished is not None:
            found.setdefault(record.name, {})[record.seed] = record.finished
    return {row: tuple(runs[seed] for seed in seeds) for row, runs in found.items() if set(seeds) <= set(runs)}


def accuracy(runs: Runs, row: str) -> str:
    """Mean and standard deviation over seeds, in percent; nothing of a row that is missing."""
    shares = [100 * run.accuracy for run in runs.get(row, ())]
    return (
        f"{fmean(shares):.1f} ± {stdev(shares):.1f}" if len(shares) > 1 else "".join(f"{share:.1f}" for share in shares)
    )


def minus(row: str, other: str, sets: Sequence[Runs]) -> str:
    """The paired difference of two rows over some sets; nothing of a row to itself, or where one is missing."""
    if row == other or any(row not in runs or other not in runs for runs in sets):
        return ""
    ours, theirs = ([np.stack([run.hits for run in runs[name]]) for runs in sets] for name in (row, other))
    return apart(difference_of_means(ours, theirs, trained_once=False))


def table(study: Study, rows: Sequence[str] = ()) -> str:
    """Rows by their mean over the sets that have all: accuracies, and differences to the baseline, pooled and alone."""
    sets = study.runs()
    together = [name for name in study.pooled if set(study.pooled) <= set(sets)]
    pooled = [sets[name] for name in together]
    against = f"minus `{study.baseline}`"
    columns: list[tuple[str, Callable[[str], str]]] = [(name, partial(accuracy, sets[name])) for name in together]
    if pooled:
        columns.append((f"mean of {len(pooled)}, {against}", partial(minus, other=study.baseline, sets=pooled)))
    for name in [name for name in sets if name not in together]:
        columns.append((name, partial(accuracy, sets[name])))
        if len(study.seeds) > 1:
            columns.append((against, partial(minus, other=study.baseline, sets=[sets[name]])))
    made = Table(["", "tuned", *(title for title, _ in columns)])
    there = {row for runs in sets.values() for row in runs}
    whole = {name: runs for name, runs in sets.items() if there <= set(runs)} or sets  # where all can be ranked
    for row in sorted(there.intersection(rows or there), key=lambda row: -mean(row, whole)):
        tuned = next(runs[row][0].tuned_parameters for runs in sets.values() if row in runs)  # heads differ by set
        made.add(f"`{row}`", f"{tuned:,}", *(cell(row) for _, cell in columns))
    return made.markdown()


def verdict() -> str:
    """The hybrid against its parents and the methods that come near it: pooled, and set by set."""
    sets = STUDIES["small"].runs()
    grounds = {f"mean of {len(THREE)}": [sets[name] for name in THREE]} if set(THREE) <= set(sets) else {}
    grounds |= {name: [runs] for name, runs in sets.items()}
    made = Table(["hybrid", *grounds])
    for other in ("sa2vp", "adapter_plus", "lore", "lore_patches", "adaptformer", "ssf", "vpt_deep"):
        made.add(f"minus `{other}`", *(minus("hybrid", other, runs) for runs in grounds.values()))
    return made.markdown()


def mean(row: str, sets: Mapping[str, Runs]) -> float:
    return fmean(fmean(run.accuracy for run in runs[row]) for runs in sets.values() if row in runs)


TABLES: dict[str, Callable[[], str]] = {name: partial(table, study) for name, study in STUDIES.items()}
TABLES["verdict"] = verdict
TABLES["few"] = partial(table, STUDIES["small"], FEW)


def accuracies(figure: Any) -> None:
    """Accuracy against tuned parameters: the mean of the pooled sets, and the set of a hundred classes."""
    sets = STUDIES["small"].runs()
    grounds = {"mean of three sets of 10 or 12 classes": THREE, "cifar100, 100 classes": ("cifar100",)}
    found = {title: [sets[name] for name in names if name in sets] for title, names in grounds.items()}
    found = {title: runs for title, runs in found.items() if runs}
    every = figure.subplots(1, len(found), squeeze=False)[0]
    for axes, (title, runs) in zip(every, found.items(), strict=True):
        panel(axes, runs, title)
    every[0].set(ylabel="test accuracy, %")


def panel(axes: Any, sets: Sequence[Runs], title: str) -> None:
    """Each row's mean over some sets; bars of one standard deviation of that mean over seeds."""
    points = {}
    for row in sorted(set.intersection(*(set(runs) for runs in sets))):
        shares = [[100 * run.accuracy for run in runs[row]] for runs in sets]
        deviation = sum(variance(seeds) for seeds in shares) ** 0.5 / len(shares)  # each set was trained by itself
        points[row] = place = (sets[0][row][0].tuned_parameters, fmean(map(fmean, shares)), deviation)
        axes.errorbar(*place, fmt="o", ms=5, lw=1, color="#0B6FB8" if row in OWN else "#7A8594")
    axes.set(xscale="log", xlim=(1e3, 4e6), xlabel="tuned parameters", title=title)
    axes.set_xticks([1e3, 1e4, 1e5, 1e6], ["1,000", "10,000", "100,000", "1 million"])
    axes.margins(y=0.12)
    name_points(axes, points)


def name_points(axes: Any, points: Mapping[str, tuple[float, float, float]]) -> None:
    """Each name on the side of its point (x, y, deviation) where it covers fewest other names, points and bars."""
    axes.figure.draw_without_rendering()  # now it is known how large things are
    taken = []
    for x, y, deviation in points.values():
        at, low, high = axes.transData.transform([(x, y), (x, y - deviation), (x, y + deviation)])
        taken += [Bbox.from_extents(*(at - 4), *(at + 4)), Bbox.from_extents(*(low - 1), *(high + 1))]
    for name, (*place, _) in points.items():
        tried = []
        for over, down in SIDES:
            side = {"xytext": (over, down), "ha": "left" if over > 0 else "right"}
            text = axes.annotate(name, place, textcoords="offset points", fontsize=8, **side)
            tried.append((text, text.get_window_extent()))
        best = min(tried, key=lambda one: sum(one[1].overlaps(other) for other in taken))
        for text, _ in tried:
            if text is not best[0]:
                text.remove()
        taken.append(best[1])


def curves(figure: Any) -> None:
    """Accuracy against shots, a line for each row."""
    axes = figure.subplots()
    sets = STUDIES["shots"].runs()
    for row in dict.fromkeys(row for runs in sets.values() for row in runs):
        found = [(int(shots), 100 * runs[row][0].accuracy) for shots, runs in sets.items() if row in runs]
        axes.plot(*zip(*found, strict=True), "o-", ms=4, lw=1.2, label=row)
    axes.set(xscale="log", xlabel="training pictures of each class", ylabel="test accuracy, %")
    axes.set_xticks(SHOTS, SHOTS)
    axes.minorticks_off()
    axes.legend(fontsize=8)


DRAWN: dict[str, tuple[float, Callable[[Any], None]]] = {"results": (9.6, accuracies), "shots": (6.4, curves)}


def draw(name: str) -> None:
    """docs/pictures/NAME.svg, as wide in inches as `DRAWN` has it."""
    width, onto = DRAWN[name]
    with style():
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(width, 3.8), layout="constrained")
        onto(figure)
        PICTURES.mkdir(exist_ok=True)
        figure.savefig(PICTURES / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)


def page(file: Path) -> str:
    """The page with the tables of the records as they are."""
    return MARK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[3]}", file.read_text(encoding="utf-8"))


def take(runs: Path) -> None:
    """The finished records of a comparison; what lies beside the repository is named as from within it."""
    for file in sorted(runs.glob("*/seed-*.json")):
        record = Record.read(file)
        if record.finished is not None:
            target = RECORDS / runs.name / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            record.model_copy(update={"recipe": record.recipe.replace(f"{ROOT.parent}/", "../")}).write(target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the page and the pictures")
    parser.add_argument("--take", type=Path, metavar="DIR", nargs="*", default=[], help="copy records of comparisons")
    given = parser.parse_args()
    for runs in given.take:
        take(runs)
    late = 0
    for file in PAGES:
        made = page(file)
        changed = made != file.read_text(encoding="utf-8")
        if given.write:
            file.write_text(made, encoding="utf-8")
        print(file.name, "is", "as the records are" if not changed else "written" if given.write else "out of date")
        late += changed and not given.write
    if given.write:
        for name in DRAWN:
            draw(name)
    return min(late, 1)


if __name__ == "__main__":
    sys.exit(main())
