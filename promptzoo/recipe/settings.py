"""The settings of a recipe: backbone, data, knowledge; those of a training are in train_settings.

The rest of a recipe is nodes of the registry.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from promptzoo.recipe.bounds import FEW, Colour, Few, Magnitude, Many, Portion, Share, Size, Views


class Settings(BaseModel):
    """Typed, complete, immutable; an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise PydanticCustomError("truth", "should not be true or false")
        return value


class BackboneSettings(Settings):
    """Which frozen network, with which weights, at which image size."""

    open: str = Field(description="timm/<model>, open_clip/<model>, hf/<model> or promptzoo/zoo_tiny")
    weights: str = Field("random", description="random, shipped, a pretrained tag, or a local file")
    image_size: Size | None = Field(
        None, description="image size in pixels, one number or [height, width]; by default the model's own"
    )
    options: dict[str, Any] = Field(
        {}, description="further arguments of the network's constructor, such as {depth: 4}"
    )
    dropout: Share = Field(0.0, description="dropout rate inside the frozen network during training")

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width, where they are not the model's own."""
        return (self.image_size, self.image_size) if isinstance(self.image_size, int) else self.image_size


class DataSettings(Settings):
    """Which pictures, how many, and how they are prepared.  Other keys are arguments of the dataset's class."""

    model_config = ConfigDict(extra="allow")

    dataset: str = Field(description="a source or a preset; see promptzoo data list")
    shots: Many | None = Field(None, description="training pictures per class; by default all")
    half: Literal["all", "base", "new"] = Field(
        "all", description="all classes, the first half (base), or the rest (new)"
    )
    batch: Many = Field(32, description="batch size")
    guess: Literal["none", "zero_shot", "linear_probe", "current"] = Field(
        "none", description="how to find the wrong class that the K-L loss pushes away from"
    )
    augment: Literal["none", "flip", "crop_flip", "shift_flip"] = Field(
        "none",
        description="random crops and flips in training; crop_flip as in CoOp and LORE, shift_flip as in VPT",
    )
    crop_area: tuple[Portion, Portion] = Field(
        (0.08, 1.0), description="smallest and largest share of a picture that crop_flip keeps"
    )
    jitter: Portion = Field(
        0.0, description="strength of random changes of brightness, contrast and saturation in training"
    )
    randaugment: tuple[Few, Magnitude] | None = Field(
        None, description="RandAugment: number of operations and their magnitude"
    )
    erase: Portion = Field(0.0, description="random erasing: share of the training pictures that lose a rectangle")
    workers: Annotated[int, Field(ge=0, le=FEW)] = Field(0, description="number of processes that read pictures")
    cache: bool = Field(
        True, description="keep decoded pictures in memory, and features where nothing before them is tuned"
    )
    cache_gb: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="keep pictures in a file of at most so many gigabytes instead, shared by all runs on this machine",
    )
    cache_views: Views | None = Field(
        None, description="number of augmented views of each picture, used in turn; by default a new one each time"
    )
    transform: Literal["checkpoint", "imagenet", "half", "raw", "coop"] = Field(
        "checkpoint", description="preset for normalisation, resizing and crop; the six settings below override it"
    )
    size: Size | None = Field(None, description="image size in pixels, one number or [height, width]")
    mean: Colour | None = Field(None, description="mean of red, green and blue, subtracted")
    std: Colour | None = Field(None, description="standard deviation of red, green and blue, divided by")
    interpolation: Literal["nearest", "bilinear", "bicubic"] | None = Field(None, description="filter for resizing")
    crop_pct: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="share of each side that the centre crop keeps"
    )
    crop_mode: Literal["center", "squash"] | None = Field(
        None, description="crop the centre, or resize both sides and distort"
    )
    on_bad_image: Literal["error", "skip"] = Field(
        "error",
        description="stop at an unreadable picture, or skip it; over 20,000 pictures are not checked in advance",
    )


class KnowledgeSettings(Settings):
    """Where the semantic embedding of each class comes from: exactly one of `text`, `table`, `features`."""

    text: str | None = Field(None, description="an open_clip model, or 'backbone' for the backbone's own text tower")
    weights: str | None = Field(None, description="for text: a pretrained tag or a local file")
    template: str | list[str] = Field(
        "This is a photo of a {}.", description="for text: the prompt template; of several, the mean embedding"
    )
    table: Path | None = Field(None, description="an .npz file of class names and vectors")
    aliases: dict[str, str] = Field({}, description="for table: class name -> name in the table")
    features: Literal["class_means"] | None = Field(
        None, description="class means of the frozen features of the training pictures"
    )

    @field_validator("template")
    @classmethod
    def has_a_place(cls, template: str | list[str]) -> str | list[str]:
        for one in [template] if isinstance(template, str) else template:
            if "{}" not in one or re.search(r"[{}]", one.replace("{}", "")):
                said = "should contain {braces} for the class name, and no other braces"
                raise PydanticCustomError("template", said, {"braces": "{}"})
        return template

    @model_validator(mode="after")
    def one_source(self) -> Self:
        given = self.model_fields_set
        sources = [name for name in SOURCES if getattr(self, name) is not None]
        if len(sources) != 1:
            here = " and ".join(sources) or "none"
            raise PydanticCustomError("source", f"takes exactly one of 'text', 'table', 'features'; got {here}")
        for stranger in sorted(given - {*SOURCES, *SOURCES[sources[0]]}):
            raise PydanticCustomError("source", f"takes no '{stranger}' together with '{sources[0]}'")
        return self


SOURCES = {"text": ("weights", "template"), "table": ("aliases",), "features": ()}


class PlaceSettings(Settings):
    """A graft without a class: a site pattern, which of the sites, and what is put there."""

    at: str | Annotated[list[str], Field(min_length=1)]
    only: list[int] | None = None  # which layers
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    beside: dict[str, Any] | None = None
    thaw: Literal["all", "bias", "norms"] | None = None

    @model_validator(mode="after")
    def one_verb(self) -> Self:
        verbs = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(verbs) != 1:
            here = " and ".join(verbs) or "none"
            raise PydanticCustomError("verb", f"takes exactly one of {', '.join(map(repr, VERBS))}; got {here}")
        return self


VERBS = ("before", "after", "beside", "thaw")

# words of a node that are not arguments of its class
APART = {"loss": ("weight",), "dataset": tuple(name for name in DataSettings.model_fields if name != "dataset")}
