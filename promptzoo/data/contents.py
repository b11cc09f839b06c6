"""What a run was trained and tested on, in one word: `fingerprint`."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path

from PIL import Image

from promptzoo.data.picture import Picture
from promptzoo.data.pictures import Pictures, columns
from promptzoo.names import as_bytes
from promptzoo.paths import regular

MANY = 20_000  # pictures of a set or a run, up to which each is read before training
PROBE = 256  # pictures of a larger one that are read for its fingerprint
STEP = 4096  # pictures whose sizes are asked for at a time


def content(picture: Picture) -> str:
    """sha256 of the file, or of the pixels of a picture that has none; of what is opened, where that knows its own."""
    if (digest := getattr(picture.open, "digest", None)) is not None:
        return str(digest())
    if picture.path is None:
        return content_of(picture.open())
    with open(regular(picture.path, "picture"), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_of(image: Image.Image) -> str:
    """sha256 of mode, size and pixels."""
    return hashlib.sha256(f"{image.mode} {image.size}".encode() + image.tobytes()).hexdigest()


def fingerprint(*splits: Sequence[Picture], content: Callable[[Picture], str] = content) -> str:
    """sha256 over each split's names, labels and contents, in order; where the set lies on the disk does not count.

    Of more than `MANY` pictures the sizes of all files and the contents of `PROBE` pictures stand for the contents.
    """
    digest = hashlib.sha256()
    if sum(map(len, splits)) > MANY:
        for split in splits:
            digest.update(b"probed\n")
            for line in probed(split, content):
                digest.update(as_bytes(line))
        return digest.hexdigest()
    for split in splits:
        digest.update(b"split\n")
        for picture in split:
            digest.update(as_bytes(f"{picture.label}\t{picture.name}\t{content(picture)}\n"))
    return digest.hexdigest()


def probed(split: Sequence[Picture], content: Callable[[Picture], str]) -> Iterator[str]:
    """Name, label and size of each picture; then the contents of some, evenly from the first to the last."""
    names, labels = columns(split)
    with ThreadPool(8) as pool:  # a disk elsewhere answers several at a time
        for start in range(0, len(split), STEP):
            here = range(start, min(start + STEP, len(split)))
            sizes = pool.map(size_of, [path_of(split, place) for place in here], chunksize=256)
            yield from (f"{labels[i]}\t{names[i]}\t{size}\n" for i, size in zip(here, sizes, strict=True))
    count = min(PROBE, len(split))
    yield from (content(split[place * len(split) // count]) for place in range(count))


def path_of(split: Sequence[Picture], place: int) -> str | Path | None:
    """The file of a picture, without making the picture of a long list."""
    return f"{split.root}/{split.names[place]}" if isinstance(split, Pictures) else split[place].path


def size_of(path: str | Path | None) -> int:
    """Bytes of a file; -1 where there is none, which is said when it is opened."""
    try:
        return -1 if path is None else os.stat(path).st_size
    except OSError:
        return -1
