"""Pictures whose bytes are cut, flipped, doubled, or told to be larger than they are."""

import io
import random
from functools import cache

import numpy as np
from PIL import Image

from promptzoo.data.picture import read
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.transforms import evaluation

from .ground import Ground

KINDS = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "BMP": ".bmp",
    "GIF": ".gif",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "PPM": ".ppm",
    "AVIF": ".avif",
    "JPEG2000": ".jp2",
    "TGA": ".tga",
    "ICO": ".ico",
    "EPS": ".jpg",
}
MODES = ("RGB", "L", "RGBA", "P", "1", "CMYK", "I;16", "F", "I")


@cache
def pages() -> list[tuple[str, bytes]]:
    """A small picture in each format and mode that go together."""
    found = []
    ramp = np.arange(24 * 24 * 3, dtype=np.uint8).reshape(24, 24, 3)
    for kind, ending in KINDS.items():
        for mode in MODES:
            try:
                numbers = ramp[..., 0].astype({"I;16": np.uint16, "F": np.float32, "I": np.int32}.get(mode, np.uint8))
                made = Image.fromarray(numbers) if mode in ("I;16", "F", "I") else Image.fromarray(ramp).convert(mode)
                page = io.BytesIO()
                made.save(page, kind)
                found.append((ending, page.getvalue()))
            except (OSError, ValueError, KeyError):
                continue
    return found


def damaged(content: bytes, draw: random.Random) -> bytes:
    """A few bytes otherwise, a part gone or there twice, a number of the head as large as it goes; sometimes none."""
    if draw.random() < 0.3:
        return content
    page = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(min(len(page), draw.choice((64, 10**6)))) if page else 0
        way = draw.randrange(5)
        if way == 0 and page:
            page[place] ^= 1 << draw.randrange(8)
        elif way == 1:
            del page[place:]
        elif way == 2:
            page[place:place] = page[place : place + draw.randint(1, 40)]
        elif way == 3:
            page[place : place + 4] = draw.choice(
                (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\xff\xff")
            )
        else:
            page[place : place + 8] = draw.randbytes(8)
    return bytes(page)


def trial(draw: random.Random, ground: Ground) -> str:
    """Reads one as training and prediction do."""
    ending, content = draw.choice(pages())
    file = ground.place / f"picture{ending}"
    file.write_bytes(damaged(content, draw))
    evaluation(read(file), Preprocess(size=(16, 16)))
    return "valid"
