"""What a run was trained and tested on, in one word: `fingerprint`."""

import hashlib
from collections.abc import Callable, Iterable

from PIL import Image

from promptzoo.data.picture import Picture
from promptzoo.names import as_bytes
from promptzoo.paths import regular


def content(picture: Picture) -> str:
    """sha256 of the file, or of the pixels of a picture that has none."""
    if picture.path is None:
        return content_of(picture.open())
    with open(regular(picture.path, "picture"), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_of(image: Image.Image) -> str:
    """sha256 of mode, size and pixels."""
    return hashlib.sha256(f"{image.mode} {image.size}".encode() + image.tobytes()).hexdigest()


def fingerprint(*splits: Iterable[Picture], content: Callable[[Picture], str] = content) -> str:
    """sha256 over each split's names, labels and contents, in order; where the set lies on the disk does not count."""
    digest = hashlib.sha256()
    for split in splits:
        digest.update(b"split\n")
        for picture in split:
            digest.update(as_bytes(f"{picture.label}\t{picture.name}\t{content(picture)}\n"))
    return digest.hexdigest()
