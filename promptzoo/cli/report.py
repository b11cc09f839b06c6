"""`promptzoo report`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.completing import words as complete
from promptzoo.cli.loading import loading
from promptzoo.cli.trust import TRUST


def report(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECIPE KEY=VALUE",
            help="Recipes or recipe lists, and overrides for all of them; with --measure also .onnx files.",
            show_default=False,
            shell_complete=complete,
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="table, markdown, csv, json, or html, a page.")
    ] = "table",
    by: Annotated[
        str, typer.Option("--by", metavar="PART", help="Break rows down by graft, block, site, layer or share.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write to this file; for a page report.html unless given."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the page's plots into a .pdf, .png or .svg file."),
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option("--runs", metavar="DIR", help="A folder of finished runs: adds their costs and accuracies."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option("--classes", metavar="COUNT", help="Number of classes, where the data is not here.")
    ] = None,
    combine: Annotated[
        bool, typer.Option("--combine", help="backbones=A,B grafts=lore,sa2vp (or all) blocks=lore.local (or all).")
    ] = False,
    up_to: Annotated[
        int, typer.Option("--up-to", metavar="COUNT", help="With --combine: at most so many methods together.")
    ] = 1,
    measure: Annotated[
        bool, typer.Option("--measure", help="Also measure time and memory, beside the bare backbone.")
    ] = False,
    compiled: Annotated[bool, typer.Option("--compile", help="With --measure: after torch.compile.")] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Also estimate the memory of a training step, from shapes.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Ignore the cache of earlier counts.")] = False,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """Count what recipes cost: parameters, operations, time, memory; needs no weights and no pictures."""
    with loading():
        from promptzoo.pages import report_files
        from promptzoo.pages.console import console
        from promptzoo.pages.report import Wanted, run

    wanted = Wanted(
        form, by, out, plot, runs, classes, combine, up_to, measure, compiled, memory, force, again, trust_code
    )
    act = report_files.run if report_files.asked(words or []) else run
    act(words or [], wanted, console(), console(errors=True))
