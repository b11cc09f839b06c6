"""Pickles by allow-list: what a file may ask for, and nothing else."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from promptzoo.errors import ZooError


class NotAllowedError(Exception):
    """A pickle asks for something else."""


def refuse(what: object) -> Any:
    raise NotAllowedError(f"it asks for {what}")


ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0] for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): np.float64(0).__reduce__()[0] for core in ("core", "_core")},
    ("_codecs", "encode"): lambda text, encoding: text.encode("latin1") if encoding == "latin1" else refuse(encoding),
}


class Restricted(pickle.Unpickler):
    """Finds the classes of `allowed`, (module, name) -> what stands for it, and no other."""

    def __init__(self, content: bytes, allowed: Mapping[tuple[str, str], Any], **options: Any) -> None:
        super().__init__(io.BytesIO(content), **options)
        self.allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            return refuse(f"{module}.{name}")
        return self.allowed[module, name]


def unpickle(path: Path, allowed: Mapping[tuple[str, str], Any], *, skip: int = 0, **options: Any) -> Any:
    """What a pickle holds, from byte `skip` on.  Raises `ZooError` where it asks for more than is allowed."""
    try:
        return Restricted(path.read_bytes()[skip:], allowed, **options).load()
    except NotAllowedError as error:
        names = sorted({name for _, name in allowed if not name.startswith("_")})
        raise ZooError(
            f"{path}: this pickle is not read: {error}; it may hold plain values and {', '.join(names) or 'no more'}"
        ) from error
    except Exception as error:  # a broken pickle raises nearly anything
        raise ZooError(f"{path}: this is no pickle that can be read ({type(error).__name__}: {error})") from error


def object_array(path: Path, allowed: Mapping[tuple[str, str], Any] = ARRAYS) -> Any:
    """An `.npy` file of any kind; one of objects by the restricted reader.  Raises `ZooError`."""
    try:
        with open(path, "rb") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            _, _, kind = header(file)
            start = file.tell()
        return unpickle(path, allowed, skip=start) if kind.hasobject else np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        if isinstance(error, ZooError):
            raise
        raise ZooError(f"{path}: this is no .npy file that can be read ({error})") from error
