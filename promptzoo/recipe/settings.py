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

    open: str = Field(description="timm/<model>, open_clip/<model> or promptzoo/zoo_tiny")
    weights: str = Field("random", description="random, shipped, a pretrained tag, or a local file")
    image_size: Size | None = Field(None, description="pixels, one number or [height, width]; else the model's own")
    options: dict[str, Any] = Field({}, description="more arguments of the network's constructor, like {depth: 4}")
    dropout: Share = Field(0.0, description="the frozen network's own dropout while training")

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width, where they are not the model's own."""
        return (self.image_size, self.image_size) if isinstance(self.image_size, int) else self.image_size


class DataSettings(Settings):
    """Which pictures, how many, in which form.  Other words are the arguments of the dataset's class."""

    model_config = ConfigDict(extra="allow")

    dataset: str = Field(description="a source or a preset: promptzoo data list")
    shots: Many | None = Field(None, description="pictures of a class for training; else all")
    half: Literal["all", "base", "new"] = Field(
        "all", description="all classes, or one half of them: base, the first, or new, the rest"
    )
    batch: Many = Field(32, description="pictures of a step")
    guess: Literal["none", "zero_shot", "linear_probe", "current"] = Field(
        "none", description="what the K-L loss pushes away from"
    )
    augment: Literal["none", "flip", "crop_flip", "shift_flip"] = Field(
        "none",
        description="how training cuts and mirrors each picture; crop_flip as CoOp and LORE do it, shift_flip as VPT",
    )
    crop_area: tuple[Portion, Portion] = Field((0.08, 1.0), description="share of a picture that crop_flip keeps")
    jitter: Portion = Field(0.0, description="how far training changes brightness, contrast and saturation")
    randaugment: tuple[Few, Magnitude] | None = Field(None, description="operations on a picture, their magnitude")
    erase: Portion = Field(0.0, description="share of the pictures of which a rectangle is erased")
    workers: Annotated[int, Field(ge=0, le=FEW)] = Field(0, description="processes that read pictures")
    cache: bool = Field(True, description="keep pictures, and features where nothing learns before them, in memory")
    cache_gb: Annotated[float, Field(gt=0)] | None = Field(
        None, description="keep pictures in a file of so many gigabytes instead, shared by all runs of this machine"
    )
    cache_views: Views | None = Field(None, description="cuts of a picture that augment makes, in turn; else new ones")
    transform: Literal["checkpoint", "imagenet", "half", "raw", "coop"] = Field(
        "checkpoint", description="whose colours and crop; the six words below replace its own"
    )
    size: Size | None = Field(None, description="pixels, one number or [height, width]")
    mean: Colour | None = Field(None, description="of red, green and blue, taken away")
    std: Colour | None = Field(None, description="of red, green and blue, divided by")
    interpolation: Literal["nearest", "bilinear", "bicubic"] | None = Field(None, description="of resizing")
    crop_pct: Annotated[float, Field(gt=0, le=1)] | None = Field(None, description="share of the side that is kept")
    crop_mode: Literal["center", "squash"] | None = Field(None, description="cut the middle, or resize both sides")
    on_bad_image: Literal["error", "skip"] = Field(
        "error", description="what becomes of one that cannot be read; of over 20,000 none is read before it is needed"
    )


class KnowledgeSettings(Settings):
    """Where the semantic embedding of each class comes from: exactly one of `text`, `table`, `features`."""

    text: str | None = Field(None, description="an open_clip model, or backbone for the backbone's own text tower")
    weights: str | None = Field(None, description="of text: a pretrained tag or a local file")
    template: str | list[str] = Field(
        "This is a photo of a {}.", description="of text: what is said of a class; several: the mean of their texts"
    )
    table: Path | None = Field(None, description="an .npz file of names and vectors")
    aliases: dict[str, str] = Field({}, description="of table: class -> the table's name for it")
    features: Literal["class_means"] | None = Field(None, description="means of the frozen training pictures")

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
    thaw: Literal["all", "bias", "norms"] | None = None

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
