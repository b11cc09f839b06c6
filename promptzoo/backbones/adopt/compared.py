"""Which networks were compared with their adopted form before, so that the next opening need not wait for it."""

import hashlib
import inspect
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from torch import nn

from promptzoo.files import cache_folder, code_digest, keep

ALWAYS = "PROMPTZOO_VERIFY"  # of the environment; `always` compares at every opening, as our tests do
LIBRARIES = ("torch", "timm", "open_clip_torch")
OURS = Path(__file__).parents[1]


def compared(model: nn.Module, adopt: Callable[..., Any]) -> bool:
    """Whether a network of this form was found equal before, under the same code and libraries."""
    return os.environ.get(ALWAYS) != "always" and os.path.exists(place(model, adopt))


def remember(model: nn.Module, adopt: Callable[..., Any]) -> None:
    """Notes that they are equal; where the disk does not take it, the next opening compares again."""
    keep(place(model, adopt), b"")


def place(model: nn.Module, adopt: Callable[..., Any]) -> Path:
    """The file that stands for this form of network; empty, its name is all it says."""
    digest = hashlib.sha256(code().encode())
    for line in (source(adopt), *form(model)):
        digest.update(f"{line}\n".encode())
    return cache_folder("adopted") / digest.hexdigest()[:32]


def form(model: nn.Module) -> Iterator[str]:
    """What a network is but for its numbers: the class, the plain attributes and the shapes of each of its modules."""
    for name, module in model.named_modules():
        yield f"{name} {type(module).__module__}.{type(module).__qualname__} {source(type(module))}"
        yield str({word: value for word, value in sorted(vars(module).items()) if is_plain(value)})
        own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        yield str([(word, tuple(tensor.shape)) for word, tensor in own])


def is_plain(value: object) -> bool:
    inner = value if isinstance(value, tuple | list) else [value]
    return all(one is None or isinstance(one, bool | int | float | str) for one in inner)


def source(thing: Callable[..., Any]) -> str:
    """A digest of the file that a class or function was written in; nothing for what has none."""
    try:
        return digest_of(inspect.getfile(thing))
    except (TypeError, OSError):
        return ""


@cache
def digest_of(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


@cache
def code() -> str:
    """A digest of the code of backbones, and the versions of the libraries that they come from."""
    return code_digest(sorted(OURS.rglob("*.py")), LIBRARIES)
