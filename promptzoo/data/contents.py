"""What a run was trained and tested on, in one word: `fingerprint`."""

import hashlib
from collections.abc import Iterable

from promptzoo.data.picture import Picture


def fingerprint(*splits: Iterable[Picture]) -> str:
    """sha256 over each split's names, labels and contents, in order: a file's bytes, or the pixels of a drawing.

    Where the set lies on the disk does not count.
    """
    digest = hashlib.sha256()
    for split in splits:
        digest.update(b"split\n")
        for picture in split:
            digest.update(f"{picture.label}\t{picture.name}\t{content(picture)}\n".encode())
    return digest.hexdigest()


def content(picture: Picture) -> str:
    """sha256 of the file, or of the size and pixels of a picture that has none."""
    if picture.path is not None:
        with open(picture.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    image = picture.open()
    return hashlib.sha256(f"{image.mode} {image.size}".encode() + image.tobytes()).hexdigest()
