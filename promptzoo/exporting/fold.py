"""Walks the sites of a model from the innermost graft outward, and folds each into the weights there: `fold`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from promptzoo.exporting.affine import Affine
from promptzoo.exporting.weights import NoPlaceError, Weights
from promptzoo.grafts.shared.at import VERBS, Thaw
from promptzoo.model.model import FROZEN, Model
from promptzoo.model.site import Around, after, bare_name, before, beside
from promptzoo.model.widths import widths

WORDS = {verb: word for word, verb in VERBS.items()}


@dataclass(frozen=True)
class Folded:
    """What became part of the tensors `into` of the plain model: of a graft, at as many `places`, which are `where`."""

    graft: str
    what: str
    where: tuple[str, ...]
    into: tuple[str, ...]
    places: int


@dataclass(frozen=True)
class Kept:
    """What no weight can take up, and why."""

    graft: str
    where: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        return f"'{self.graft}' at {', '.join(self.where)}: {self.why}"


@dataclass(frozen=True)
class Folding:
    """The weights of a model by name, those that changed anew; what was folded, and what could not be."""

    weights: dict[str, Tensor]
    folded: tuple[Folded, ...]
    kept: tuple[Kept, ...]


def fold(model: Model, called: Mapping[str, str]) -> Folding:
    """Folds what is linear into the weights where it stands; the model stays as it is.

    `called` are the weights of towers and head that may take something up, and what they are called in the plain model.
    """
    return _Walk(model, called).folding()


def pattern(paths: Iterable[str]) -> tuple[str, ...]:
    """The same paths once each, with `*` for numbers."""
    return tuple(dict.fromkeys(re.sub(r"\.\d+(?=\.|$)", ".*", path) for path in paths))


class _Walk:
    def __init__(self, model: Model, called: Mapping[str, str]):
        self.model, self.called = model, called
        self.towers = {name: tower for name in FROZEN if (tower := getattr(model, name)) is not None}
        own = (*model.named_parameters(), *model.named_buffers())
        self.weights = Weights({bare_name(name): tensor.detach() for name, tensor in own}, self.towers)
        self.folded: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
        self.kept: dict[tuple[str, str], list[str]] = {}

    def folding(self) -> Folding:
        self.thawed()
        for name, tower in self.towers.items():
            self.visit(tower, name)
        self.visit(self.model.head, "head")
        if not self.kept:
            self.weights.settle()
        old, new = self.weights.old, self.weights.new
        return Folding(
            {name: new[name].to(old[name]) if name in new else old[name] for name in self.called},
            tuple(Folded(*key, pattern(at), self.names(into), len(at)) for key, (at, into) in self.folded.items()),
            tuple(Kept(graft, pattern(at), why) for (graft, why), at in self.kept.items()),
        )

    def names(self, weights: Iterable[str]) -> tuple[str, ...]:
        """What some weights are called in the plain model."""
        return pattern(self.called[name] for name in weights if name in self.called)

    def note(self, graft: str, what: str, where: str, into: Iterable[str]) -> None:
        """One more place of what is folded."""
        places, weights = self.folded.setdefault((graft, what), ([], []))
        places.append(where)
        weights.extend(into)

    def thawed(self) -> None:
        """What learned in its own place is folded already."""
        names = [name for name, graft in self.model.grafts.items() if isinstance(graft, Thaw)]
        for name, tower in self.towers.items():
            for path, parameter in tower.named_parameters():
                if parameter.requires_grad:
                    own = f"{name}.{bare_name(path)}"
                    self.note(" and ".join(names) or "thawed", "changed in place", own, [own])

    def visit(self, module: Any, path: str) -> None:
        """What is grafted inside comes first, then what stands around, the innermost first."""
        arounds: list[Around] = []
        while isinstance(module, Around):
            arounds.append(module)
            module = module.step
        for name, child in module.named_children():
            self.visit(child, f"{path}.{name}")
        for around in reversed(arounds):
            self.weights.touched = []
            try:
                what = self.take(around, module, path)
            except NoPlaceError as why:
                self.kept.setdefault((around.name, str(why)), []).append(path)
            else:
                self.note(around.name, what, path, self.weights.touched)

    def take(self, around: Around, module: nn.Module, path: str) -> str:
        """Gives the block to the weights; says what it was.  Raises `NoPlaceError`."""
        wrap: Any = around.wrap[0]
        if (why := self.beyond(around.name)) is not None:
            raise NoPlaceError(why)
        if not isinstance(wrap, partial) or wrap.func not in WORDS:
            raise NoPlaceError("it computes something that is not a weight")
        if path == "head" and not any(name.startswith("head.") for name in self.called):
            raise NoPlaceError("the head is not part of the plain model")
        (block,), word = wrap.args, WORDS[wrap.func]
        name, (entering, leaving) = type(block).__name__, widths(module)
        if not getattr(block, "linear", False):
            raise NoPlaceError(f"the {name} {word} it is not linear")
        dim = leaving if word == "after" else entering
        if dim is None:
            raise NoPlaceError(f"a {type(module).__name__} is not one linear map")
        put = {before: self.weights.before, after: self.weights.after, beside: self.weights.beside}[wrap.func]
        put(module, path, Affine.of(block, dim))
        return f"{name} {word}"

    def beyond(self, name: str) -> str | None:
        """What a graft adds that no plain model has a place for, if it does."""
        slots = self.model.slots.get(name, slice(0, 0))
        if self.model.pathways.get(name):
            return "it has a second pathway, which a plain model lacks"
        if count := slots.stop - slots.start:
            return f"it adds {count} prompts to the tokens, for which a plain model has no place"
        return None
