"""What `promptzoo export` does: writes a run as something else, and says how that is used."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from promptzoo.errors import ZooError
from promptzoo.exporting.export import Exported, export
from promptzoo.exporting.from_peft import from_peft
from promptzoo.pages.merged import page as folded

RUN = "run"


def run(
    path: Path,
    to: str,
    out: Path | None,
    screen: Console,
    *,
    words: Sequence[str] = (),
    classes: str = "",
    **options: Any,
) -> None:
    """The whole command.  Raises `ZooError` as `export` and `from_peft` do."""
    if to == RUN:
        names = [name.strip() for name in classes.split(",")] if classes else None
        force = options["force"]
        return told(from_peft(path, out or path / RUN, overrides=words, classes=names, force=force), screen)
    if words or classes:
        said = "a run has its own recipe and classes; overrides work only with --to run, from a peft folder"
        raise ZooError(said, key="to", given=to)
    told(export(path, to, out, **options), screen)


def told(made: Exported, out: Console) -> None:
    """What was written, how it was tried, how far it is from the model, and how it is used."""
    if made.merged is not None:
        return folded(made.merged, made.path, out)
    for sentence in made.rest:
        out.print(f"not included: {escape(sentence)}")
    if made.accuracy is not None:
        before, after = (f"{100 * share:.1f} %" for share in made.accuracy)
        out.print(f"accuracy on {made.count:,} test pictures: {before} in float32, {after} in eight bits")
    at = f", at {', '.join(map(str, made.batches))} pictures at a time" if made.batches else ""
    out.print(f"largest difference to the model in float32: {made.difference:.1e} of the output's scale{at}")
    out.print(f"wrote [bold]{escape(str(made.path))}[/], {made.size / 1e6:.1f} MB; use it with", soft_wrap=True)
    for line in made.code.splitlines():
        out.print(f"    {escape(line)}", soft_wrap=True)
