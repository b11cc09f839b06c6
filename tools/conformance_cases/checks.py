"""Figures found beside figures expected: `Check`; and the files that say what is expected."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Check:
    """Figures by name, found and expected, and how far they may lie apart; of a control, at least one must."""

    found: dict[str, float]
    expected: dict[str, float]
    tolerance: dict[str, float]
    control: bool = False

    def error(self) -> float:
        """The largest distance, in tolerances; infinite where one is not a number."""
        apart = [abs(self.found[name] - self.expected[name]) / self.tolerance[name] for name in self.expected]
        return max(one if one == one else float("inf") for one in apart)

    def passed(self) -> bool:
        return (1 < self.error() < float("inf")) if self.control else (self.error() <= 1)


@cache
def told(file: Path) -> Any:
    return json.loads(file.read_text())
