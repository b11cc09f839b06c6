"""What is looked at in what a run becomes."""

import io
import sys
import zipfile
from pathlib import Path

import pytest

from promptzoo import ZooError


def refused(act):
    with pytest.raises(ZooError) as caught:
        act()
    return caught.value


def of_this_machine(run: Path, made: Path) -> list[bytes]:
    """What in a file or folder tells where a run, its pictures, the home, Python or this code are."""
    words = list(map(str, (run.parent, Path.home(), Path(__file__).parents[2], sys.prefix)))
    files = [file.read_bytes() for file in ([made] if made.is_file() else made.rglob("*"))]
    for content in files[:]:
        if zipfile.is_zipfile(file := io.BytesIO(content)):
            files += [zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist()]
    return [word for word in map(str.encode, words) if any(word in content for content in files)]


def left(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}
