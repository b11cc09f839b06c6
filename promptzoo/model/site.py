"""Graft trainable modules onto the named sites of a frozen network: `Around`, the three verbs, `Site`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from torch import Tensor, nn

from promptzoo.arguments import typed
from promptzoo.backbones.tower import Tower
from promptzoo.errors import ZooError
from promptzoo.model.contract import Graft
from promptzoo.model.holding import demand_axes, demand_kind, refuse
from promptzoo.model.parts import Parts, joined, recheck
from promptzoo.model.widths import demand_widths, widths

#: What is there at nearly every site: a type checker takes it for what it is, without a question at each use.
MaybeNone = Any

#: (step, x, *rest) -> Tensor: the frozen step, possibly already wrapped, and what it is called with.
Wrap = Callable[..., Any]


class Around(nn.Module):
    """A frozen step with something grafted around it.

    The wrap is a bound method of a graft or of a module in it, which belongs to `model.grafts`: a tuple hides it from
    registration here.
    `silent` hands the call straight to the step, as if nothing were grafted.
    """

    def __init__(self, step: nn.Module, wrap: Wrap, name: str):
        super().__init__()
        self.step, self.name, self.silent = step, name, False
        self.wrap = (wrap,)

    def forward(self, x: Any, *rest: Any) -> Any:
        if self.silent:
            return self.step(x, *rest)
        return self.wrap[0](self.step, x, *rest)

    def extra_repr(self) -> str:
        return self.name


def before(block: nn.Module, step: nn.Module, x: Tensor, *rest: Any) -> Any:
    """The block acts on what enters the step."""
    return step(block(x), *rest)


def after(block: nn.Module, step: nn.Module, x: Tensor, *rest: Any) -> Any:
    """The block acts on what leaves the step."""
    return block(step(x, *rest))


def beside(block: nn.Module, step: nn.Module, x: Tensor, *rest: Any) -> Any:
    """The block sees what the step sees, and is added to what the step gives."""
    return step(x, *rest) + block(x)


def bare(module: Any) -> Any:
    """The frozen module itself, under everything grafted around it."""
    while isinstance(module, Around):
        module = module.step
    return module


def bare_name(name: str) -> str:
    """A parameter's name without the steps of `Around`."""
    return re.sub(r"\.step(?=\.)", "", name)


@dataclass(frozen=True)
class Site:
    """A named place in a frozen network.

    `dim` and `out` are the widths entering and leaving (None where the place has none of its own), `layer` its layer,
    `heads` and `grid` those of that layer, `input` the shape of one picture (or text) that enters the tower.
    """

    path: str
    dim: int | MaybeNone
    out: int | MaybeNone
    layer: int | None
    heads: int | None
    grid: tuple[int, int] | None
    input: tuple[int, ...] | None
    parent: nn.Module = field(repr=False)
    grafts: Parts[Graft] = field(repr=False)
    tower: Tower | None = field(repr=False, default=None)

    @property
    def module(self) -> nn.Module:
        """What stands there, with everything grafted around it."""
        return self.parent.get_submodule(self.path.rpartition(".")[2])

    @property
    def sizes(self) -> dict[str, Any]:
        """What a block at this site can be built from."""
        known: dict[str, Any] = {"dim": self.dim, "out": self.out, "layer": self.layer, "heads": self.heads}
        known |= {"grid": self.grid, "input": self.input}
        return {word: value for word, value in known.items() if value is not None}

    @typed()
    def around(self, wrap: Wrap, name: str) -> None:
        """Puts a wrap around what stands here; later wraps go outside.  Its owner is not registered here.

        Raises `ZooError` for a name with dots, and for a function that closes over tensors or modules, unseen.
        """
        refuse(wrap, name, self.path)
        self.replace(Around(self.module, wrap, name))
        recheck(self.grafts)

    def replace(self, module: nn.Module) -> None:
        """Puts a module here, with everything that is grafted around it."""
        setattr(self.parent, self.path.rpartition(".")[2], module)
        if self.tower is not None:
            self.tower.inside = None  # to be looked at anew

    def before(self, block: nn.Module, name: str = "") -> None:
        """Grafts a block before this site; it learns and is saved with the model, under `name`."""
        self.put(before, block, name)

    def after(self, block: nn.Module, name: str = "") -> None:
        """Grafts a block after this site; it learns and is saved with the model, under `name`."""
        self.put(after, block, name)

    def beside(self, block: nn.Module, name: str = "") -> None:
        """Grafts a block beside this site; it learns and is saved with the model, under `name`."""
        self.put(beside, block, name)

    @typed()
    def put(self, verb: Wrap, block: nn.Module, name: str) -> None:
        """Registers the block among the grafts, with others of its name (its class, where none is given)."""
        demand_kind(block, self.tower or self.parent, name := name or type(block).__name__)
        demand_axes(block, bare(self.module), name, self.path)
        ends = self.out if verb is after else self.dim, self.dim if verb is before else self.out
        demand_widths(block, bare(self.module), name, self.path, ends, self.grid)
        self.grafts[name] = joined(self.grafts, name, block)
        self.around(partial(verb, block), name)


@dataclass(frozen=True)
class _Around:
    """What a site takes from the modules around it."""

    layer: int | None = None
    heads: int | None = None
    grid: tuple[int, int] | None = None
    input: tuple[int, ...] | None = None
    tower: Tower | None = None


def sites(root: Any, path: str, grafts: Parts[Graft], around: _Around | None = None) -> Iterator[Site]:
    """Every site below (not including) `root`, in the order of the modules; blocks put there join `grafts`."""
    root = bare(root)
    around = around or _Around(grid=root.grid, input=root.input, tower=root)
    for name, child in root.named_children():
        inner, here = bare(child), f"{path}.{name}"
        layer = int(name) if isinstance(root, nn.ModuleList) and path.endswith("layers") else around.layer
        heads, grid = getattr(inner, "heads", around.heads), getattr(inner, "grid", around.grid)
        own = replace(around, layer=layer, heads=heads, grid=grid)
        yield Site(here, *widths(inner), own.layer, own.heads, own.grid, own.input, root, grafts, own.tower)
        yield from sites(inner, here, grafts, own)


@typed("everywhere")
def matching(everywhere: Sequence[Site], pattern: str, only: Iterable[int] | None = None) -> list[Site]:
    """The sites whose path a pattern names; `*` stands for exactly one segment, `only` keeps some layers.

    Raises `ZooError` with the sites there are, and the nearest, when nothing matches.
    """
    match = re.compile(r"[^.]+".join(re.escape(part) for part in pattern.split("*")))
    if not (found := [site for site in everywhere if match.fullmatch(site.path)]):
        paths = list(dict.fromkeys(re.sub(r"\.\d+", ".*", site.path) for site in everywhere))
        sites = f"the sites are {', '.join(paths)}"
        raise ZooError(f"no site '{pattern}'", key="at", given=pattern, possible=paths, remedy=sites)
    if only is None:
        return found
    layers, only = {site.layer for site in found if site.layer is not None}, set(only)
    if missing := sorted(only - layers):
        known = f"it has 0 to {max(layers)}" if layers else "it is not in a layer"
        raise ZooError(f"'{pattern}' has no layer {missing[0]}", key="only", given=missing[0], remedy=known)
    return [site for site in found if site.layer in only]
