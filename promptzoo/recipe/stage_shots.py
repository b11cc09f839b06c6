"""Which training pictures a stage of a training learns from: `StageShots`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from promptzoo.recipe.bounds import Many
from promptzoo.recipe.settings import Settings


class StageShots(Settings):
    """Some of each class by difficulty, or the lists of another run."""

    count: Many | None = Field(None, description="pictures per class")
    by: Literal["easiest", "hardest"] | None = Field(
        None, description="the pictures nearest to their class in the model at the start of the stage, or the farthest"
    )
    measure: Literal["centroid", "herding"] = Field(
        "centroid", description="1 - cosine to the class mean, or rank in herding"
    )
    wrong_only: bool = Field(False, description="only pictures that the model misclassifies; in a later stage")
    fill: Literal["none", "farthest"] = Field("none", description="what to add where too few are misclassified")
    lists: Path | None = Field(None, description="a run, to take the lists of its stages, or one list")

    @model_validator(mode="after")
    def one_source(self) -> Self:
        if self.lists is not None and self.model_fields_set - {"lists"}:
            raise PydanticCustomError("shots", "takes either 'lists' or 'count' and 'by', not both")
        if self.lists is None and (self.count is None or self.by is None):
            raise PydanticCustomError("shots", "needs 'count' and 'by' (easiest or hardest), or 'lists'")
        if self.fill != "none" and not self.wrong_only:
            raise PydanticCustomError("shots", "has 'fill', which needs 'wrong_only: true'")
        return self
