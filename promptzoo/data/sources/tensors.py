"""What is in a file of features: splits, class names, class texts, each checked when it is read."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from promptzoo.data.features import Features
from promptzoo.data.sources.text import lacking
from promptzoo.data.vectors import read_table
from promptzoo.errors import ZooError
from promptzoo.files import from_json
from promptzoo.paths import at, regular

TEXT = "text."


def opened(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata.  Raises `ZooError` where there is no such file, or it is another."""
    if not at(path).is_file():
        raise ZooError(lacking(path), key="data.file", given=str(path))
    regular(path)
    try:
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ZooError(f"this is not a readable .safetensors file ({error})", place=path) from error


def class_names(told: Mapping[str, str], path: Path) -> list[str]:
    """The metadata's `classnames`, a JSON list; a name that is there again gets its label in brackets, as in ImageNet.

    Raises `ZooError` where there are none.
    """
    try:
        names = from_json(told.get("classnames", "null"))
    except ValueError:
        names = None
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        said = "its metadata has no 'classnames', a JSON list of the classes' names"
        raise ZooError(said, place=path, key="classnames", given=told.get("classnames"), possible=[*told])
    first = {name: label for label, name in reversed([*enumerate(names)])}
    return [name if first[name] == label else f"{name} ({label})" for label, name in enumerate(names)]


def split(tensors: Mapping[str, Tensor], key: str, classes: int, path: Path) -> Features:
    """One split, checked.  Raises `ZooError`."""
    part, vectors = key.rpartition(".")[0], tensors[key]
    labels = tensors.get(f"{part}.labels")
    if labels is None:
        raise ZooError(f"it has no '{part}.labels'", place=path, key=f"{part}.labels", possible=[*tensors])
    if vectors.ndim != 2 or not vectors.is_floating_point() or labels.shape != vectors.shape[:1]:
        told = f"'{key}' is {vectors.dtype} {tuple(vectors.shape)} and its labels are {tuple(labels.shape)}"
        raise ZooError(f"{told}; they should be numbers of shapes (n, e) and (n,)", place=path, key=key)
    if not bool(vectors.isfinite().all()):
        raise ZooError(f"'{key}' contains numbers that are not finite", place=path, key=key)
    if labels.is_floating_point() or (len(labels) and not (0 <= int(labels.min()) <= int(labels.max()) < classes)):
        told = f"'{part}.labels' is {labels.dtype} from {labels.min()} to {labels.max()}"
        raise ZooError(f"{told}; labels should index {classes} classes", place=path, key=f"{part}.labels")
    return Features(part, vectors, labels.tolist())


def table(tensors: Mapping[str, Tensor], text: str | None, path: Path) -> Tensor | None:
    """The class texts of a file.  Raises `ZooError` where it has several and none is chosen."""
    there = [key.removeprefix(TEXT) for key in tensors if key.startswith(TEXT)]
    if text is not None and text not in there and there:
        raise ZooError(f"it has no 'text.{text}'", place=path, key="data.text", given=text, possible=there)
    if text is None and len(there) > 1:
        said, way = "it has several class texts", f"choose one with data.text={there[0]}"
        raise ZooError(said, place=path, key="data.text", possible=there, remedy=way)
    return torch.as_tensor(tensors[f"{TEXT}{text or there[0]}"]).float() if there else None


def elsewhere(path: Path, text: str | None) -> tuple[list[str], Tensor | None]:
    """Names and class texts of another file."""
    if path.suffix == ".npz":
        names, vectors = read_table(path, "data.texts")
        return names, torch.from_numpy(vectors.astype("float32"))
    tensors, told = opened(path)
    found = table(tensors, text, path)
    if found is None:
        raise ZooError("it has no class texts, text.<name>", place=path, key="data.texts", possible=[*tensors])
    return class_names(told, path), found


def scale_of(written: str | None, path: Path) -> float | None:
    """The metadata's logit scale.  Raises `ZooError` for what is none."""
    if written is None:
        return None
    try:
        scale = float(written)
    except ValueError:
        scale = 0.0
    if not 5 <= scale < 1e4:
        said = f"its logit_scale is {written}; it should be the factor, about 100 for OpenAI's CLIP, not its logarithm"
        raise ZooError(said, place=path, key="logit_scale", given=written)
    return scale
