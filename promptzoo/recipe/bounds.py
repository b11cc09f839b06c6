"""What all settings of a recipe share, and how large their numbers may be."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
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
