"""How large the numbers of a recipe's settings may be."""

from typing import Annotated

from pydantic import Field

LARGEST = 1_000_000  # of a whole number: nothing that fits in a picture has more
FEW = 512  # of what a machine has: threads, processes, devices

Count = Annotated[int, Field(ge=1)]
Few = Annotated[int, Field(ge=1, le=FEW)]
Many = Annotated[int, Field(ge=1, le=LARGEST)]
Views = Annotated[int, Field(ge=1, le=10_000)]
Pixels = Annotated[int, Field(ge=1, le=16_384)]
Share = Annotated[float, Field(ge=0, lt=1)]
Portion = Annotated[float, Field(ge=0, le=1)]
Magnitude = Annotated[int, Field(ge=0, le=30)]
Size = Pixels | tuple[Pixels, Pixels]
Colour = tuple[float, float, float]
