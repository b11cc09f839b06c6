"""Which training pictures a stage of a training learns from: `StageShots`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from promptzoo.recipe.bounds import Many
from promptzoo.recipe.settings import Settings


class StageShots(Settings):
    """Some of each class by difficulty, or the lists of another run."""

    count: Many | None = Field(None, description="pictures of a class")
    by: Literal["easiest", "hardest"] | None = Field(
        None, description="nearest to their class in the model as the stage finds it, or farthest"
    )
    measure: Literal["centroid", "herding"] = Field("centroid", description="1 - cosine to the class's mean, or rank")
    wrong_only: bool = Field(False, description="those alone that the model names wrongly, in a later stage")
    fill: Literal["none", "farthest"] = Field("none", description="what stands in where too few are wrong")
    lists: Path | None = Field(None, description="a run, whose lists of the same stages are taken, or one list")

    @model_validator(mode="after")
    def one_source(self) -> Self:
        if self.lists is not None and self.model_fields_set - {"lists"}:
            raise PydanticCustomError("shots", "takes 'lists', or 'count' and 'by', not both")
        if self.lists is None and (self.count is None or self.by is None):
            raise PydanticCustomError("shots", "needs 'count' and 'by', easiest or hardest, or else 'lists'")
        if self.fill != "none" and not self.wrong_only:
            raise PydanticCustomError("shots", "has 'fill', which is for 'wrong_only: true'")
        return self
