"""What `promptzoo data` prints and writes: what is known, how a set is, its shots, its division as a list."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from promptzoo.data.checking import PARTS, LookedThrough, look_through
from promptzoo.data.dataset import Dataset
from promptzoo.data.splits import without
from promptzoo.errors import ZooError, some
from promptzoo.files import deliver, vacant
from promptzoo.model.blueprint import hints, parameters
from promptzoo.names import as_bytes
from promptzoo.pages.console import sentence
from promptzoo.pages.table import Table
from promptzoo.paths import at
from promptzoo.recipe import yaml
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.presets import load_presets
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.typed import read, typed

SHOWN = 5  # broken pictures, twins and classes that are named


def list_page(out: Console) -> None:
    """Every source and every preset, with what it needs."""
    registry, presets = load_registry(), load_presets()
    sources = Table(("source", "arguments", "needs"), numbers=())
    for word, entry in registry.datasets.items():
        required = [name for name, one in parameters(entry.load()).items() if one.default is one.empty]
        sources.add(word, entry.about, ", ".join(required))
    out.print(sources.screen())
    table = Table(("preset", "description", "source", "folder in DATA/", "classes", "text template"), numbers=(4,))
    for word, preset in presets.items():
        table.add(word, preset.about, preset.dataset, " or ".join(preset.root), preset.classes, preset.template or "")
    out.print()
    out.print(table.screen())
    out.print("\n[dim]promptzoo train RECIPE data.dataset=dtd data.root=DATA; promptzoo data check dtd DATA[/]")


def opened(name: str, overrides: Sequence[str], **more: object) -> Dataset:
    """A set by its word, where it lies, and `key=value` for its other arguments.  Raises `ZooError`."""
    node = yaml.placed({"dataset": name, **more}, yaml.Place("data"))
    try:
        cls = load_registry().find("dataset", name)[1]
    except ZooError as error:
        if at(name).is_dir():
            error.lines = (*error.lines, f"for your own folder, put 'folder' first: folder {name}")
        raise
    takes, types = parameters(cls), hints(cls)
    required = [key for key, one in takes.items() if one.default is one.empty]
    place = "root" if "root" in required or not required else required[0]
    for word in overrides:
        key, sign, value = word.partition("=")
        if sign and key.removeprefix("data.").isidentifier():
            key, where = key.removeprefix("data."), yaml.Place(word, override=True)
            node.put(key, typed(value, read(value, word), types.get(key, Any)), where)
        else:
            node.put(place, word, yaml.Place(word, override=True))
    made: Dataset = Construct(load_registry()).build(node, "dataset")
    return made


def takes(name: str, word: str) -> bool:
    """Whether a set by its word has an argument of this name."""
    entry = load_registry().datasets.get(name)
    return entry is not None and word in parameters(entry.load())


def check_page(name: str, overrides: Sequence[str], out: Console) -> None:
    """Counts, remarks, what the preset expects, twins, and how long it took.  Raises `ZooError` for broken pictures."""
    dataset = opened(name, overrides)
    found = look_through(dataset)
    table = Table(("split", "pictures", "classes", "fewest", "most"))
    for part, facts in found.splits.items():
        table.add(part, f"{facts.pictures:,}", facts.classes, facts.fewest, facts.most)
    out.print(table.screen())
    shown = ", ".join(dataset.classes[:SHOWN]) + (" ..." if len(dataset.classes) > SHOWN else "")
    out.print(f"{len(dataset.classes)} classes: {escape(shown)}{'' if dataset.named else ' (numbers, no names)'}")
    for remark in [*dataset.remarks, *cased(dataset), *empty(dataset), *unlike(name, dataset, found), *twins(found)]:
        sentence(out, remark, "note")
    out.print(f"fingerprint {dataset.fingerprint()}")
    count = sum(facts.pictures for facts in found.splits.values())
    out.print(f"{count:,} pictures decoded in {found.seconds:.1f} s")
    if found.broken:
        more = f"\n    and {len(found.broken) - SHOWN} more" if len(found.broken) > SHOWN else ""
        listed = "\n    ".join(found.broken[:SHOWN])
        raise ZooError(f"{len(found.broken)} pictures cannot be read:\n    {listed}{more}")


def unlike(name: str, dataset: Dataset, found: LookedThrough) -> list[str]:
    """Where the set is not as its preset says."""
    preset = load_presets().get(name)
    if preset is None:
        return []
    here, there = tuple(facts.pictures for facts in found.splits.values()), preset.pictures
    said = []
    if there and here != there:
        said.append(f"{name} should have {' / '.join(map(str, there))} pictures, found {' / '.join(map(str, here))}")
    if len(dataset.classes) != preset.classes:
        said.append(f"{name} should have {preset.classes} classes, found {len(dataset.classes)}")
    return said


def cased(dataset: Dataset) -> list[str]:
    """Classes that differ in case alone, which a list may have by mistake."""
    first: dict[str, str] = {}
    pairs = [(first[name.lower()], name) for name in dataset.classes if first.setdefault(name.lower(), name) != name]
    return [f"classes '{one}' and '{other}' differ only in case" for one, other in pairs]


def empty(dataset: Dataset) -> list[str]:
    """Classes without a picture to train or to test on."""
    parts = ("test",) if dataset.tested_alone else ("train", "test")
    lacking = {part: without(getattr(dataset, part), dataset.classes) for part in parts}
    return [f"the {part} split has no picture of class {some(names)}" for part, names in lacking.items() if names]


def twins(found: LookedThrough) -> list[str]:
    """Pictures of two splits with one content."""
    if not found.twins:
        return []
    listed = "; ".join(f"{one} = {other}" for one, other in found.twins[:SHOWN])
    return [f"{len(found.twins)} pictures appear in two splits: {listed}"]


def split_page(
    name: str, overrides: Sequence[str], split: dict[str, float], file: Path, out: Console, force: bool = False
) -> None:
    """Divides a set by a seed and writes the division as a csv of file, label and split.

    Raises `ZooError` where pictures have no files.
    """
    vacant(file, force)
    dataset = opened(name, overrides, split=split)
    table = Table(("file", "label", "split"))
    for part in PARTS:
        for picture in getattr(dataset, part):
            if picture.path is None:
                raise ZooError(f"the pictures of '{name}' have no files, so a list cannot name them")
            table.add(picture.name, dataset.classes[picture.label], part)
    deliver(file, as_bytes(table.csv()), force)
    counts = ", ".join(f"{part} {len(getattr(dataset, part)):,}" for part in PARTS)
    root = getattr(dataset, "root", None)
    out.print(f"{counts}; written to {file}: data.dataset=list data.lists={file} data.root={root}", soft_wrap=True)
