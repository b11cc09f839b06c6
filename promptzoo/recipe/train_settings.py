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
    """How one stage of training goes."""

    epochs: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        description="passes over the training pictures; 0 trains nothing"
    )
    lr: Annotated[float, Field(gt=0)] | None = Field(None, description="peak learning rate, reached after warm-up")
    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="optimizer of the tuned parameters")
    momentum: Share = Field(0.9, description="momentum of sgd")
    betas: tuple[Share, Share] = Field((0.9, 0.999), description="betas of adamw")
    eps: Annotated[float, Field(gt=0)] = Field(1e-8, description="epsilon of adamw")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.0, description="weight decay")
    decay_bias: bool = Field(
        True, description="apply weight decay to biases and norms (one-dimensional parameters) too"
    )
    schedule: Literal["cosine", "constant"] = Field("cosine", description="how the learning rate goes on after warm-up")
    warmup: Annotated[float, Field(ge=0)] = Field(0.0, description="epochs of linear warm-up")
    final_lr: Annotated[float, Field(ge=0)] = Field(0.0, description="learning rate at the end of the cosine")
    clip: Annotated[float, Field(gt=0)] | None = Field(
        None, description="largest gradient norm; larger gradients are scaled down"
    )
    rate_by: Literal["step", "epoch"] = Field(
        "step", description="update the learning rate after each step or each epoch"
    )
    accumulate: Many = Field(1, description="gradient accumulation: batches per optimizer step")
    mixup: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0, description="mixup: alpha of the Beta distribution; 0 is off"
    )
    cutmix: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0, description="CutMix: alpha of the Beta distribution; 0 is off"
    )
    select: Literal["best", "last"] | None = Field(
        None, description="epoch to keep: best on validation, or last; by default best if there are validation pictures"
    )
    average: Many | None = Field(
        None, description="average the weights of this many last epochs instead of selecting one"
    )
    patience: Many | None = Field(None, description="early stopping: epochs without improvement on validation")

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if getattr(self, "stages", ()):  # each of which is checked for itself
            return self
        if self.epochs and self.lr is None:
            raise PydanticCustomError("lr", "needs 'lr', the learning rate, unless 'epochs' is 0")
        if self.warmup > self.epochs:
            said = "warms up for {warmup} epochs ('warmup') but trains for {epochs} ('epochs')"
            asked = {"warmup": f"{self.warmup:g}", "epochs": self.epochs, "keys": ("epochs", "warmup")}
            raise PydanticCustomError("warmup", said, {**asked, "remedy": f"write train.warmup={self.epochs} or less"})
        if self.epochs and (self.average or 0) > self.epochs:
            said = "averages the last {average} epochs ('average') but trains for {epochs} ('epochs')"
            asked = {"average": self.average, "epochs": self.epochs, "keys": ("epochs", "average")}
            raise PydanticCustomError(
                "average", said, {**asked, "remedy": f"write train.average={self.epochs} or less"}
            )
        if (other := "average" if self.average else "select: last" if self.select == "last" else "") and self.patience:
            said = "stops early for the best epoch on validation ('patience'), but '{other}' does not select the best"
            raise PydanticCustomError("patience", said, {"other": other, "keys": ("patience",)})
        if self.average and self.select == "best":
            said = "takes either the mean of epochs ('average') or the best one ('select'), not both"
            raise PydanticCustomError("average", said, {"keys": ("average", "select")})
        return self


class Stage(Phase):
    """One of several stages; what it does not set is as in `train`."""

    rewind: bool = Field(
        False,
        description="start again from the initial weights, pruned where a graft prunes, by the last epoch before it "
        "unless that stage sets select, average or patience",
    )
    shots: StageShots | None = Field(
        None, description="which pictures it learns from, such as {count: 16, by: easiest}; by default all"
    )


class TrainSettings(Phase):
    """How the tuned part learns, and on what machine."""

    precision: Literal["fp32", "bf16", "fp16", "tf32"] = Field(
        "fp32", description="precision of the computation; tuned parameters stay fp32; tf32 is for GPUs"
    )
    frozen: Literal["fp32", "bf16"] = Field(
        "fp32", description="precision of the frozen matrices in memory; bf16 halves their size"
    )
    recompute: bool = Field(
        False, description="gradient checkpointing: recompute layers in the backward pass; less memory, more time"
    )
    compile: Literal["none", "model", "step"] = Field(
        "none", description="what torch.compile compiles: the model, or the model and its losses together"
    )
    seed: Annotated[int, Field(ge=0, le=2**64 - 1)] = Field(
        0, description="seed of the draw of shots, order, augmentation, dropout and initialisation"
    )
    save_every: Count | None = Field(
        None, description="save every so many steps; the end of each epoch is always saved"
    )
    logger: str | dict[str, Any] = Field(
        "none", description="a logger beside log.jsonl: none, one of promptzoo list loggers, or {logger: wandb, ...}"
    )
    threads: Few | None = Field(None, description="CPU threads; by default as many as torch takes")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="device to train on; auto takes a GPU if there is one"
    )
    deterministic: bool = Field(
        False,
        description="bit-identical results on a GPU too; on one CPU, with equal threads and versions, they always are",
    )
    devices: Few = Field(1, description="number of devices, with one process each")
    strategy: Literal["auto", "ddp"] = Field("auto", description="how several processes train together")
    stages: tuple[Stage, ...] = Field(
        (), description="several stages in turn; each lists what differs from train, or rewind"
    )

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
            said = "recomputes layers ('recompute') in a compiled graph ('compile'), which itself chooses what to keep"
            asked = {"keys": ("recompute", "compile"), "remedy": "set only one of the two"}
            raise PydanticCustomError("recompute", said, asked)
        return self

    @model_validator(mode="after")
    def halved(self) -> Self:
        if self.frozen == "bf16" and self.precision != "bf16":
            said = "computes in {precision} ('precision') but holds frozen weights in bf16 ('frozen')"
            asked = {"precision": self.precision, "keys": ("frozen", "precision")}
            raise PydanticCustomError("frozen", said, {**asked, "remedy": "also write train.precision=bf16"})
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
            said = "has stages with 'shots' and stages without; give 'shots' to all or to none"
            raise PydanticCustomError("shots", said, {"keys": ("stages",)})
        if any(chosen) and self.stages[0].shots is not None and self.stages[0].shots.wrong_only:
            said = "asks for misclassified pictures ('wrong_only') in its first stage, before any model is trained"
            raise PydanticCustomError("shots", said, {"keys": ("stages",)})
        return self

    @property
    def phases(self) -> tuple[Stage, ...]:
        """The stages in order; one that is the whole training where the recipe lists none."""
        if self.stages:
            return self.stages
        return (Stage(**{name: getattr(self, name) for name in Phase.model_fields}),)
