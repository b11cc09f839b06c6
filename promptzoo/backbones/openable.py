"""Which of the models that timm and open_clip have can be opened, by their shapes alone: `openable`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from typing import NamedTuple

import torch
from pydantic import TypeAdapter
from torch import nn

from promptzoo.backbones.adopt.compared import code
from promptzoo.backbones.open import OPENERS, adopt_with, function
from promptzoo.doing import doing
from promptzoo.errors import ZooError
from promptzoo.files import cache_folder, keep
from promptzoo.paths import regular

SAVED = 20  # models between two savings of what was found
Known = tuple[str, bool, str]
KNOWN = TypeAdapter(dict[str, Known])


class Openable(NamedTuple):
    """A model by its name in a recipe; its class; whether something in it attends; why it is refused, if it is."""

    name: str
    kind: str
    attends: bool
    why: str = ""


def openable(adopters: Mapping[str, str], pattern: str = "*") -> list[Openable]:
    """What can be said of every model that a pattern names, each looked at once for a version of the libraries.

    `pattern` is one of a shell, or a part of a name.  Raises `ZooError` where no model has such a name.
    """
    asked = [name for name in names() if fnmatch(name, pattern) or pattern in name]
    if not asked:
        way = "promptzoo list backbones 'timm/vit_*' is a pattern, dinov3 part of a name"
        raise ZooError(
            f"no model matches '{pattern}'", key="pattern", given=pattern, possible=list(names()), remedy=way
        )
    place = cache_folder("openable") / f"{code()[:32]}.json"
    known: dict[str, Known] = {}
    with suppress(OSError, ValueError, ZooError):  # a broken file is as good as none
        known = KNOWN.validate_json(regular(place).read_bytes())
    fresh = [name for name in asked if name not in known]
    with doing("checking the shapes of models", len(fresh)) as count:
        for i, name in enumerate(fresh, 1):
            known[name] = looked_at(adopters, name)[1:]
            count(1)
            if i % SAVED == 0 or i == len(fresh):
                keep(place, json.dumps(known).encode())
    return [Openable(name, *known[name]) for name in asked]


def names() -> Iterator[str]:
    """Every model of the installed libraries, as a recipe names it."""
    import open_clip
    import timm

    yield from (f"timm/{name}" for name in timm.list_models())
    yield from (f"open_clip/{name}" for name in open_clip.list_models())


def looked_at(adopters: Mapping[str, str], name: str) -> Openable:
    """One model, built of shapes and adopted as far as it goes."""
    source, _, model = name.partition("/")
    made: nn.Module | None = None
    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            made = function(OPENERS[source])(model, "random", None, {}).model.eval()
            adopt_with(adopters, made)
        why = ""
    except ZooError as error:
        why = error.what.partition("; supported:")[0]  # what adopters take is said once, by `list adopters`
    except Exception as error:  # what a library raises for a network of its own
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
    kind = "" if made is None else type(made).__name__
    attends = made is not None and any("attn" in part or "attention" in part for part, _ in made.named_modules())
    return Openable(name, kind, attends, why)
