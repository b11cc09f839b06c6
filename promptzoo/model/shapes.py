"""A model of shapes alone, in which no number is computed."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from promptzoo.data.room import Largest
from promptzoo.errors import ZooError
from promptzoo.model.holding import held
from promptzoo.model.model import Model
from promptzoo.model.site import Around

KEPT = "; register tensors with nn.Parameter or register_buffer, and modules as attributes or in an nn.ModuleList"
MADE = (
    "a step makes a tensor on the CPU, or depends on a number (item, if); "
    "make tensors on the input's device (x.new_zeros), and choose with torch.where"
)


def on_meta(model: Model) -> Model:
    """A copy of shapes alone; no number is copied."""
    memo: dict[int, Tensor] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty
    return copy.deepcopy(model, memo)


@torch.no_grad()
def rehearse(model: Model) -> None:
    """One forward of shapes alone, which shows that a model fits its pictures.

    Raises `ZooError` where a step needs a number, with the tensors that no module has registered; where one picture
    makes a tensor that no memory here holds; and what else the forward raises.
    """
    try:
        with Largest() as largest:
            on_meta(model)(torch.empty(2, *model.visual.input, device="meta"))
        largest.fits("a picture of {} x {}".format(*model.visual.input[-2:]), rows=2)
    except RuntimeError as error:
        said = str(error).splitlines()[0]
        if "meta" not in said:
            raise
        found = "; ".join(dict.fromkeys(stray(model)))
        raise ZooError(f"{found + KEPT if found else MADE}; in a pass without numbers, torch says: {said}") from error


def stray(model: Model) -> Iterator[str]:
    """Where grafts, head and losses keep tensors that are neither parameters nor buffers of the model."""
    known = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
    for path, module in model.named_modules():
        own = path.split(".")[0] in ("grafts", "head", "losses")
        for word, value in vars(module).items() if own or isinstance(module, Around) else ():
            if word.startswith("_"):
                continue
            for one in held(value):
                inside = [one] if isinstance(one, Tensor) else [*one.parameters(), *one.buffers()]
                if any(id(tensor) not in known for tensor in inside):
                    what = "a tensor" if isinstance(one, Tensor) else f"the module {type(one).__name__}"
                    yield f"{place(path, module)}.{word} holds {what} that is not registered"


def place(path: str, module: nn.Module) -> str:
    """`grafts.mine`, or what was grafted at a site."""
    return f"graft '{module.name}' at {path}" if isinstance(module, Around) else path
