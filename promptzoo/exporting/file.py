"""The file that a merged model goes to, and how far it may be from the tuned one."""

from pathlib import Path

from promptzoo.errors import ZooError

LIMIT = 1e-5  # of the output's scale: what rounding alone can do
ROWS = 4  # pictures, and texts, that are compared


def checked(file: Path) -> Path:
    """A place for the file.  Raises `ZooError` for another ending."""
    if file.suffix != ".safetensors":
        raise ZooError("a merged model is a .safetensors file", place=file, given=file.suffix)
    return file
