"""Recipes under a protocol, on the screen, in Markdown and as JSON."""

import json
from statistics import fmean, stdev

from rich.console import Console
from rich.markup import escape

from promptzoo.pages.comparison import apart
from promptzoo.pages.console import sentence
from promptzoo.pages.table import Table
from promptzoo.studies.transferred import Carried, Transfer


def table(found: Transfer) -> Table:
    """A row for each recipe, the best first: source, targets, and what they come to together."""
    told, last = any(one.difference for one in found.rows), "harmonic" if found.protocol.harmonic else "mean"
    targets = [target.name for target in found.protocol.targets]
    few = found.protocol.harmonic or len(targets) > 1
    held = f"{targets[0]} minus" if len(targets) == 1 else "minus"
    titles = [f"{name} %" for name in (found.protocol.source, *targets, *([last] if few else []))]
    made = Table(["", *titles, "tuned", *([f"{held} {found.source.baseline}"] if told else [])])
    for one in found.rows:
        cells = [spread(shares) for shares in (one.standing.accuracies, *one.shares().values())]
        cells += [spread(one.scores, one.score)] if few else []
        cells += [f"{one.standing.tuned:,}", *([against(one, found)] if told else [])]
        made.add(one.standing.name, *cells, depth=0)
    return made


def spread(shares: list[float], mean: float | None = None) -> str:
    """Percent, and the standard deviation over seeds where there are several."""
    middle = f"{100 * (fmean(shares) if mean is None else mean):.1f}"
    return f"{middle} ± {100 * stdev(shares):.1f}" if len(shares) > 1 else middle


def against(one: Carried, found: Transfer) -> str:
    return "baseline" if one.standing.name == found.source.baseline else apart(one.difference)


def show(found: Transfer, out: Console) -> None:
    """The table, who is not in it and why, and the notes."""
    out.print(table(found).fitting(out))
    for refused in found.source.refused:
        sentence(out, f"{refused.name}: {refused.sentence}", "did not run")
    for note in found.source.notes:
        out.print(f"[dim]{escape(note)}[/]")


def markdown(found: Transfer) -> str:
    """The same in Markdown."""
    asides = [f"did not run: {one.name}: {' '.join(one.sentence.split())}" for one in found.source.refused]
    return "\n".join([table(found).markdown(), "", *(f"* {one}" for one in (*asides, *found.source.notes))]) + "\n"


def as_json(found: Transfer) -> str:
    return json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n"
