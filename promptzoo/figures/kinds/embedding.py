"""Features of a split in the plane, by t-SNE or UMAP."""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from promptzoo.errors import ZooError
from promptzoo.figures.asked import Wish
from promptzoo.figures.columns import Column, array
from promptzoo.figures.panels import Array, Cloud, Found

NEIGHBOURS, LEAST = 5, 4  # of the vote; pictures that can be laid out


def find(columns: Sequence[Column], kind: str, wish: Wish) -> Found:
    """SA2VP, Pei et al. 2024, Fig. 3: what enters the head, of the base pathway; colours are classes.

    Features are not standardised, and of length 1 only with `unit`.  Below stands how often the vote of the five
    nearest others names the class: that can be compared, the drawing cannot.
    """
    if kind == "umap":
        umap()  # told before the features, which take their time
    panels, arrays, told = list[Cloud](), dict[str, Array](), list[str]()
    for column in columns:
        features, labels = of_split(column, wish)
        points, share = laid_out(kind, array(features), wish.seed), vote(features, labels)
        told.append(
            f"{column.label}: {NEIGHBOURS} nearest neighbours classify {100 * share:.1f} % of {len(labels)} correctly"
        )
        names = column.model.classes
        panels.append(Cloud(column.label, (f"kNN {100 * share:.1f} %",), points, labels.numpy(), names))
        arrays |= {column.label: points, f"{column.label}/labels": labels.numpy()}
        arrays |= {f"{column.label}/features": array(features), f"{column.label}/knn": np.array(share)}
    return Found([panels], arrays, told, legend=columns[0].model.classes)


def of_split(column: Column, wish: Wish) -> tuple[Tensor, Tensor]:
    """Pooled features n o and labels n of a split of the run's own pictures."""
    data = column.data()
    loaders = {"train": data.train, "val": data.val, "test": data.test}
    loader = loaders.get(wish.split)
    if loader is None:
        there = [name for name, one in loaders.items() if one is not None]
        raise ZooError(f"{column.label} has no split '{wish.split}'", key="split", given=wish.split, possible=there)
    with column.silent():
        features = loader.gather(column.model.features)
    return normalize(features, dim=-1) if wish.unit else features, loader.labels


def umap() -> Any:
    """The package.  Raises `ZooError` where it is not installed."""
    try:
        return importlib.import_module("umap")
    except ModuleNotFoundError as error:
        said = "umap needs the package umap-learn, which is not installed"
        raise ZooError(said, key="umap", given="umap", remedy="pip install umap-learn, or use tsne") from error


def laid_out(kind: str, features: Array, seed: int) -> Array:
    """n o -> n 2.  Raises `ZooError` for fewer pictures than can be laid out, and where UMAP is not installed."""
    if len(features) < LEAST:
        raise ZooError(f"{kind} needs {LEAST} pictures or more, got {len(features)}", key="split")
    if kind == "umap":
        return np.asarray(umap().UMAP(random_state=seed).fit_transform(features))
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(features) - 1) / 3)
    made = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    return np.asarray(made.fit_transform(features))


def vote(features: Tensor, labels: Tensor, neighbours: int = NEIGHBOURS) -> float:
    """How often the nearest others, each picture left out in turn, name its class; of equal counts the nearest wins."""
    apart = torch.cdist(features.double(), features.double())
    apart.fill_diagonal_(torch.inf)
    near = labels[apart.argsort(stable=True)[:, : min(neighbours, len(labels) - 1)]]
    votes = one_hot(near, int(labels.max()) + 1).double()
    votes = votes.sum(1) + (votes * torch.linspace(0.1, 0.01, near.shape[1])[:, None]).amax(1)
    return float((votes.argmax(1) == labels).double().mean())
