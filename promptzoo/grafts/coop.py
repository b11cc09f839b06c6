"""CoOp and Co-CoOp: learned context vectors around the class names."""

from typing import Any

from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.grafts.shared.context import Context, Position
from promptzoo.model.contract import Graft
from promptzoo.model.model import Model
from promptzoo.model.site import Wrap


class ContextOptimization(Graft):
    """Learned vectors replace the words of the template.

    CoOp, Zhou et al. 2022, Sec. 3.2: the text of class c is [V]_1 ... [V]_M [CLASS]_c, through the frozen text tower.
    The template of the head holds what is not learned, as `{}.`; the arguments are those of `Context`.
    As released initial words switch class-specific vectors off without a word; here each class starts from them.
    Raises `ZooError` without a text tower or a head that reads it, and for names without room.
    """

    def __init__(
        self,
        *,
        length: int | None = None,
        init: str | None = None,
        position: Position = "end",
        class_specific: bool = False,
    ):
        super().__init__()
        self.options: dict[str, Any] = {
            "length": length,
            "init": init,
            "position": position,
            "class_specific": class_specific,
        }

    def attach(self, model: Model, name: str) -> None:
        """Acts where words become vectors."""
        self.context = Context(model, **self.options)
        self.context.attach(model, name, self.insert)

    def insert(self, tokens: Wrap, ids: Tensor, notes: Notes) -> Tensor:
        """r n -> r n d."""
        return self.context.put(tokens, ids, notes)


class ConditionalContext(ContextOptimization):
    """Learned vectors conditioned on the picture: v_m(x) = v_m + pi(x), pi a bottleneck of two layers.

    Co-CoOp, Zhou et al. 2022, Sec. 3.2, Eq. 3: pi reads the unit feature of the picture, `reduction` times narrower
    inside, and shifts all vectors alike.  Every picture has class texts of its own.
    Raises as `ContextOptimization` does.
    """

    def __init__(self, *, length: int | None = None, init: str | None = None, reduction: int = 16):
        super().__init__(length=length, init=init)
        if reduction < 1:
            raise ValueError(f"reduction must be 1 or more, got {reduction}")
        self.reduction = reduction

    def attach(self, model: Model, name: str) -> None:
        """Acts where words become vectors, having seen the picture."""
        super().attach(model, name)
        assert model.text is not None
        model.text.of_picture.add(name)
        width, inner = model.visual.out, max(1, model.visual.out // self.reduction)
        self.meta = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, self.context.vectors.shape[-1]))

    def insert(self, tokens: Wrap, ids: Tensor, notes: Notes) -> Tensor:
        """r n -> r n d."""
        shift: Tensor = self.meta(notes["picture"])
        return self.context.put(tokens, ids, notes, shift.unsqueeze(1))
