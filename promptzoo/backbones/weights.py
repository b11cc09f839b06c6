"""Weights of a backbone: from a local file, safely, or from a hub, with a sentence when it cannot be reached."""

import sys
from collections.abc import Callable, Iterable, Iterator
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

from promptzoo.errors import ZooError, some

FORMATS = (".safetensors", ".pt", ".pth", ".npz")
UNREACHED = (OSError, EntryNotFoundError, HFValidationError, SafetensorError)  # no network, no such file, a torn one


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
            f"cannot fetch the weights '{tag}' of {name}: {reason(asked)}",
            key="backbone.weights",
            given=tag,
            lines=[
                f"without the hub, download them elsewhere and write backbone.weights=FILE ({', '.join(FORMATS)}), "
                f"or backbone.weights=random"
            ],
        ) from error


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from, or while that was handled."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def reason(asked: Iterable[BaseException]) -> str:
    """Why nothing came, once and in short."""
    asked = list(asked)
    if any(isinstance(one, LocalEntryNotFoundError | ConnectionError | OfflineModeIsEnabled) for one in asked):
        return "the hub cannot be reached, and they are not among the files that were fetched before"
    if any(isinstance(one, EntryNotFoundError) for one in asked):
        return "the hub has no such file"
    return " ".join(str(asked[0]).split()) or type(asked[0]).__name__


def no_tag(name: str, tag: str, tags: list[str]) -> ZooError:
    """A pretrained tag that a model does not have."""
    known = f"it has random, {', '.join(tags) or 'no tags'}, or a local file"
    return ZooError(f"{name} has no weights '{tag}'", key="backbone.weights", given=tag, possible=tags, remedy=known)


def load_file(model: Any, path: Path, aside: tuple[str, ...]) -> None:
    """Loads a local file into `model`, strictly; keys of the modules named in `aside` are left out.

    No pickle is loaded with code execution.  Positions of another picture size are resampled by the model's library,
    in float32 or finer.
    Raises `ZooError` when the file is missing, unreadable, or does not fit, listing the keys, the shortest list first.
    """
    if not path.exists():
        raise ZooError(f"no such weights file: {path}", key="backbone.weights", given=str(path))
    if path.suffix == ".npz":
        if not hasattr(model, "load_pretrained"):
            raise ZooError(f"a {type(model).__name__} has no reader for .npz weights", place=path)
        model.load_pretrained(str(path))
        return
    state = filtered(model, read(path))
    state = {k: t for k, t in state.items() if not any(k.startswith(f"{a}.") for a in aside)}
    own = model.state_dict()
    lists = {
        "missing": sorted(own.keys() - state.keys()),
        "unexpected": sorted(state.keys() - own.keys()),
        "mis-shaped": sorted(
            f"{k} {tuple(state[k].shape)} for {tuple(t.shape)}"
            for k, t in own.items()
            if k in state and state[k].shape != t.shape
        ),
    }
    wrong = sorted(((kind, keys) for kind, keys in lists.items() if keys), key=lambda pair: len(pair[1]))
    if wrong:
        lines = [f"{len(keys)} {kind}: {some(keys, 4, quote='')}" for kind, keys in wrong]
        said = f"{path} does not fit a {type(model).__name__}"
        raise ZooError(said, key="backbone.weights", given=str(path), lines=lines)
    model.load_state_dict(state)


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pt or .pth file.  Raises `ZooError` for anything else, or a broken file."""
    if path.suffix not in FORMATS:
        said = f"weights are read from {', '.join(FORMATS)}, not '{path.suffix}'"
        raise ZooError(said, place=path, key="backbone.weights", given=path.suffix, possible=FORMATS)
    try:
        found: Any = (
            load_safetensors(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        )
    except (SafetensorError, OSError) as error:
        raise ZooError(f"{path} is not a readable {path.suffix} file: {error}") from error
    except Exception as error:  # torch raises many kinds for a pickle that it will not execute
        raise ZooError(
            f"{path} cannot be loaded without executing code from it, so it is refused; "
            f"save its tensors as .safetensors ({type(error).__name__})"
        ) from error
    for nest in ("state_dict", "model", "model_state_dict"):
        if isinstance(found, dict) and isinstance(found.get(nest), dict):
            found = found[nest]
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise ZooError(f"{path} holds no state dict of tensors")
    return {k.removeprefix("module."): t for k, t in found.items()}


def filtered(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the model's own library does to a checkpoint first, renames and resampled positions, in float32 or finer."""
    state = {key: t.float() if t.dtype in (torch.float16, torch.bfloat16) else t for key, t in state.items()}
    if type(model).__module__.startswith("open_clip"):
        import open_clip

        open_clip.factory.resize_pos_embed(state, model)
        return state
    rename = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    return state if rename is None else rename(state, model)
