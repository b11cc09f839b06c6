"""Weights of a backbone: from a local file, safely, or from a hub, with a sentence when it cannot be reached."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import (
    EntryNotFoundError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)
from safetensors import SafetensorError
from safetensors.torch import load_file as load_safetensors
from torch import Tensor, nn

from promptzoo.data.room import NO_MEMORY, demand
from promptzoo.errors import ZooError, some
from promptzoo.paths import regular

UNREACHED = (OSError, EntryNotFoundError, HFValidationError, SafetensorError)  # no network, no such file, a torn one
TORCH = (".pt", ".pth", ".bin", ".ckpt", ".tar")  # the last is of .pth.tar
KINDS = {".safetensors": ".safetensors", ".npz": ".npz", **dict.fromkeys(TORCH, ".pt")}
FORMATS = (".safetensors", ".pt", ".pth", ".npz", ".bin", ".ckpt", ".pth.tar")
NESTS = ("state_dict", "model_state_dict", "model_state", "model")  # what people wrap tensors in
BEFORE = ("_orig_mod.", "module.", "model.")  # and what a compiler, several devices and a trainer put before names
FOREIGN = {  # what a file is that begins so
    b"version https://git-lfs": "a Git LFS pointer (git lfs pull fetches the file itself)",
    b"<!doctype": "a web page", b"<html": "a web page", b"<?xml": "a page of XML",
}  # fmt: skip
CODE = ("Unsupported global", "Unsupported class", "TorchScript", "Trying to load unsupported", "GLOBAL")


def fetched(fetch: Callable[[], nn.Module], name: str, tag: str) -> nn.Module:
    """Calls `fetch`, which reaches for a hub.  Raises `ZooError` naming the local-file alternative when it fails."""
    try:
        return fetch()
    except ZooError:
        raise
    except (*UNREACHED, RuntimeError) as error:
        asked = list(chain(error))
        if isinstance(error, RuntimeError) and not any(isinstance(one, UNREACHED) for one in asked):
            raise  # what open_clip meets on the way it wraps in a RuntimeError; a bare one says something else
        raise ZooError(
            f"cannot download the weights '{tag}' of {name}: {reason(asked)}",
            key="backbone.weights",
            given=tag,
            lines=[
                f"if offline, download them elsewhere and write backbone.weights=FILE ({', '.join(FORMATS)}), "
                f"or backbone.weights=random"
            ],
        ) from error


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from, or while that was handled."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def reason(asked: Iterable[BaseException], they: str = "they are") -> str:
    """Why nothing came, once and in short; `they` are what was asked for."""
    asked = list(asked)
    if any(isinstance(one, LocalEntryNotFoundError | ConnectionError | OfflineModeIsEnabled) for one in asked):
        return f"the hub cannot be reached, and {they} not among the files downloaded before"
    if any(isinstance(one, EntryNotFoundError) for one in asked):
        return "the hub has no such file"
    return " ".join(str(asked[0]).split()) or type(asked[0]).__name__


def no_tag(name: str, tag: str, tags: list[str]) -> ZooError:
    """A pretrained tag that a model does not have."""
    known = f"use random, {', '.join(tags) or 'no tags'}, or a local file"
    return ZooError(f"{name} has no weights '{tag}'", key="backbone.weights", given=tag, possible=tags, remedy=known)


def load_file(model: Any, path: Path, aside: tuple[str, ...]) -> None:
    """Loads a local file into `model`, strictly; keys of the modules named in `aside` are left out.

    No pickle is loaded with code execution.  Positions of another picture size are resampled by the model's library,
    in float32 or finer.
    Raises `ZooError` when the file is missing, unreadable, or does not fit, listing the keys, the shortest list first.
    """
    path = regular(path, "weights file")
    kind = ending(path)
    demand(path.stat().st_size, str(path))
    if kind == ".npz":
        if not hasattr(model, "load_pretrained"):
            raise ZooError(f"a {type(model).__name__} cannot read .npz weights", place=path)
        with reading(path):
            model.load_pretrained(str(path))
        return whole(model.state_dict(), path)
    state = filtered(model, read(path))
    state = {k: t for k, t in state.items() if not any(k.startswith(f"{a}.") for a in aside)}
    own = model.state_dict()
    both = {k: t for k, t in own.items() if k in state}
    kinds = {k: (str(state[k].dtype), str(t.dtype)) for k, t in both.items() if unlike(state[k], t)}
    lists = {
        "missing": sorted(own.keys() - state.keys()),
        "unexpected": sorted(state.keys() - own.keys()),
        "mis-shaped": sorted(
            f"{k} {tuple(state[k].shape)} for {tuple(t.shape)}" for k, t in both.items() if state[k].shape != t.shape
        ),
        "of another kind": sorted(f"{k} {one} for {other}" for k, (one, other) in kinds.items()),
    }
    wrong = sorted(((kind, keys) for kind, keys in lists.items() if keys), key=lambda pair: len(pair[1]))
    if wrong:
        lines = [f"{len(keys)} {kind}: {some(keys, 4, quote='')}" for kind, keys in wrong]
        said = f"{path} does not fit a {type(model).__name__}"
        raise ZooError(said, key="backbone.weights", given=str(path), lines=lines)
    whole(state, path)
    with reading(path):
        model.load_state_dict(state)


def unlike(found: Tensor, own: Tensor) -> bool:
    """Whether numbers are not what a model computes with: whole or complex ones, quantised or sparse."""
    plain = found.layout == torch.strided and not found.is_quantized
    return not plain or found.is_floating_point() != own.is_floating_point()


def whole(state: Mapping[str, Tensor], path: Path) -> None:
    """Raises `ZooError` naming a tensor with a number in it that is none."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ZooError(
                f"{path} contains numbers that are not finite, in '{name}'", key="backbone.weights", given=name
            )


