"""The pictures that a recipe names: opened, split, few-shot by its seed, as its backbone sees them."""

from dataclasses import replace
from typing import Any

from promptzoo.backbones import Backbone
from promptzoo.data.augment import Augment
from promptzoo.data.cache import SHARE, Cache
from promptzoo.data.contents import MANY, fingerprint
from promptzoo.data.data import Data
from promptzoo.data.dataset import Dataset
from promptzoo.data.half import half
from promptzoo.data.loader import Loader
from promptzoo.data.preprocess import CONVENTIONS, Preprocess
from promptzoo.data.room import cores, memory
from promptzoo.data.shared_views import SharedViews
from promptzoo.data.splits import split, without
from promptzoo.errors import ZooError, some
from promptzoo.model.blueprint import parameters
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry


def open_data(recipe: Recipe, backbone: Backbone, *, rank: int = 0, world: int = 1, beside: Data | None = None) -> Data:
    """Opens and decodes the pictures of a recipe, few-shot by its seed.  Raises `ZooError` for what cannot be read.

    `beside` are those of the same recipe under another seed: the set is not opened again, nor what was decoded of it.
    """
    asked, seed = recipe.data, recipe.train.seed
    if beside is None:
        dataset, cache = open_dataset(recipe), cache_of(recipe, seen_by(recipe, backbone), world)
        demand_names(recipe, dataset)
    else:
        dataset, cache = beside.dataset, beside.test.reader.cache.beside()
    wanted = Augment(asked.augment, asked.crop_area, asked.jitter, asked.randaugment, asked.erase)
    augment = Augment() if dataset.featured else wanted
    splits = split(dataset, cache, shots=asked.shots, seed=seed, whole=augment.whole, on_bad_image=asked.on_bad_image)
    said = augment.told()
    if augment != wanted:
        said = [f"features are used as they are; not applied: {', '.join([asked.augment, *wanted.told()])}"]
    splits = replace(splits, remarks=(*splits.remarks, *said))
    common: dict[str, Any] = {"batch": asked.batch, "seed": seed, "workers": asked.workers}
    common |= {"rank": rank, "world": world}
    return Data(
        dataset,
        splits,
        Loader(splits.train, cache, shuffle=True, augment=augment, views=asked.cache_views or 0, **common),
        Loader(splits.val, cache, **common) if splits.val else None,
        Loader(splits.test, cache, **common),
    )


def cache_of(recipe: Recipe, preprocess: Preprocess, world: int = 1) -> Cache:
    """Where decoded pictures are kept: in memory, or with `data.cache_gb` in a file that others share.

    The `world` processes of a run are on one machine, whose memory and cores they share.
    """
    asked = recipe.data
    store = SharedViews(preprocess, int(asked.cache_gb * 1e9)) if asked.cache and asked.cache_gb else None
    limit = memory() // SHARE // world if asked.cache else 0
    return Cache(preprocess, limit, threads=recipe.train.threads or max(1, cores() // world), store=store)


def open_test(recipe: Recipe, backbone: Backbone) -> tuple[Loader, list[str], str, list[str]]:
    """The test pictures alone: batches, classes, fingerprint and remarks.  Raises `ZooError` as `open_data` does."""
    asked = recipe.data
    dataset = open_dataset(recipe, only="test")
    demand_names(recipe, dataset)
    cache = cache_of(recipe, seen_by(recipe, backbone))
    pictures = dataset.test
    if asked.on_bad_image == "skip" or len(pictures) <= MANY:
        pictures = cache.all_readable(pictures)
    broken = some(cache.broken.values(), quote="", joint="; ")
    if cache.broken and asked.on_bad_image != "skip":
        way = "repair or remove it, or write data.on_bad_image=skip"
        raise ZooError(broken, key="data.on_bad_image", given=asked.on_bad_image, remedy=way)
    if not pictures:
        raise ZooError("no test pictures", key="data.root")
    left = [f"unreadable pictures skipped ({len(cache.broken)}): {broken}"] if cache.broken else []
    empty = without(pictures, dataset.classes)
    lacking = [f"the test split has no picture of class {some(empty)}"] if empty else []
    loader = Loader(pictures, cache, batch=asked.batch, workers=asked.workers)
    digest = fingerprint(pictures, content=cache.content)
    return loader, dataset.classes, digest, [*dataset.remarks, *left, *lacking]


def demand_names(recipe: Recipe, dataset: Dataset) -> None:
    """Raises `ZooError` where a recipe says something of classes in words, and they have none."""
    if not dataset.named and speaks(recipe):
        raise ZooError(
            f"the classes of dataset '{recipe.data.dataset}' are numbers, but this recipe needs their "
            "names as text; list them in order in data.names"
        )


def open_dataset(recipe: Recipe, only: str | None = None) -> Dataset:
    """The data set of a recipe, or the pictures that were given with it in Python; all its classes or a half.

    `only` one split is asked of those sets that can read it alone.
    Raises `ZooError` for one without classes or splits.
    """
    if recipe.pictures is not None:
        return half(recipe.pictures, recipe.data.half)
    given = {} if only is None else {"only": only}
    dataset: Dataset = Construct(load_registry()).build(recipe.node["data"], "dataset", **given)
    if lacking := [word for word in ("classes", "train", "val", "test") if not hasattr(dataset, word)]:
        raise ZooError(f"dataset '{recipe.data.dataset}' has no {', '.join(lacking)} after its constructor")
    return half(dataset, recipe.data.half)


def speaks(recipe: Recipe) -> bool:
    """Whether a recipe says something of its classes in words."""
    head = parameters(load_registry().find("head", recipe.head["head"])[1])
    words = recipe.knowledge is not None and (recipe.knowledge.text or recipe.knowledge.table) is not None
    return words or "tokenize" in head or recipe.data.guess == "zero_shot"


def seen_by(recipe: Recipe, backbone: Backbone) -> Preprocess:
    """The backbone's own preprocessing with what the recipe overrides.

    Raises `ZooError` when pictures of that size do not enter the backbone.
    """
    height, width = backbone.adopted.visual.input[-2:]
    words = ("size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
    own = backbone.preprocess.replace(size=(height, width))
    theirs = own.replace(**CONVENTIONS[recipe.data.transform])
    seen = theirs.replace(**{word: getattr(recipe.data, word) for word in words})
    if seen.size != own.size:
        raise ZooError(
            f"data.size is {seen.size[0]} x {seen.size[1]}, but {backbone.name} takes {height} x {width}",
            key="data.size",
            given=seen.size,
            remedy="set the image size with backbone.image_size",
        )
    return seen
