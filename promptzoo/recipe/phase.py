"""How a stretch of training goes: `Phase`, and `Stage`, one of several."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from promptzoo.recipe.bounds import Settings, Share


class Phase(Settings):
    """How a stretch of training goes."""

    epochs: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        description="passes over the training pictures; 0: nothing learns"
    )
    lr: Annotated[float, Field(gt=0)] | None = Field(None, description="the learning rate after the warm-up")
    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="what moves the tuned parameters")
    momentum: Share = Field(0.9, description="of sgd")
    betas: tuple[Share, Share] = Field((0.9, 0.999), description="of adamw")
    eps: Annotated[float, Field(gt=0)] = Field(1e-8, description="of adamw")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.0, description="how far parameters shrink")
    decay_bias: bool = Field(True, description="whether parameters of one dimension shrink too")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="of the learning rate after the warm-up")
    warmup: Annotated[float, Field(ge=0)] = Field(0.0, description="epochs in which the learning rate rises")
    final_lr: Annotated[float, Field(ge=0)] = Field(0.0, description="where cosine ends")
    clip: Annotated[float, Field(gt=0)] | None = Field(None, description="largest norm of the gradient")

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if getattr(self, "stages", ()):  # each of which is checked for itself
            return self
        if self.epochs and self.lr is None:
            raise PydanticCustomError("lr", "needs 'lr', the learning rate, when 'epochs' is not 0")
        if self.warmup > self.epochs:
            said = "warms up for {warmup} epochs ('warmup') and trains for {epochs} ('epochs')"
            asked = {"warmup": f"{self.warmup:g}", "epochs": self.epochs, "keys": ("epochs", "warmup")}
            raise PydanticCustomError("warmup", said, {**asked, "remedy": f"write train.warmup={self.epochs} or less"})
        return self


class Stage(Phase):
    """One of several stretches; what it does not say is as in `train`."""

    rewind: bool = Field(False, description="start again from the weights before training, pruned where a graft prunes")
