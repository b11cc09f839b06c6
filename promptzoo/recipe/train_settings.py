"""The settings of a training: how the tuned part learns, in which stages, on what machine."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from promptzoo.errors import either
from promptzoo.recipe.bounds import Count, Few, Many, Share
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.settings import Settings
from promptzoo.recipe.stage_shots import StageShots


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
    rate_by: Literal["step", "epoch"] = Field("step", description="when the learning rate changes")
    accumulate: Many = Field(1, description="batches whose gradients' mean makes a step")
    mixup: Annotated[float, Field(ge=0, le=100)] = Field(0.0, description="blends pictures; alpha of its Beta")
    cutmix: Annotated[float, Field(ge=0, le=100)] = Field(0.0, description="pastes pictures; alpha of its Beta")
    select: Literal["best", "last"] | None = Field(
        None, description="which epoch counts: best on validation, or last; else best where something is to validate on"
    )
    average: Many | None = Field(None, description="so many last epochs, whose mean counts in place of one")
    patience: Many | None = Field(None, description="epochs without a better one on validation, after which it stops")

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
        if self.epochs and (self.average or 0) > self.epochs:
            said = "takes the mean of the last {average} epochs ('average') and trains for {epochs} ('epochs')"
            asked = {"average": self.average, "epochs": self.epochs, "keys": ("epochs", "average")}
            raise PydanticCustomError(
                "average", said, {**asked, "remedy": f"write train.average={self.epochs} or less"}
            )
        if (other := "average" if self.average else "select: last" if self.select == "last" else "") and self.patience:
            said = "waits for a better epoch on validation ('patience'), and '{other}' takes another one than the best"
            raise PydanticCustomError("patience", said, {"other": other, "keys": ("patience",)})
        if self.average and self.select == "best":
            said = "takes the mean of epochs ('average') and the best one ('select'); one of the two"
            raise PydanticCustomError("average", said, {"keys": ("average", "select")})
        return self


class Stage(Phase):
    """One of several stretches; what it does not say is as in `train`."""

    rewind: bool = Field(False, description="start again from the weights before training, pruned where a graft prunes")
    shots: StageShots | None = Field(
        None, description="which pictures it learns from, like {count: 16, by: easiest}; else all"
    )


class TrainSettings(Phase):
    """How the tuned part learns, and on what machine."""

    precision: Literal["fp32", "bf16", "fp16", "tf32"] = Field(
        "fp32", description="of what is computed; parameters are fp32; tf32 is of GPUs"
    )
    frozen: Literal["fp32", "bf16"] = Field("fp32", description="of the frozen matrices in memory; bf16 halves them")
    recompute: bool = Field(False, description="layers again on the way back: less memory, more time")
    compile: Literal["none", "model", "step"] = Field(
        "none", description="what torch compiles: the model, or it and its losses in one"
    )
    seed: Annotated[int, Field(ge=0, le=2**64 - 1)] = Field(
        0, description="of shots, order, cuts, dropout and new parameters"
    )
    save_every: Count | None = Field(None, description="steps; the end of each epoch is always saved")
    logger: str | dict[str, Any] = Field(
        "none", description="a log beside log.jsonl: none, a word of promptzoo list loggers, or {logger: wandb, ...}"
    )
    threads: Few | None = Field(None, description="of the processor; torch's own number where left out")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where it trains")
    deterministic: bool = Field(False, description="the same bits each time on a GPU too; a processor always does")
    devices: Few = Field(1, description="how many, a process each")
    strategy: Literal["auto", "ddp"] = Field("auto", description="how several processes share the work")
    stages: tuple[Stage, ...] = Field((), description="several stretches; each says what it has otherwise, or rewind")

    @field_validator("logger", mode="after")
    @classmethod
    def known(cls, value: str | dict[str, Any]) -> str | dict[str, Any]:
        word, possible = value.get("logger") if isinstance(value, dict) else value, load_registry().loggers
        if not isinstance(word, str) or (word not in ("none", *possible) and ":" not in word):
            raise PydanticKnownError("literal_error", {"expected": either(map(repr, ("none", *possible)))})
        return value

    @model_validator(mode="after")
    def kept(self) -> Self:
        if self.recompute and self.compile != "none":
            said = "computes layers again ('recompute') in a graph ('compile'), which chooses by itself what it keeps"
            asked = {"keys": ("recompute", "compile"), "remedy": "write one of the two"}
            raise PydanticCustomError("recompute", said, asked)
        return self

    @model_validator(mode="after")
    def halved(self) -> Self:
        if self.frozen == "bf16" and self.precision != "bf16":
            said = "computes in {precision} ('precision') and holds frozen weights in bf16 ('frozen')"
            asked = {"precision": self.precision, "keys": ("frozen", "precision")}
            raise PydanticCustomError("frozen", said, {**asked, "remedy": "write train.precision=bf16 beside it"})
        return self

    @model_validator(mode="before")
    @classmethod
    def fill_stages(cls, values: Any) -> Any:
        if not (isinstance(values, dict) and isinstance(values.get("stages"), list | tuple)):
            return values
        common = {name: values[name] for name in Phase.model_fields if name in values}
        stages = [{**common, **stage} if isinstance(stage, dict) else stage for stage in values["stages"]]
        return {**values, "stages": stages}

    @model_validator(mode="after")
    def shots_of_all(self) -> Self:
        chosen = [stage.shots is not None for stage in self.stages]
        if any(chosen) and not all(chosen):
            said = "has stages with 'shots' and stages without; say of each which pictures it learns from"
            raise PydanticCustomError("shots", said, {"keys": ("stages",)})
        if any(chosen) and self.stages[0].shots is not None and self.stages[0].shots.wrong_only:
            said = "asks in its first stage for what a model names wrongly ('wrong_only'), before any is trained"
            raise PydanticCustomError("shots", said, {"keys": ("stages",)})
        return self

    @property
    def phases(self) -> tuple[Stage, ...]:
        """The stages in order; one that is the whole training where the recipe lists none."""
        if self.stages:
            return self.stages
        return (Stage(**{name: getattr(self, name) for name in Phase.model_fields}),)
