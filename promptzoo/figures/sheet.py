"""A contact sheet: pictures of each class in a row."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from promptzoo.data.transforms import Pixels

GAP, LINE = 4, 15  # pixels between pictures, and of a row's title


def sheet(rows: Sequence[tuple[str, Sequence[Pixels]]]) -> Image.Image:
    """Titles and pictures h w 3, all of one size -> one picture."""
    height, width = rows[0][1][0].shape[:2]
    columns = max(len(pictures) for _, pictures in rows)
    step = height + LINE + GAP
    made = Image.new("RGB", (GAP + columns * (width + GAP), GAP + len(rows) * step), "white")
    pen = ImageDraw.Draw(made)
    for row, (title, pictures) in enumerate(rows):
        top = GAP + row * step
        pen.text((GAP, top), title, fill="black")
        for column, pixels in enumerate(pictures):
            made.paste(Image.fromarray(pixels), (GAP + column * (width + GAP), top + LINE))
    return made
