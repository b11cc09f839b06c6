"""`promptzoo predict`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.graph import COMPILE
from promptzoo.cli.loading import loading
from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS
from promptzoo.errors import ZooError
from promptzoo.files import deliver, vacant
from promptzoo.names import as_bytes

ONNX = ".onnx"


def predict(
    path: Annotated[
        str, typer.Argument(metavar="RUN", help="A finished run's folder, its model.safetensors, or an .onnx file.")
    ],
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE", help="Files, folders, patterns like '*.jpg'.")],
    top: Annotated[
        int, typer.Option("--top", metavar="COUNT", min=1, help="How many classes to list for each picture.")
    ] = 3,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="table, csv or json.")] = "table",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    classes: Annotated[
        str, typer.Option("--classes", metavar="A,B,C", help="Other class names.", show_default=False)
    ] = "",
    weights: Annotated[str | None, WEIGHTS] = None,
    compiled: Annotated[bool, COMPILE] = False,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """Classify pictures with a finished run."""
    with loading():
        from promptzoo.data.pictures_named import pictures_named
        from promptzoo.pages.console import console, say, sentence
        from promptzoo.pages.predictions import FORMS, predictions_page, written
        from promptzoo.training.predict import named
        from promptzoo.training.predict import predict as name

    if form not in FORMS:
        said = f"--format takes {', '.join(FORMS)}, not '{form}'"
        raise ZooError(said, key="--format", given=form, possible=FORMS)
    if out is not None:
        vacant(out, force)
    others = classes.split(",") if classes else None
    if path.endswith(ONNX):
        from promptzoo.exporting.onnx_file import OnnxFile

        refuse = {"--weights": weights, "--classes": others, "--compile": compiled, "--trust-code": trust_code}
        if given := [word for word, value in refuse.items() if value]:
            said = f"an {ONNX} file comes with its own classes and settings; it takes no {given[0]}"
            raise ZooError(said, key=given[0], given=path)
        found = named(pictures_named(pictures), OnnxFile(path), top)
    else:
        found = name(path, pictures, top, weights=weights, classes=others, compile=compiled, trust_code=trust_code)
    aside = console(errors=True)
    if out is not None:
        deliver(out, as_bytes(written(found, form)), force)
        aside.print(f"written: {out}", markup=False, soft_wrap=True)
    elif form == "table":
        predictions_page(found, console())
    else:
        say(written(found, form))
    broken = [(file, one) for file, one in found if isinstance(one, ZooError)]
    for file, error in broken:
        said = str(error) if str(file) in str(error) else f"{file}: {error}"
        sentence(aside, f"skipped: {said}")
    if broken:
        raise typer.Exit(1)
