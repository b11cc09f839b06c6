"""Reports as a table, on the screen and in Markdown."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from promptzoo.costs.estimate import Estimate
from promptzoo.costs.measure import Measured
from promptzoo.costs.report import Operations, Report
from promptzoo.pages.numbers import giga
from promptzoo.pages.table import Table

BY = ("graft", "block", "site", "layer", "share")
MEGA = 1e6
TITLES = {
    "tuned": "tuned",
    "predicts": "to predict",
    "share": "% of visual",
    "macs": "GMACs",
    "marginal": "marginal",
    "grafted": "by grafts",
    "of_all": "% of all",
    "times": "x bare",
    "step": "a step",
    "size": "MB",
}
PLACES = ("macs", "grafted", "of_all")
PARTS = ("tuned", "predicts", "share", "macs", "marginal", "times")
COLUMNS = {
    "": ("tuned", "predicts", "share", "macs", "times", "step", "size"),
    "graft": PARTS,
    "block": PARTS,
    "site": PLACES,
    "layer": PLACES,
    "share": ("tuned", "share"),
}


def table(reports: Sequence[Report], by: str = "") -> Table:
    """Each backbone bare, then its recipes, in the order in which they were asked for, opened up by `by`."""
    made = Table(["", *(TITLES[column] for column in COLUMNS[by])])

    def line(depth: int, name: str, told: dict[str, str]) -> None:
        made.add(name, *(told.get(column, "") for column in COLUMNS[by]), depth=depth)

    for backbone in dict.fromkeys(one.backbone for one in reports):
        here = [one for one in reports if one.backbone == backbone]
        step = next((one.training.bare for one in here if one.training), None)
        bare = {"tuned": "0", "predicts": "0", "macs": giga(here[0].bare.macs), "times": "1.00", "step": giga(step)}
        line(0, backbone or "bare backbone", bare)
        for one in here:
            line(1, one.name, cells(one))
            for depth, name, told in opened(one, by):
                line(depth, name, told)
    return made


def cells(one: Report) -> dict[str, str]:
    """The figures of a recipe."""
    return {
        "tuned": f"{one.parameters.tuned:,}",
        "predicts": f"{one.parameters.inference:,}",
        "share": f"{one.shares[0].percent:.3f}",
        "macs": giga(one.inference.macs),
        "times": f"{one.inference.macs / one.bare.macs:.2f}",
        "step": giga(one.training.macs if one.training else None),
        "size": f"{one.parameters.checkpoint / MEGA:.2f}",
    }


def opened(one: Report, by: str) -> Iterator[tuple[int, str, dict[str, str]]]:
    """What a report opens into: depth, name and figures."""
    if by in ("graft", "block"):
        for part in one.parts:
            kept = "0" if part.kind == "loss" else f"{part.tuned:,}"
            name = part.name if part.kind == "head" else f"{part.kind} {part.name}"
            marginal = "" if part.marginal is None else giga(part.marginal)
            told = {"tuned": f"{part.tuned:,}", "predicts": kept, "macs": own(part.own), "marginal": marginal}
            yield 2, name, told
            for block in part.blocks if by == "block" else ():
                yield 3, block.name, {"tuned": f"{block.tuned:,}", "macs": own(block.own)}
    elif by in ("site", "layer"):
        for place in one.sites if by == "site" else one.layers:
            of_all = f"{100 * place.operations.macs / one.inference.macs:.1f}"
            told = {"macs": own(place.operations), "grafted": own(place.grafted), "of_all": of_all}
            yield 2, place.name, told
    elif by == "share":
        for share in one.shares:
            of = f"{share.name}: {share.numerator:,} / {share.denominator:,}"
            yield 2, of, {"share": f"{share.percent:.3f}"}


def own(operations: Operations) -> str:
    return giga(operations.macs) if operations.macs else ""


def show(reports: Sequence[Report], out: Console, by: str = "") -> None:
    """The table on the screen, what its words mean, and every remark."""
    out.print(table(reports, by).fitting(out))
    for note in dict.fromkeys(notes(reports, by)):
        out.print(f"[dim]{escape(note)}[/]")


def notes(reports: Sequence[Report], by: str = "") -> Iterator[str]:
    """What the columns mean and leave out, and the remarks of the reports."""
    yield "1 GMAC is 2 GFLOPs; GMACs are per picture at inference"
    batches = ", ".join(str(b) for b in sorted({one.training.batch for one in reports if one.training}))
    if batches and "step" in COLUMNS[by]:
        yield f"a step: GMACs of the forward and backward pass, per picture in a batch of {batches}"
    if "grafted" in COLUMNS[by]:
        yield "by grafts: the GMACs there that grafts compute"
    if "marginal" in COLUMNS[by]:
        yield "marginal: GMACs of the model with the graft minus those without it"
    for one in reports:
        if one.text:
            kept = "once for all pictures" if one.text.cached else "again for each picture"
            yield f"{one.backbone}: each class costs {giga(one.text.per_class)} GMACs in the text tower, {kept}"
    shares = [one.inference.elementwise / one.inference.macs for one in reports]
    yield f"not included: element-wise operations, up to {100 * max(shares, default=0):.1f} % of these"
    for one in reports:
        if one.uncounted:
            said = ", ".join(f"{name} ({times})" for name, times in one.uncounted.items())
            yield f"{one.name}: not counted, for lack of a rule: {said}"
        yield from (f"{one.name}: {remark}" for remark in one.remarks)


def markdown(reports: Sequence[Report], by: str = "") -> str:
    """The same table in Markdown."""
    said = dict.fromkeys(notes(reports, by))
    return "\n".join([table(reports, by).markdown(), "", *(f"* {note}" for note in said)]) + "\n"


def show_memory(estimated: dict[str, Estimate], out: Console) -> None:
    """What a training step of each recipe takes, by name."""
    made = Table(("memory of a step, GB", "batch", "frozen", "tuned, optimizer", "activations", "at most"))
    for name, found in estimated.items():
        sizes = (found.frozen, found.tuned, found.added, found.most)
        made.add(name, str(found.batch), *(f"{size / 2**30:.2f}" for size in sizes), depth=0)
    out.print()
    out.print(made.fitting(out))
    out.print("[dim]estimated from shapes, tensors only; torch and the GPU libraries take about 0.5 GB more[/]")


def show_measured(measured: dict[str, Measured], out: Console) -> None:
    """Time and memory of each recipe, by name, over those of its bare backbone, and under what they were taken."""
    columns = ("inference", "training step", "memory")
    made = Table(("measured: x bare", *columns, "pictures/s", "ms a step"))
    for name, found in measured.items():
        told, step = found.summary(), found.milliseconds
        speeds = (f"{found.pictures_per_second[1]:.1f}", f"{step[1]:.0f}" if step else "")
        made.add(name, *(told[column] for column in columns), *speeds, depth=0)
    out.print()
    out.print(made.fitting(out))
    for remark in dict.fromkeys(said for found in measured.values() for said in (found.told(), *found.remarks)):
        out.print(f"[dim]{escape(remark)}[/]")
