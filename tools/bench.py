"""What the zoo costs in time and memory, each beside the bare backbone in the same run, on the same pictures.

    python tools/bench.py                                                 every row; --only NAME ... for some
    python tools/bench.py --precision bf16 --batch 4 --json bench.json
    python tools/bench.py --device cuda --precision bf16 --batch 64 --compile      what a GPU must show
    python tools/bench.py --backbone timm/vit_tiny_patch16_224 --with backbone.image_size=64

Weights and pictures are random.  After a warm-up the two sides run in turn, A B A B; a figure is the median over the
pairs of B / A with the quartiles behind it, in wall and in CPU seconds: where other jobs share the machine, the second
is the steadier.  A training step is forward and backward, without the optimizer; the bare backbone's goes from its
features back to the tokens of the first layer.  No frozen weight receives a gradient on either side.
An aim is met when both medians meet it, unclear when one of them does.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

from bench_alone import busy, listing, medians, several, starting
from bench_rows import METHODS, PAIRS, Arguments, conditions, recipe

from promptzoo.costs import peak
from promptzoo.costs.clock import Compared, alternate
from promptzoo.errors import ZooError

MEMORY = {f"memory-{method}": method for method in METHODS}
BUSY = {f"busy-{method}": method for method in METHODS}  # with --device cuda
#: Commands by themselves: the aim in seconds, and what is said of them.
ALONE = {
    "list": (0.35, "torch is not imported"),
    "start": (6.0, "from the command to the first epoch of the embedded hybrid"),
    "jobs": (None, "{} short trainings at once"),
}
NAMES = [*PAIRS, *MEMORY, *BUSY, *ALONE]


@dataclass
class Figure:
    """One row of the table: `wall` and `cpu` are seconds (or GB) of A and B, the ratios their quartiles."""

    name: str
    aim: float | None
    wall: list[float]
    cpu: list[float] = field(default_factory=list)
    wall_ratio: list[float] = field(default_factory=list)
    cpu_ratio: list[float] = field(default_factory=list)
    remark: str = ""

    def line(self) -> str:
        """The row as it is printed."""
        aim = f"<= {self.aim:g}" if self.aim else ""
        pairs = ((self.wall_ratio, self.wall), (self.cpu_ratio, self.cpu))
        wall, cpu = (f"{spread(ratio):<20} {' / '.join(f'{v:.3f}' for v in reversed(v)):<15}" for ratio, v in pairs)
        return f"{self.name:<16} {aim:<7} {self.verdict():<7} {wall} {cpu} {self.remark}".rstrip()

    def verdict(self) -> str:
        """Whether the aim is met; a time without another side is judged in seconds."""
        found = [ratio[1] for ratio in (self.wall_ratio, self.cpu_ratio) if ratio] or [*self.wall, *self.cpu]
        met = [value <= self.aim for value in found] if self.aim else []
        return "" if not met else "met" if all(met) else "unclear" if any(met) else "missed"


def spread(ratio: list[float]) -> str:
    return f"{ratio[1]:.3f} ({ratio[0]:.3f}-{ratio[2]:.3f})" if ratio else ""


def quartiles(found: Compared) -> list[float]:
    return [found.low, found.ratio, found.high]


def paired(name: str, args: Arguments) -> Figure:
    """A B A B, after each has run twice."""
    row = PAIRS[name]
    with conditions(args).held():
        found = alternate(row.pair(args), args.repeats, args.device)
    wall, cpu = ([one.bare, one.recipe] if one else [] for one in (found.wall, found.cpu))
    ratios = [quartiles(one) if one else [] for one in (found.wall, found.cpu)]
    return Figure(name, row.aim, wall, cpu, *ratios, row.remark)


def memory(name: str, args: Arguments) -> Figure:
    """Peak memory of two training steps, each side in a process of its own."""
    found = peak.memory(recipe(MEMORY[name], args), conditions(args))
    remark = f"GB; {found.how}"
    if found.rest is not None and found.added is not None:
        bare, own = (rest / 2**10 for rest in found.rest)
        remark = f"GB; at rest {own:.3f} / {bare:.3f}, what the steps add {found.added:.2f}"
    peaks = [found.peak.bare / 2**10, found.peak.recipe / 2**10]
    return Figure(name, None, peaks, [], quartiles(found.peak), remark=remark)


def alone(name: str, args: Arguments) -> Figure:
    """Seconds of a command, from the start of Python on."""
    work, repeats = {"list": (listing, args.repeats), "start": (starting, 1), "jobs": (several(args.jobs), 1)}[name]
    wall, cpu, code = medians(work, repeats)
    said = {0: ALONE[name][1].format(args.jobs), 3: "IMPORTS TORCH"}.get(code, f"FAILED with exit code {code}")
    return Figure(name, ALONE[name][0], wall, cpu, remark=f"seconds; {said}")


def occupied(name: str, args: Arguments) -> Figure:
    """How much of a training step a GPU works, and by how many kernels."""
    wall, working, kernels = busy(BUSY[name], args)
    return Figure(name, None, [working, wall], [], remark=f"busy {working / wall:.0%}, {kernels} kernels a step")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--backbone", default="timm/vit_base_patch16_224", help="of all but adopted-clip, adopted-swin")
    parser.add_argument("--with", nargs="+", default=[], dest="words", metavar="key=value", help="for every recipe")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=7, help="pairs in a row")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--compile", action="store_true", help="both sides, by torch.compile")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at once, of the row jobs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures as they are")
    args = parser.parse_args()
    strange = [word for word in args.only if word not in NAMES]
    if strange:
        parser.error(f"no row called '{strange[0]}'; there are {', '.join(NAMES)}")
    try:
        conditions(args)
    except ZooError as error:
        parser.error(str(error))
    if args.device == "cpu":
        args.only = [name for name in args.only if name not in BUSY or args.only != NAMES]
        if any(name in BUSY for name in args.only):
            parser.error("how busy a GPU is can be asked with --device cuda alone")
    where = f"{args.device}{', compiled' if args.compile else f', {args.threads} threads'}"
    print(f"{args.backbone}, batch {args.batch}, {args.precision}, {where}, {args.repeats} pairs; B / A")
    print(f"{'':<32} {'wall, its quartiles':<20} {'seconds':<15} {'CPU, its quartiles':<20} seconds")
    figures = []
    for name in args.only:
        kind = alone if name in ALONE else occupied if name in BUSY else memory if name in MEMORY else paired
        figures.append(kind(name, args))
        print(figures[-1].line(), flush=True)
    if args.json:
        args.json.write_text(json.dumps([asdict(f) | {"verdict": f.verdict()} for f in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()
