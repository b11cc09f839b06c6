"""What `promptzoo list backbones` prints, and the page that is made of it."""

from collections import Counter
from collections.abc import Sequence

from rich.markup import escape

from promptzoo.backbones.openable import Openable, openable
from promptzoo.pages.console import console
from promptzoo.pages.table import Table
from promptzoo.recipe.registry import load_registry


def backbones_page(pattern: str) -> None:
    """The models that open, each on a line; those that do not, with the reason; how many of how many."""
    found, out = openable(load_registry().adopters, pattern or "*"), console()
    for one in found:
        out.print(f"[cyan]{escape(one.name)}[/]" if not one.why else f"[dim]{escape(one.name)}: {escape(one.why)}[/]")
    out.print(f"\n{escape(summary(found))}")


def summary(found: Sequence[Openable]) -> str:
    """How many open, of each library."""
    parts = []
    for source in dict.fromkeys(one.name.partition("/")[0] for one in found):
        own = [one for one in found if one.name.startswith(f"{source}/")]
        heads = [one for one in own if one.attends]
        part = f"{opened(own)} of {len(own)} models of {source} open"
        parts.append(part if len(heads) == len(own) else f"{part}, {opened(heads)} of the {len(heads)} with attention")
    return "; ".join(parts)


def opened(found: Sequence[Openable]) -> int:
    return sum(not one.why for one in found)


def families(found: Sequence[Openable]) -> Table:
    """A row for each class of network: how many of it there are and open, and the most frequent reason not to."""
    made = Table(["class", "models", "open", "most common reason of the rest"], numbers=[1, 2])
    for kind, count in Counter(one.kind for one in found if one.kind).most_common():
        own = [one for one in found if one.kind == kind]
        if not any(one.attends or not one.why for one in own):
            continue
        reasons = Counter(one.why for one in own if one.why).most_common(1)
        made.add(kind, count, opened(own), reasons[0][0] if reasons else "")
    return made


def page(found: Sequence[Openable], versions: str) -> str:
    """docs/backbones.md."""
    lines = [
        "# Backbones",
        "",
        "Written by `python tools/backbones.py --write`: all models of the installed libraries, without weights.",
        f"`promptzoo list backbones PATTERN` shows each model, with the reason if it does not open.  {versions}.",
        "",
        f"{summary(found)}.  Classes with no model that has attention or opens are omitted.",
        "",
        families(found).markdown(),
        "",
    ]
    return "\n".join(lines)
