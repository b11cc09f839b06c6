"""Golden roles into modules: every parameter must be given, and every role must find its place."""

from torch import Tensor, nn

from conformance_cases.golden import Case

STATISTICS = {"mean": "running_mean", "var": "running_var"}


def fill(module: nn.Module, case: Case, places: dict[str, str]) -> nn.Module:
    """The module in float64 and evaluation mode, with the weights of each role prefix at a place inside it.

    `places` maps a submodule's path to a role prefix: {"pre.0": "lore.lin.pre"}.
    """
    state: dict[str, Tensor] = {}
    for place, prefix in places.items():
        for last, value in case.under(prefix).items():
            state[f"{place}.{STATISTICS.get(last, last)}"] = value
    return put(module, state)


def put(module: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """The module in float64 and evaluation mode with exactly this state."""
    told = module.double().eval().load_state_dict(state, strict=False)
    missing = [key for key in told.missing_keys if not key.endswith("num_batches_tracked")]
    if missing or told.unexpected_keys:
        raise KeyError(f"the case gives no {missing} and has no place for {told.unexpected_keys}")
    return module


def tokens(x: Tensor) -> Tensor:
    """A map b d h w as tokens b n d, row by row; tokens stay as they are."""
    return x.flatten(2).mT if x.ndim == 4 else x


def like(x: Tensor, image: Tensor) -> Tensor:
    """Tokens b n d in the layout that `image` has: a map b d h w of its height and width, or tokens."""
    return x.mT.unflatten(2, image.shape[2:]) if image.ndim == 4 else x
