"""Every recipe steps on fake CUDA tensors: what is made on the processor in a forward, a loss or a step is found."""

import copy

import pytest
import torch
from small import CLASSES, RECIPES, fits, model, recipe
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from promptzoo.model.model import Model
from promptzoo.model.step import step_of
from promptzoo.recipe.settings import Phase
from promptzoo.training.schedule import optimizer_of

#: Each recipe once; what compares with texts needs a text tower.
ON = [(name, "vit" if fits(name, "vit") else "clip") for name in RECIPES] + [("sa2vp", "swin"), ("vpt_deep", "swin")]


def on_cuda(module: nn.Module) -> nn.Module:
    """A copy whose tensors are fake ones on a card; to be made and used within a FakeTensorMode."""
    memo: dict[int, Tensor] = {}
    for tensor in (*module.parameters(), *module.buffers()):
        fake = torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")
        memo[id(tensor)] = nn.Parameter(fake, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else fake
    return copy.deepcopy(module, memo)


def step(made: Model, guess: str, train: Phase) -> None:
    """One forward in evaluation, then one step of training; raises where a tensor lies on the processor."""
    with FakeTensorMode():
        stepping = on_cuda(step_of(made, guess))
        image = torch.randn(4, *made.visual.input, device="cuda")
        label, own = torch.randint(0, len(CLASSES), (4,), device="cuda"), guess not in ("none", "current")
        with torch.no_grad():
            assert stepping.model.eval()(image).logits.device.type == "cuda"
        stepping.model.train()
        losses, logits = stepping(image, label, label if own else None)
        assert logits.device.type == "cuda"
        tuned = stepping.model.tuned()
        if losses and tuned:
            sum(losses.values()).backward()
            assert all(p.grad is None or p.grad.device.type == "cuda" for p in tuned.values())
            optimizer_of(train, tuned).step()


@pytest.mark.parametrize(("name", "kind"), ON)
def test_a_recipe_steps_where_no_tensor_may_lie_on_the_processor(name: str, kind: str) -> None:
    read = recipe(name, kind)
    step(model(name, kind), read.data.guess, read.train)


def planted(made: Model, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensor without a device: in a block, in a loss, or on the way of the optimizer."""
    if where == "block":
        block = made.grafts["lore"].generate
        forward = block.forward
        monkeypatch.setattr(block, "forward", lambda *a, **k: forward(*a, **k) + torch.zeros(1, 1))
    elif where == "loss":
        loss = next(iter(made.losses.values()))
        forward = loss.forward
        monkeypatch.setattr(loss, "forward", lambda *a, **k: (forward(*a, **k) * torch.ones(1)).sum())
    else:
        update = torch.optim.AdamW.step

        def stepped(self: torch.optim.AdamW) -> None:
            for parameter in self.param_groups[0]["params"]:
                parameter.data.add_(torch.zeros(parameter.shape))
            update(self)

        monkeypatch.setattr(torch.optim.AdamW, "step", stepped)


@pytest.mark.parametrize("where", ["block", "loss", "optimizer"])
def test_a_tensor_made_without_a_device_is_found(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read, made = recipe("lore", "vit", "train.optimizer=adamw"), model("lore", "vit", "train.optimizer=adamw")
    planted(made, where, monkeypatch)
    with pytest.raises(Exception, match=r"cpu|fake device"):
        step(made, read.data.guess, read.train)
