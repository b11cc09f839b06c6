"""One self-contained HTML file of finished runs: curves, confusion, pictures classified rightly and wrongly, t-SNE."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.markup import escape

import promptzoo
from promptzoo.data.transforms import Pixels
from promptzoo.errors import ZooError, some
from promptzoo.extras import package
from promptzoo.figures.asked import Wish
from promptzoo.figures.columns import Column, columns_of
from promptzoo.figures.gallery import Shown, gallery
from promptzoo.figures.kinds import confusion, curves
from promptzoo.figures.kinds.embedding import laid_out, vote
from promptzoo.figures.marks import DARK, LIGHT
from promptzoo.figures.panels import Cloud, Curves, Matrix
from promptzoo.figures.plots_plotly import cloud_figure, curves_figure, matrix_figure
from promptzoo.files import deliver, vacant
from promptzoo.pages.figures import sorted_out
from promptzoo.pages.html import assembled
from promptzoo.pages.html_data import enclosed
from promptzoo.pages.numbers import percent

PAGE = Path("page.html")


def make_page(
    words: Sequence[str], out: Path | None, force: bool, weights: str | None, said: Console, trust_code: bool = False
) -> None:
    """The whole command.  Raises `ZooError` for what is not a run."""
    runs, *others = sorted_out(words)
    if any(others) or not runs:
        given = [word for some in others for word in some]
        raise ZooError(f"a page shows finished runs; got {given[0] if given else 'none'}", key="--page", given=given)
    file = out or PAGE
    if file.suffix.lower() != PAGE.suffix:
        raise ZooError(f"--page writes a file that ends in {PAGE.suffix}", key="--out", given=file.name)
    may_write(file, force)
    said.print(f"evaluating on the test pictures of {some(runs, quote='')}", soft_wrap=True, highlight=False)
    write_run_page(file, runs, force, weights, trust_code=trust_code)
    said.print(f"written: {escape(str(file))}", soft_wrap=True)


def write_run_page(
    file: Path,
    runs: Sequence[str | Path],
    force: bool = False,
    weights: str | None = None,
    title: str = "Runs",
    trust_code: bool = False,
) -> None:
    """Writes the page.  Raises `ZooError` where a run or its pictures cannot be opened, and where plotly is missing."""
    may_write(file, force)
    columns = columns_of(runs, weights=weights, trust_code=trust_code)
    folders = [(column.label, column.folder) for column in columns if column.folder is not None]
    panels = [one for row in curves.find(folders, Wish()).panels for one in row if isinstance(one, Curves)]
    names = list(dict.fromkeys(curve.run for one in panels for curve in one.curves))
    lines = [both(curves_figure, one, names) for one in panels]
    told = {"version": promptzoo.__version__, "curves": lines, "runs": [of_run(column) for column in columns]}
    deliver(
        file, assembled("runs.html", ("page.css", "runs.css"), ("element.js", "runs.js"), enclosed(told), title), force
    )


def may_write(file: Path, force: bool = False) -> None:
    """Raises `ZooError` before anything is opened where a page is already, or plotly or matplotlib is missing."""
    vacant(file, force)
    for name in ("plotly", "matplotlib"):
        package(name, "page")


def of_run(column: Column) -> dict[str, Any]:
    """What the page says and shows of one run."""
    assert column.folder is not None
    result, data = column.folder.result(), column.data()
    features, labels = data.test.gather(column.model.features), data.test.labels
    pictures = data.test.reader.pictures
    cloud = Cloud(points=laid_out("tsne", features.numpy(), 0), labels=labels.numpy(), names=column.model.classes)
    (panels,) = confusion.find([(column.label, column.folder)], Wish()).panels
    facts = [
        ("recipe", str(result["recipe"])),
        ("test accuracy", f"{percent(column.folder.accuracy())} %"),
        ("kNN on its features", f"{percent(vote(features, labels))} %"),
        ("tuned parameters", f"{result['tuned_parameters']:,}"),
        ("seconds", f"{result['seconds']:.0f}"),
    ]
    matrix = panels[0] if isinstance(panels[0], Matrix) else None
    return {
        "name": column.label,
        "facts": facts,
        "confusion": None if matrix is None else both(matrix_figure, matrix),
        "tsne": both(cloud_figure, cloud, [one.name for one in pictures]),
        "gallery": [card(one) for one in gallery(column, pictures)],
    }


def both(made: Any, *what: Any) -> dict[str, Any]:
    """A figure in light and dark."""
    return {"light": made(*what, LIGHT), "dark": made(*what, DARK)}


def card(one: Shown) -> dict[str, Any]:
    """A picture of the gallery."""
    return {
        "name": one.name, "truth": one.truth, "named": one.named, "right": one.right, "by": one.by,
        "probability": f"{100 * one.probability:.0f} %", "picture": jpeg(one.picture), "seen": jpeg(one.seen),
    }  # fmt: skip


def jpeg(pixels: Pixels) -> str:
    """A picture as text that a page shows."""
    with io.BytesIO() as buffer:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
        return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
