"""What passes inside a model as it looks at pictures: activations at sites, and rows of attention: `Looked`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from promptzoo.arguments import typed
from promptzoo.backbones.attention import Mix
from promptzoo.errors import ZooError
from promptzoo.model.output import Output
from promptzoo.model.site import bare

if TYPE_CHECKING:
    from promptzoo.model.model import Model


class Attended(NamedTuple):
    """Attention of one layer, of all rows, pathway behind pathway: softmax(q k^T / sqrt(e)), a tower's bias added.

    `weights` (r h q k) are those of the queries that were asked for, `values` (r h k e) what they weigh, `mixed`
    (r h q e) what the fused attention made of both.  The first `extra` keys belong to no token.
    """

    weights: Tensor
    values: Tensor
    mixed: Tensor
    extra: int


class Looked(NamedTuple):
    """One pass over b pictures: what leaves each site by its path, attention by layer, and what the model gave.

    Rows [:b] are the base pathway, those behind them of a second one.
    """

    sites: dict[str, Any]
    attention: dict[int, Attended]
    output: Output


@typed("model")
def look(
    model: Model, images: Tensor, sites: Iterable[str], attention: bool | Iterable[int], queries: slice | Sequence[int]
) -> Looked:
    """One pass over b 3 h w, normalised, in evaluation mode and float32, and nothing it computes is changed by it.

    `sites` are patterns as in `Model.at`; `attention` layers, or True for all; `queries` the tokens whose attention is
    wanted, `slice(None)` for all.  Gradients are recorded unless switched off.
    Raises `ZooError` for a site or a layer that there is not, and for attention inside windows.
    """
    places = {site.path: site.module for pattern in sites for site in model.at(pattern)}
    layers = asked(model, attention)
    found: dict[str, Any] = {}
    mixes: dict[int, dict[str, Any]] = {layer: {} for layer in layers}
    hooks = [module.register_forward_hook(keeping(found, path)) for path, module in places.items()]
    for layer, seen in mixes.items():
        mix: Any = mix_of(model, layer)
        hooks.append(mix.register_forward_hook(mixing(seen)))
        hooks.append(mix.kv.register_forward_hook(keeping(seen, "kv")))
    try:
        with evaluating(model), torch.autocast(images.device.type, enabled=False):
            output: Output = model(images)
    finally:
        for hook in hooks:
            hook.remove()
    seen_by = {layer: attended(seen, queries, mix_of(model, layer)) for layer, seen in mixes.items()}
    return Looked(found, seen_by, output)


def asked(model: Model, attention: bool | Iterable[int]) -> list[int]:
    """The layers whose attention is wanted.  Raises `ZooError` for one that there is not, or that mixes in windows."""
    count = len(model.visual.layers)
    layers = list(range(count) if attention is True else attention or ())
    for layer in layers:
        if not 0 <= layer < count:
            raise ZooError(f"no layer {layer}: there are {count}, counted from 0", key="layer", given=layer)
        if not isinstance(mix_of(model, layer), Mix):
            where = "inside windows, where no token sees the whole picture" if model.visual.heads else "nowhere"
            said = f"this tower attends {where}: it has no attention map"
            raise ZooError(said, key="attention", given=layer, remedy="use grad-cam or similarity")
    return layers


def mix_of(model: Model, layer: int) -> nn.Module | None:
    """The step where the q, k and v of a layer meet, under everything that acts there; None where nothing attends."""
    frozen: Any = bare(model.visual.layers[layer])
    if not hasattr(frozen, "attention"):
        return None
    mix: nn.Module = bare(bare(bare(frozen.attention).attn).mix)
    return mix


def keeping(found: dict[str, Any], name: str) -> Any:
    """A hook that keeps what leaves a module; of several passes the last, which is the model's own."""

    def keep(module: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        found[name] = made

    return keep


def mixing(seen: dict[str, Any]) -> Any:
    """A hook that keeps the queries that enter an attention and what leaves it."""

    def keep(module: nn.Module, given: tuple[Any, ...], made: Tensor) -> None:
        seen["q"], seen["mixed"] = given[0], made

    return keep


def attended(seen: dict[str, Any], queries: slice | Sequence[int], mix: Any) -> Attended:
    """Attention of the queries that are asked for; nothing of the size of all of them is made for others."""
    (keys, values), q = seen["kv"], seen["q"]
    chosen = queries if isinstance(queries, slice) else list(queries)
    if not isinstance(chosen, slice) and (far := [one for one in chosen if not 0 <= one < q.shape[2]]):
        raise ZooError(f"no token {far[0]}: there are {q.shape[2]}", key="queries", given=far[0])
    scores = q[:, :, chosen] @ keys.mT * q.shape[-1] ** -0.5
    if mix.bias is not None:
        scores = scores + mix.bias(q.shape[2], keys.shape[2])[:, :, chosen]
    weights = scores.softmax(-1)
    return Attended(weights, values, seen["mixed"][:, :, chosen], keys.shape[2] - q.shape[2])


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within this context the model is in evaluation mode; after it, in the mode that it was in."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
