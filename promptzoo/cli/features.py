"""`promptzoo features`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.loading import loading
from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS


def features(
    what: Annotated[str, typer.Argument(metavar="RECIPE|RUN", help="A recipe, or a finished run's folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The .safetensors file to write.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Overrides; with a run, of its data only.")
    ] = None,
    weights: Annotated[str | None, WEIGHTS] = None,
    trust_code: Annotated[bool, TRUST] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Compute the features of all pictures once, to train on them: data.dataset=features data.file=FILE."""
    with loading():
        from promptzoo.pages.console import console, sentence
        from promptzoo.training.features_file import write_features

    found = write_features(what, out, words or (), weights=weights, force=force, trust_code=trust_code)
    screen = console()
    counts = ", ".join(f"{part} {count:,}" for part, count in found.counts.items())
    screen.print(f"{counts}: features {found.width} wide of {found.model}", markup=False, soft_wrap=True)
    for remark in found.remarks:
        sentence(screen, f"note: {remark}")
    texts = ", class texts with them" if found.texts else ""
    sentence(screen, f"written to {out}{texts}: data.dataset=features data.file={out}")
