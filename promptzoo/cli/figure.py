"""`promptzoo figure`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from promptzoo.cli.loading import loading
from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS
from promptzoo.errors import ZooError

MARK, HEADS = "Outline the largest COUNT patches.", "A panel for each head."
TASKS = "Which pairs, queries or sequences, from 0: 0,3."


def figure(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KIND RUN... PICTURE...",
            help="What to draw, finished runs, and pictures if the kind takes any.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A .pdf, .png or .svg file; with --page an .html file.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE", help="Write the numbers drawn to an .npz file.")
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Everything about the runs in one HTML file, instead of a kind.")
    ] = False,
    bare: Annotated[bool, typer.Option("--bare", help="Add a column for the frozen tower alone.")] = False,
    layer: Annotated[
        int | None, typer.Option("--layer", metavar="NUMBER", help="Which layer, from 0; by default the last.")
    ] = None,
    heads: Annotated[bool, typer.Option("--heads", help=HEADS)] = False,
    mark: Annotated[int, typer.Option("--mark", metavar="COUNT", min=0, help=MARK)] = 0,
    of: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Explain this class instead of the predicted one.")
    ] = None,
    scores: Annotated[bool, typer.Option("--scores", help="KLA's scores before its filter.")] = False,
    at: Annotated[str, typer.Option("--at", metavar="ROW,COLUMN", help="Which patch.", show_default=False)] = "",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="PICTURE", help="With similarity: the other picture.")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", metavar="SITE", help="The site that grad-cam explains.")] = None,
    shared_scale: Annotated[bool, typer.Option("--shared-scale", help="One scale for a row of maps.")] = False,
    every: Annotated[
        int | None, typer.Option("--every", metavar="COUNT", help="With graph: draw every COUNT-th patch.")
    ] = None,
    split: Annotated[str, typer.Option("--split", metavar="SPLIT", help="train, val or test.")] = "test",
    unit: Annotated[bool, typer.Option("--unit", help="Scale features to length 1.")] = False,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Seed of t-SNE and UMAP.")] = 0,
    near: Annotated[int, typer.Option("--near", metavar="COUNT", help="How many nearest words.")] = 3,
    pick: Annotated[str, typer.Option("--pick", metavar="NUMBERS", help=TASKS)] = "0",
    frames: Annotated[int, typer.Option("--frames", metavar="COUNT", help="How many frames of a video.")] = 4,
    dark: Annotated[bool, typer.Option("--dark", help="For a dark page.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
    weights: Annotated[str | None, WEIGHTS] = None,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """Draw figures of finished runs: attention, grad-cam, t-SNE, curves and more; without a KIND, list them."""
    if words and not page and out is None and data is None:
        raise ZooError("no output file: give --out FILE.pdf, .png or .svg, or --data FILE.npz", key="--out")
    with loading():
        from promptzoo.figures.asked import place, whole
        from promptzoo.pages.console import console
        from promptzoo.pages.figures import kinds_page, make_figure
        from promptzoo.pages.run_page import make_page

    if page:
        make_page(words or [], out, force, weights, console(errors=True), trust_code)
        return
    if not words:
        kinds_page(console())
        return
    given: dict[str, Any] = {
        "layer": layer, "heads": heads, "mark": mark, "of": of, "scores": scores, "at": place(at) if at else None,
        "to": to, "site": site, "shared_scale": shared_scale, "every": every, "split": split, "unit": unit,
        "seed": seed, "near": near, "pick": whole(pick, "pick"), "frames": frames,
    }  # fmt: skip
    common = {"out": out, "data": data, "bare": bare, "dark": dark, "weights": weights, "force": force}
    common["trust_code"] = trust_code
    make_figure(words, given | common, console(errors=True))
