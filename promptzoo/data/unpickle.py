"""Pickles by allow-list: what a file may ask for, and nothing else."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from promptzoo.errors import ZooError
from promptzoo.paths import regular

LARGEST = 1 << 30  # bytes

#: (module, name) -> what stands for it.
Allowed = Mapping[tuple[str, str], Any]


class NotAllowedError(Exception):
    """A pickle asks for something else."""


def refuse(what: object) -> Any:
    raise NotAllowedError(f"it imports {what}")


def old_text(text: str, encoding: str) -> bytes:
    """Bytes as an old protocol wrote them."""
    return text.encode("latin1") if encoding == "latin1" else refuse(f"the encoding {encoding}")


REDUCED = {"_reconstruct": np.empty(0), "scalar": np.float64(0)}
ARRAYS: dict[tuple[str, str], Any] = {  # arrays and numbers of numpy, new, old, and of Python 2
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): old_text,
    **{(f"numpy.{c}.multiarray", n): one.__reduce__()[0] for c in ("core", "_core") for n, one in REDUCED.items()},
    **{(f"numpy.{c}.numeric", "_frombuffer"): np.empty(0).__reduce_ex__(5)[0] for c in ("core", "_core")},
    **{(module, "bytes"): bytes for module in ("builtins", "__builtin__")},
}


class Restricted(pickle.Unpickler):
    """Finds what is allowed, and nothing else."""

    def __init__(self, content: bytes, allowed: Allowed, encoding: str) -> None:
        super().__init__(io.BytesIO(content), encoding=encoding)
        self.allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        return self.allowed[module, name] if (module, name) in self.allowed else refuse(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise NotAllowedError("it refers to something outside itself")


def unpickle(path: Path, allowed: Allowed | None = None, *, skip: int = 0, largest: int = LARGEST) -> Any:
    """What a pickle holds, from byte `skip` on; texts of Python 2 are read too.

    Raises `ZooError` naming the first thing asked for that is not allowed, before anything of it happens, and for a
    file that is absent, longer than `largest` bytes, or no pickle.
    """
    allowed = allowed or {}
    try:
        with open(regular(path), "rb") as file:
            content = file.read(largest + 1)[skip:]
    except OSError as error:
        raise ZooError(f"cannot be read: {error.strerror}", place=path) from error
    if len(content) + skip > largest:
        raise ZooError("it is too long for what it should contain", place=path, given=len(content) + skip)
    try:
        try:
            return Restricted(content, allowed, "ASCII").load()
        except UnicodeDecodeError:  # arrays of Python 2 are texts that latin1 alone gives back
            return Restricted(content, allowed, "latin1").load()
    except NotAllowedError as error:
        names = sorted({name for _, name in allowed if not name.startswith("_")})
        may = f"it may contain only plain values and {', '.join(names) or 'nothing else'}"
        raise ZooError(f"this pickle is refused: {error}", place=path, remedy=may) from error
    except Exception as error:  # a broken pickle raises nearly anything
        raise ZooError(f"this is not a readable pickle ({type(error).__name__}: {error})", place=path) from error


def object_array(path: Path, allowed: Allowed = ARRAYS) -> Any:
    """An `.npy` file of any kind; one of objects by the restricted reader.  Raises `ZooError`."""
    try:
        with open(regular(path), "rb") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            _, _, kind = header(file)
            start = file.tell()
        return unpickle(path, allowed, skip=start) if kind.hasobject else np.load(path, allow_pickle=False)
    except ZooError:
        raise
    except (OSError, ValueError) as error:
        raise ZooError(f"this is not a readable .npy file ({error})", place=path) from error
