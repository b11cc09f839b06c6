"""What every adopter owes: each parameter, buffer and submodule accounted for, and one forward equal in float64."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from promptzoo.backbones.adopt.compared import compared, remember
from promptzoo.backbones.tower import Tower
from promptzoo.errors import ZooError, some

#: Modules without parameters that hand their input on in evaluation mode, where a frozen backbone always is.
INERT = (nn.Identity, nn.Dropout)
INERT_NAMES = ("DropPath", "PatchDropout", "PatchDropoutWithIndices")


class AdoptionError(ZooError):
    """A model, or a part of it, that an adopter does not understand."""


@dataclass
class Adopted:
    """The towers of a backbone: `visual`, `text` where there is one, and what a CLIP's logits are made with.

    `logit_scale` is the logarithm of what multiplies cosines; `logit_bias`, of a SigLIP, is added to them.
    """

    visual: Tower
    text: Tower | None = None
    logit_scale: Tensor | None = None
    logit_bias: Tensor | None = None


def demand(model: nn.Module, name: str, found: object, taken: object) -> None:
    """Raises `AdoptionError` naming the option of `model` when `found` is not (one of) `taken`."""
    options = taken if isinstance(taken, tuple) else (taken,)
    if found not in options:
        has, *takes = (getattr(option, "__name__", repr(option)) for option in (found, *options))
        said = f"{name} is {has}, which the adopter does not support; it supports {', '.join(takes)}"
        raise AdoptionError(said, place=type(model).__name__, key=name, given=has)


def demand_type(model: nn.Module, name: str, *types: type[nn.Module]) -> None:
    """Raises `AdoptionError` when the submodule `name` is not exactly of one of the types."""
    demand(model, name, type(model.get_submodule(name)), types)


def leaf(module: nn.Module) -> nn.Module | None:
    """A frozen leaf as it is, or None where the original has an identity."""
    return None if isinstance(module, nn.Identity) else module


def linear(weight: nn.Parameter, bias: nn.Parameter | None) -> nn.Linear:
    """A Linear layer around existing parameters (open_clip keeps q, k and v as bare ones)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = weight
    if bias is not None:
        layer.bias = bias
    return layer


def account(model: nn.Module, towers: Iterable[nn.Module], given: Iterable[Tensor], set_aside: tuple[str, ...]) -> None:
    """Every parameter, buffer and leaf module of `model` was moved, is inert, or is set aside by name.

    Raises `AdoptionError` with the names of what the towers would drop.
    """
    towers = list(towers)
    kept = {id(t) for tower in towers for t in (*tower.parameters(), *tower.buffers())} | {id(t) for t in given}
    modules = {id(m) for tower in towers for m in tower.modules()}
    dropped = [n for n, t in (*model.named_parameters(), *model.named_buffers()) if id(t) not in kept]
    for name, module in model.named_modules():
        owns = any(True for _ in module.parameters(recurse=False)) or any(True for _ in module.children())
        inert = isinstance(module, INERT) or type(module).__name__ in INERT_NAMES
        if not owns and not inert and id(module) not in modules:
            dropped.append(f"{name} ({type(module).__name__})")
    dropped = [n for n in dropped if not any(n == a or n.startswith((a + ".", a + " ")) for a in set_aside)]
    if dropped:
        said = f"the adopter would lose {some(dropped, quote='')}"
        raise AdoptionError(said, place=type(model).__name__, given=dropped)


def key_biases(model: nn.Module) -> list[Tensor]:
    """The buffers of zeros that timm keeps where queries and values have a bias and keys have none."""
    return [buffer for name, buffer in model.named_buffers() if name.endswith(".k_bias")]


def verify(
    model: nn.Module,
    adopt: Callable[[Any], Adopted],
    original: Callable[[Any], Tensor],
    adopted: Callable[[Adopted], Tensor],
) -> None:
    """Compares one random forward of the adopted model with the original's, in float64, on a disturbed copy.

    The copy's parameters are disturbed, so that zeros and ones of a fresh model hide nothing.  What was found equal
    once is not compared again, unless the environment says `PROMPTZOO_VERIFY=always`.
    Raises `AdoptionError` when the largest difference exceeds 1e-9 of the output's scale.
    """
    if any(t.is_meta for t in model.parameters()):
        return  # no numbers to compare; the same class was compared where there are
    if compared(model, adopt):
        return
    draw = torch.Generator().manual_seed(0)
    twin = copy.deepcopy(model).cpu().double().eval()
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(torch.empty_like(parameter).uniform_(-0.05, 0.05, generator=draw))
        found = adopted(adopt(twin))  # first: a refusal says more than a failing forward
        expected = original(twin)
    error = float((found - expected).abs().max() / expected.abs().max())
    if not error <= 1e-9:
        raise AdoptionError(
            f"{type(model).__name__}: the adopted tower computes a different result (error {error:.1e})"
        )
    remember(model, adopt)


def sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width of what a library may say in one number."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def dummy(tower_input: tuple[int, ...], rows: int = 1) -> Tensor:
    """A random float64 input for `verify`."""
    return torch.randn(rows, *tower_input, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
