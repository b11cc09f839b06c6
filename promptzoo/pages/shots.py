"""What `promptzoo data show` writes: the shots of each class as a backbone sees them."""

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from promptzoo.data.cache import Cache
from promptzoo.data.fewshot import few_shot
from promptzoo.figures.sheet import sheet
from promptzoo.files import deliver, vacant
from promptzoo.pages.data import opened
from promptzoo.recipe.build import open_of
from promptzoo.recipe.pictures import seen_by
from promptzoo.recipe.recipe import Recipe

MOST = 20  # classes on a sheet


def show_page(
    name: str, overrides: Sequence[str], file: Path, out: Console, *,
    recipe: str = "linear", shots: int = 4, seed: int = 1, force: bool = False,
) -> None:  # fmt: skip
    """Draws shots of a seed and writes them as a PNG, cut and resized as the recipe's backbone sees them."""
    vacant(file, force)
    dataset, asked = opened(name, overrides), Recipe.read(recipe)
    cache = Cache(seen_by(asked, open_of(asked, hollow=True)), 0)
    own = dataset.few_shot(shots, seed)
    train = (own or few_shot(dataset.train, shots, seed, classes=dataset.classes))[0]
    rows = []
    for label, title in enumerate(dataset.classes[:MOST]):
        if mine := [cache.view(picture) for picture in train if picture.label == label]:
            rows.append((title, mine))
    content = io.BytesIO()
    sheet(rows).save(content, "PNG")
    deliver(file, content.getvalue(), force)
    more = f", the first {MOST} of {len(dataset.classes)}" if len(dataset.classes) > MOST else ""
    out.print(f"{len(rows)} classes{more}, {shots} shots of seed {seed}, as {recipe} sees them: {file}")
