"""The settings of a recipe: backbone, data, training, knowledge.  The rest of a recipe is nodes of the registry."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

Count = Annotated[int, Field(ge=1)]
Few = Annotated[int, Field(ge=1, le=512)]  # of what a machine has: threads, devices
Many = Annotated[int, Field(ge=1, le=1_000_000)]
Views = Annotated[int, Field(ge=1, le=10_000)]
Pixels = Annotated[int, Field(ge=1, le=16_384)]
Share = Annotated[float, Field(ge=0, lt=1)]
Size = Pixels | tuple[Pixels, Pixels]
Colour = tuple[float, float, float]


class Settings(BaseModel):
    """Typed, complete, immutable; an unknown word is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise PydanticCustomError("truth", "should not be true or false")
        return value


class BackboneSettings(Settings):
    """Which frozen network, with which weights, at which picture size."""

    open: str  # timm/<model>, open_clip/<model>, promptzoo/zoo_tiny
    weights: str = "random"  # random, shipped, a pretrained tag, or a local file
    image_size: Size | None = None  # pixels, one number or [height, width]; the model's own size where it is left out
    options: dict[str, Any] = {}  # more arguments of the network's constructor, like {depth: 4}
    dropout: Share = 0.0  # the frozen network's own dropout while training


class DataSettings(Settings):
    """Which pictures, how many, in which form.  Other words are the arguments of the dataset's class."""

    model_config = ConfigDict(extra="allow")

    dataset: str
    shots: Many | None = None  # pictures of a class for training; all where it is left out
    batch: Many = 32
    guess: Literal["none", "zero_shot", "linear_probe", "current"] = "none"  # what the K-L loss pushes away from
    augment: Literal["none", "crop_flip"] = "none"
    workers: Annotated[int, Field(ge=0, le=512)] = 0
    cache: bool = True  # keep decoded pictures in memory when they fit, and features where nothing learns before them
    cache_views: Views | None = None  # how many cuts of a picture `augment` makes, in turn; new ones where left out
    transform: Literal["checkpoint", "imagenet", "half", "raw", "coop"] = "checkpoint"  # whose colours and crop
    size: Size | None = None  # this and the next five: the backbone's own where they are left out
    mean: Colour | None = None
    std: Colour | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic"] | None = None
    crop_pct: Annotated[float, Field(gt=0, le=1)] | None = None
    crop_mode: Literal["center", "squash"] | None = None  # resize the shorter side and cut, or resize both sides
    on_bad_image: Literal["error", "skip"] = "error"


class Phase(Settings):
    """How a stretch of training goes."""

    epochs: Annotated[int, Field(ge=0, le=1_000_000)]
    lr: Annotated[float, Field(gt=0)] | None = None
    optimizer: Literal["sgd", "adamw"] = "sgd"
    momentum: Share = 0.9  # sgd alone
    betas: tuple[Share, Share] = (0.9, 0.999)  # adamw alone
    eps: Annotated[float, Field(gt=0)] = 1e-8  # adamw alone
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    decay_bias: bool = True
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0)] = 0.0  # epochs
    final_lr: Annotated[float, Field(ge=0)] = 0.0
    clip: Annotated[float, Field(gt=0)] | None = None  # largest norm of the gradient

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if getattr(self, "stages", ()):  # each of which is checked for itself
            return self
        if self.epochs and self.lr is None:
            raise PydanticCustomError("lr", "needs 'lr', the learning rate, when 'epochs' is not 0")
        if self.warmup > self.epochs:
            raise PydanticCustomError("warmup", "warms up for longer ('warmup') than it trains ('epochs')")
        return self


class Stage(Phase):
    """One of several stretches; what it does not say is as in `train`."""

    rewind: bool = False  # start again from the weights before training, pruned where a graft prunes


class TrainSettings(Phase):
    """How the tuned part learns, and on what machine."""

    precision: Literal["fp32", "bf16"] = "fp32"
    seed: Annotated[int, Field(ge=0, le=2**64 - 1)] = 0
    save_every: Count | None = None  # steps; the end of each epoch is always saved
    logger: Literal["none", "csv", "tensorboard"] = "none"
    threads: Few | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: Few = 1
    strategy: Literal["auto", "ddp"] = "auto"
    stages: tuple[Stage, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def fill_stages(cls, values: Any) -> Any:
        if not (isinstance(values, dict) and isinstance(values.get("stages"), list | tuple)):
            return values
        common = {name: values[name] for name in Phase.model_fields if name in values}
        stages = [{**common, **stage} if isinstance(stage, dict) else stage for stage in values["stages"]]
        return {**values, "stages": stages}

    @property
    def phases(self) -> tuple[Stage, ...]:
        """The stages in order; one that is the whole training where the recipe lists none."""
        if self.stages:
            return self.stages
        return (Stage(**{name: getattr(self, name) for name in Phase.model_fields}),)


class KnowledgeSettings(Settings):
    """Where the semantic embedding of each class comes from: exactly one of `text`, `table`, `features`."""

    text: str | None = None  # an open_clip model, or `backbone` for the backbone's own text tower
    weights: str | None = None
    template: str | list[str] = "This is a photo of a {}."  # several: the mean of their texts
    table: Path | None = None  # an .npz file of names and vectors
    aliases: dict[str, str] = {}  # class -> the table's name for it
    features: Literal["class_means"] | None = None

    @field_validator("template")
    @classmethod
    def has_a_place(cls, template: str | list[str]) -> str | list[str]:
        for one in [template] if isinstance(template, str) else template:
            if "{}" not in one or re.search(r"[{}]", one.replace("{}", "")):
                said = "should hold {braces}, where the name of the class goes, and no other braces"
                raise PydanticCustomError("template", said, {"braces": "{}"})
        return template

    @model_validator(mode="after")
    def one_source(self) -> Self:
        given = self.model_fields_set
        sources = [name for name in SOURCES if getattr(self, name) is not None]
        if len(sources) != 1:
            here = " and ".join(sources) or "none"
            raise PydanticCustomError("source", f"takes exactly one of 'text', 'table', 'features'; here is {here}")
        for stranger in sorted(given - {*SOURCES, *SOURCES[sources[0]]}):
            raise PydanticCustomError("source", f"takes no '{stranger}' beside '{sources[0]}'")
        return self


SOURCES = {"text": ("weights", "template"), "table": ("aliases",), "features": ()}


class PlaceSettings(Settings):
    """A graft without a class: a site pattern, which of the sites, and what is put there."""

    at: str | Annotated[list[str], Field(min_length=1)]
    only: list[int] | None = None  # which layers
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    beside: dict[str, Any] | None = None
    thaw: Literal["all", "bias"] | None = None

    @model_validator(mode="after")
    def one_verb(self) -> Self:
        verbs = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(verbs) != 1:
            here = " and ".join(verbs) or "none"
            raise PydanticCustomError("verb", f"takes exactly one of {', '.join(map(repr, VERBS))}; here is {here}")
        return self


VERBS = ("before", "after", "beside", "thaw")

# words of a node that are not arguments of its class
APART = {"loss": ("weight",), "dataset": tuple(name for name in DataSettings.model_fields if name != "dataset")}
