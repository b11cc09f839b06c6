"""Counted reports, kept on disk by recipe and code, so that nothing is counted twice and a broken-off table goes on."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from promptzoo.costs.report import Report
from promptzoo.errors import ZooError
from promptzoo.files import cache_folder, code_digest, from_json, keep
from promptzoo.paths import regular
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import KINDS, beside
from promptzoo.recipe.trust import code_named

COUNTERS = ("torch", "timm", "open_clip_torch", "fvcore", "torch-geometric")


class Store:
    """Reports by recipe, classes, and everything that could change their numbers.

    Where a recipe names code outside the zoo (`module:Class`, or another package's word) nothing is kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder("costs")
        self.code = code()

    def key(self, recipe: Recipe, classes: int | None) -> Path | None:
        """The file of a report; None where it must be counted anew each time."""
        if any("/" in word for word in named(recipe.to_dict())) or any(code_named(recipe.node)):
            return None
        digest = hashlib.sha256(f"{self.code}\n{classes}\n{recipe.name}\n{recipe.to_yaml()}".encode()).hexdigest()
        return self.folder / f"{digest[:32]}.json"

    def find(self, recipe: Recipe, classes: int | None) -> Report | None:
        """A report, or None.  A broken file is as good as none."""
        file = self.key(recipe, classes)
        if file is None:
            return None
        try:
            return Report.of(from_json(regular(file).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, ZooError):
            return None

    def keep(self, recipe: Recipe, classes: int | None, found: Report) -> None:
        file = self.key(recipe, classes)
        if file is not None:
            keep(file, json.dumps(found.to_dict()).encode())


def named(told: Any) -> Iterator[str]:
    """The words of blocks, grafts, heads and so on that a recipe names, wherever in it."""
    if isinstance(told, dict):
        yield from (word for kind, word in told.items() if kind in KINDS and isinstance(word, str))
    for inner in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from named(inner)


def code() -> str:
    """A digest of the package's code, of the registry, and of the versions that count."""
    return code_digest((*sorted(Path(__file__).parents[1].rglob("*.py")), beside("registry.yaml")), COUNTERS)
