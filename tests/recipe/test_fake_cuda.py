"""Every recipe steps on fake CUDA tensors: what is made on the processor in a forward, a loss or a step is found.

Torch's autograd does not go back through fake CUDA tensors where there is no card; there it goes back on another fake
device, which the processor's tensors may not meet either.
"""

import copy

import pytest
import torch
from small import CLASSES, RECIPES, carrier, model, recipe
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from promptzoo.model.model import Model
from promptzoo.model.step import step_of
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.training.schedule import optimizer_of, shorten

#: Each recipe once; what compares with texts needs a text tower.
ON = [(name, carrier(name)) for name in RECIPES] + [("sa2vp", "swin"), ("vpt_deep", "swin")]


def moved(module: nn.Module, device: str) -> nn.Module:
    """A copy whose tensors are fake ones on a device; to be made and used within a FakeTensorMode."""
    memo: dict[int, Tensor] = {}
    for tensor in (*module.parameters(), *module.buffers()):
        fake = torch.empty(tensor.shape, dtype=tensor.dtype, device=device)
        memo[id(tensor)] = nn.Parameter(fake, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else fake
    return copy.deepcopy(module, memo)


def step(made: Model, read: Recipe) -> None:
    """One forward in evaluation, then one step of training: losses, rule, clipping, optimizer.

    Raises where a tensor lies on the processor.
    """
    guess, rule = read.data.guess, Construct(load_registry()).build(read.rule, "rule")
    for device in ("cuda", "meta"):
        with FakeTensorMode():
            stepping = moved(step_of(made, guess), device)
            image = torch.randn(4, *made.visual.input, device=device)
            label, own = torch.randint(0, len(CLASSES), (4,), device=device), guess not in ("none", "current")
            with torch.no_grad():
                assert stepping.model.eval()(image).logits.device.type == device
            stepping.model.train()
            losses, logits = stepping(image, label, label if own else None)
            assert logits.device.type == device
            tuned = stepping.model.tuned()
            if not losses or not tuned:
                continue
            if device != "cuda" or torch.cuda.is_available():
                rule(losses, tuned.values(), Tensor.backward, lambda tensor: tensor)
                assert all(p.grad is None or p.grad.device.type == device for p in tuned.values())
            else:  # clipping and optimizer see their device; "meta" takes a sum in place with the processor's tensors
                for p in tuned.values():
                    p.grad = torch.empty_like(p)
            shorten(tuned, 1.0)
            optimizer_of(read.train, tuned).step()


@pytest.mark.parametrize(("name", "kind"), ON)
def test_a_recipe_steps_where_no_tensor_may_lie_on_the_processor(name: str, kind: str) -> None:
    step(model(name, kind), recipe(name, kind))


def planted(made: Model, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensor without a device: in a block, in a loss, or on the way of the optimizer."""
    if where == "optimizer":
        update = torch.optim.AdamW.step

        def stepped(self: torch.optim.AdamW) -> None:
            for parameter in self.param_groups[0]["params"]:
                parameter.grad = parameter.grad * torch.ones(parameter.shape)
            update(self)

        monkeypatch.setattr(torch.optim.AdamW, "step", stepped)
        return
    kind = type(made.grafts["lore"].local if where == "block" else next(iter(made.losses.values())))
    forward = kind.forward
    monkeypatch.setattr(kind, "forward", lambda self, *given: forward(self, *given) * torch.ones(2, 1)[0])


@pytest.mark.parametrize("where", ["block", "loss", "optimizer"])
def test_a_tensor_made_without_a_device_is_found(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read, made = recipe("lore", "vit", "train.optimizer=adamw"), model("lore", "vit", "train.optimizer=adamw")
    planted(made, where, monkeypatch)
    with pytest.raises(Exception, match=r"cpu|fake device"):
        step(made, read)
