"""Pickles read without running what they may hold: `load`."""

import io
import pickle
from collections.abc import Collection
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError

LARGEST = 64 << 20  # bytes

ARRAYS = {  # module and name that a pickle of plain values and arrays of numpy, old or new, asks for
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("builtins", "bytes"),
    ("__builtin__", "bytes"),
    *(
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module in ("multiarray", "numeric")
        for name in ("_reconstruct", "scalar", "_frombuffer")
    ),
}


def load(path: Path, allowed: Collection[tuple[str, str]] = (), *, largest: int = LARGEST) -> Any:
    """What a pickle holds, where that needs no more than the (module, name) of `allowed`.

    Texts of Python 2 are read too.  Raises `ZooError` naming the first thing asked for that is not allowed, before
    anything of it happens, and for a file that is absent, longer than `largest` bytes, or no pickle.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise ZooError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > largest:
        raise ZooError(f"{path}: more than {largest >> 20} MiB, which is too long for what it should hold")
    try:
        try:
            return Restricted(content, path, allowed, "ASCII").load()
        except UnicodeDecodeError:  # arrays of Python 2 are texts that latin1 alone gives back
            return Restricted(content, path, allowed, "latin1").load()
    except ZooError:
        raise
    except Exception as error:  # a broken pickle raises whatever it happens to run into
        raise ZooError(f"{path}: no readable pickle ({type(error).__name__})") from error


class Restricted(pickle.Unpickler):
    """Finds what is allowed, and nothing else."""

    def __init__(self, content: bytes, path: Path, allowed: Collection[tuple[str, str]], encoding: str) -> None:
        super().__init__(io.BytesIO(content), encoding=encoding)
        self.path, self.allowed = path, allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise ZooError(
                f"{self.path}: refused, it asks for {module}.{name}, which what it should hold does not need"
            )
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)

    def persistent_load(self, pid: Any) -> Any:
        raise ZooError(f"{self.path}: refused, it refers to something outside itself")
