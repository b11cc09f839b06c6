"""`model.safetensors`: what was tuned, and in its metadata everything needed to build the model around it again."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from promptzoo.errors import DamagedError, ZooError
from promptzoo.files import from_json
from promptzoo.paths import regular

KEYS = ("recipe", "backbone", "weights", "frozen", "classes")
SEAL = "digest"  # of all the rest
MERGED = "load"  # in the metadata of a merged model, how its own library loads it


def packed(state: Mapping[str, Tensor], words: Mapping[str, str]) -> bytes:
    """The file's content, the same bytes for the same model; `words` has a text for each of `KEYS`.

    Raises `ZooError` for numbers that are not finite.
    """
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()}
    finite(tensors)
    told = {key: words[key] for key in KEYS}
    return in_order(save(tensors, {**told, SEAL: seal(tensors, told)}), (*KEYS, SEAL))


def seal(tensors: Mapping[str, Tensor], told: Mapping[str, str]) -> str:
    """A digest of everything: the words of the metadata, and name, type, shape and bits of each tensor."""
    kinds = [[name, str(tensor.dtype), list(tensor.shape)] for name, tensor in sorted(tensors.items())]
    whole = json.dumps([[told[key] for key in KEYS], kinds, digest(tensors)])
    return hashlib.sha256(whole.encode()).hexdigest()


def digest(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names and numbers."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def finite(tensors: Mapping[str, Tensor], where: str = "what was tuned") -> None:
    """Raises `ZooError` naming a tensor with a number in it that is none."""
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise ZooError(f"{where} contains numbers that are not finite, in '{name}': it cannot be used")


def in_order(content: bytes, keys: Iterable[str]) -> bytes:
    """The same file with its metadata in the order of `keys`, which safetensors shuffles at each writing."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    header["__metadata__"] = {key: header["__metadata__"][key] for key in keys}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def unpack(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata.  Raises `ZooError` when there is no such file, or it is not one of ours."""
    file = regular(file, "file or run")
    try:
        content = file.read_bytes()  # not by its name, which need not be UTF-8
        state = load(content)
        metadata = from_json(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__") or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise ZooError(f"{file} is not a readable .safetensors file: {error}") from error
    if MERGED in metadata:
        raise ZooError(f"{file} is a merged model, not a run; load it with\n{metadata[MERGED]}")
    if lacking := [key for key in KEYS if key not in metadata]:
        raise ZooError(f"{file} was not made by promptzoo: its metadata has no '{lacking[0]}'", key=lacking[0])
    if metadata.get(SEAL) != seal(state, metadata):
        raise DamagedError(f"{file} is damaged: it has changed since it was written")
    finite(state, str(file))
    return state, metadata


def copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same numbers in memory of their own, on the CPU."""
    return {name: torch.clone(tensor.detach()).cpu() for name, tensor in state.items()}
