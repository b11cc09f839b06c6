"""What `promptzoo merge` does: folds a run, writes the folder, and says what was folded where."""

import re
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from promptzoo.errors import some
from promptzoo.exporting.decouple import Decoupled
from promptzoo.exporting.folder import free
from promptzoo.exporting.merge import Merged, merge
from promptzoo.pages.table import Table

NAME = "merged"
NAMED = 8  # places of one kind that are shown


def run(
    path: Path,
    folder: Path | None,
    out: Console,
    *,
    weights: str | None = None,
    force: bool = False,
    trust_code: bool = False,
) -> None:
    """The whole command; the folder stands in the run's where no other is named.

    Raises `ZooError` as `merge` does, and where a folder may not be written, before anything is folded.
    """
    folder = folder or (path if path.is_dir() else path.parent) / NAME
    free(folder, force)
    merged = merge(path, weights=weights, trust_code=trust_code)
    merged.save(folder, force=force)
    if isinstance(merged, Decoupled):
        lighter(merged, folder, out)
    else:
        page(merged, folder, out)


def page(merged: Merged, folder: Path, out: Console) -> None:
    """What was folded where, what remains, how far both models are apart, and how the folder is loaded."""
    table = Table(("graft", "folded", "at", "into", "places"), numbers=(4,))
    for one in merged.folded:
        modules = dict.fromkeys(re.sub(r"[._](weight|bias)$", "", name) for name in one.into)
        table.add(one.graft, one.what, few(one.where), few(modules), f"{one.places:,}")
    out.print(table.screen())
    for sentence in merged.rest:
        out.print(f"not included: {escape(sentence)}")
    out.print(f"largest difference to the tuned model: {merged.difference:.1e} of the output's scale, in float32")
    out.print(f"wrote [bold]{escape(str(folder))}[/]; load it with", soft_wrap=True)
    for line in merged.code(folder).splitlines():
        out.print(f"    {escape(line)}", soft_wrap=True)


def lighter(merged: Decoupled, folder: Path, out: Console) -> None:
    """Which grafts hold their prompts now, how much that saves, how far both runs are apart, what the folder is for."""
    before, after = merged.parameters
    names = ", ".join(f"'{name}'" for name in merged.grafts)
    out.print(f"{escape(names)}: the couplings are replaced by the image prompts that they made")
    out.print(f"tuned parameters: {before:,} before, {after:,} now")
    out.print(f"largest difference to the tuned model: {merged.difference:.1e} of the output's scale, in float32")
    out.print(f"wrote [bold]{escape(str(folder))}[/]; a plain model has no place for prompts, so this is a run:")
    out.print(f"    promptzoo predict {escape(str(folder))} PICTURE...", soft_wrap=True)


def few(names: Iterable[str]) -> str:
    """The first of some names, one a line."""
    return some(names, NAMED, quote="", joint="\n")