def ending(path: Path) -> str:
    """How a file of weights is read.  Raises `ZooError` for another one, and for what is something else inside."""
    kind = KINDS.get(path.suffix.lower(), "")
    if not kind:
        said = f"weights are read from {', '.join(FORMATS)}, not '{path.suffix}'"
        raise ZooError(said, place=path, key="backbone.weights", given=path.suffix, possible=FORMATS)
    with open(path, "rb") as file:
        start = file.read(64).lstrip().lower()
    found = next((said for sign, said in FOREIGN.items() if start.startswith(sign)), "" if start else "empty")
    if found:
        raise ZooError(f"{path} is {found}, not weights", key="backbone.weights", given=str(path))
    return kind


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Around a library that reads a file: whatever it raises is a sentence, with the true reason."""
    try:
        yield
    except ZooError:
        raise
    except Exception as error:  # torch, numpy and zip files raise many kinds
        said, start = str(error), path.open("rb").read(1)
        about: dict[str, Any] = {"key": "backbone.weights", "given": str(path)}
        if any(word in said for word in NO_MEMORY):
            raise ZooError(f"{path} needs more memory than there is", **about) from error
        if any(word in said for word in CODE) or (start == b"\x80" and "Unsupported operand" in said):  # a bare pickle
            way = f"save its tensors as .safetensors ({type(error).__name__})"
            what = f"{path} could only be loaded by executing code from it, so it is refused"
            raise ZooError(what, **about, remedy=way) from error
        reason = said.rpartition("WeightsUnpickler error:")[2].strip()  # what torch has found, not its advice
        reason = reason.partition("\n")[0][:160] or type(error).__name__
        what = f"{path} is not a readable {path.suffix} file ({reason})"
        raise ZooError(what, **about, remedy="it may be truncated, or another kind of file") from error


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, out of what people wrap them in.  Raises `ZooError` for a broken file."""
    with reading(path):
        found: Any = (
            load_safetensors(path) if ending(path) == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        )
    while isinstance(found, dict) and (inner := next((n for n in NESTS if isinstance(found.get(n), dict)), None)):
        found = found[inner]
    if not isinstance(found, dict) or not all(isinstance(k, str) and isinstance(t, Tensor) for k, t in found.items()):
        raise ZooError(f"{path} contains no state dict of tensors", key="backbone.weights", given=str(path))
    while before := next((one for one in BEFORE if found and all(key.startswith(one) for key in found)), None):
        found = {key.removeprefix(before): tensor for key, tensor in found.items()}
    tensors: dict[str, Tensor] = found
    return tensors


def filtered(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the model's own library does to a checkpoint first, renames and resampled positions, in float32 or finer."""
    state = {key: t.float() if t.dtype in (torch.float16, torch.bfloat16) else t for key, t in state.items()}
    if type(model).__module__.startswith("open_clip"):
        import open_clip

        open_clip.factory.resize_pos_embed(state, model)
        return state
    rename = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    try:
        return state if rename is None else rename(dict(state), model)
    except Exception:  # what is no checkpoint of this model is told by its keys
        return state
