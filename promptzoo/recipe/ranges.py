"""Ranges of a recipe list, which a search chooses from: `Range`."""

import json
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator
from pydantic_core import PydanticCustomError

Ends = tuple[FiniteFloat, FiniteFloat]
Whole = Annotated[int, Field(strict=True)]


class Range(BaseModel):
    """What an override may be: `{log: [1e-4, 1e-1]}`, `{between: [0, 0.5]}`, `{int: [1, 16]}`, or a list of choices."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    log: Ends | None = None
    between: Ends | None = None
    whole: tuple[Whole, Whole] | None = Field(None, alias="int")
    of: tuple[Any, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def choices(cls, told: Any) -> Any:
        return {"of": told} if isinstance(told, list | tuple) else told

    @model_validator(mode="after")
    def holds_something(self) -> Self:
        given = self.model_fields_set
        if len(given) != 1:
            raise PydanticCustomError("range", "takes log, between, int or a list of choices")
        ends = self.log or self.between or self.whole
        if (ends is not None and ends[0] >= ends[1]) or self.of == ():
            raise PydanticCustomError("range", "is empty: nothing to choose from")
        if self.log is not None and self.log[0] <= 0:
            raise PydanticCustomError("range", "starts at 0 or below, where the logarithm is undefined")
        return self

    @property
    def texts(self) -> list[str]:
        """The choices as overrides write them."""
        return [one if isinstance(one, str) else json.dumps(one) for one in self.of or ()]

    @property
    def first(self) -> str:
        """One value, as an override writes it."""
        ends = self.log or self.between or self.whole
        return self.texts[0] if ends is None else self.text(ends[0])

    def text(self, value: object) -> str:
        """A drawn value as an override writes it, of more digits where three would leave the range."""
        ends = self.log or self.between
        if ends is None or not isinstance(value, float):
            return text(value)
        every = (f"{value:.{digits}g}" for digits in range(3, 18))
        return next((one for one in every if ends[0] <= float(one) <= ends[1]), text(value))


def text(value: object) -> str:
    """A value as an override writes it; three digits of a number that is not whole."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) else json.dumps(value)
