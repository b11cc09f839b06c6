"""`promptzoo report`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.completing import words as complete
from promptzoo.cli.trust import TRUST
from promptzoo.doing import doing


def report(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECIPE KEY=VALUE",
            help="Recipes or recipe lists, and overrides for all; .onnx files, to be measured.",
            show_default=False,
            shell_complete=complete,
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="table, markdown, csv, json, or html, a page.")
    ] = "table",
    by: Annotated[
        str, typer.Option("--by", metavar="PART", help="Open rows up: graft, block, site, layer or share.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A file for the table; report.html for a page.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="The page's pictures: a .pdf, .png or .svg file.")
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option("--runs", metavar="DIR", help="A folder of finished runs: their costs and accuracies."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option("--classes", metavar="COUNT", help="How many, where the pictures are not here.")
    ] = None,
    combine: Annotated[
        bool, typer.Option("--combine", help="backbones=A,B grafts=lore,sa2vp (or all) blocks=lore.local (or all).")
    ] = False,
    up_to: Annotated[
        int, typer.Option("--up-to", metavar="COUNT", help="With --combine: how many methods at most together.")
    ] = 1,
    measure: Annotated[bool, typer.Option("--measure", help="Time and memory too, beside the bare backbone.")] = False,
    compiled: Annotated[bool, typer.Option("--compile", help="With --measure: of what torch compiles.")] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="The memory of a training step too, estimated from shapes.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Count anew what was counted before.")] = False,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """What recipes cost: parameters, operations, time and memory; needs no weights, no pictures, no network."""
    with doing("loading torch"):
        from promptzoo.pages import report_files
        from promptzoo.pages.console import console
        from promptzoo.pages.report import Wanted, run

    wanted = Wanted(
        form, by, out, plot, runs, classes, combine, up_to, measure, compiled, memory, force, again, trust_code
    )
    act = report_files.run if report_files.asked(words or []) else run
    act(words or [], wanted, console(), console(errors=True))
