"""What a run came to: `Result`."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """What a run came to.  Accuracies are shares, 0..1; `seconds` counts all its sessions; memory is in MiB."""

    out: str
    recipe: str
    selection: str
    epochs: int
    best_epoch: int | None
    val: dict[str, Any] | None
    test: dict[str, Any]
    zero_shot: float | None
    tuned_parameters: int
    total_parameters: int
    seconds: float
    peak_memory: float
    spent: dict[str, float] = field(default_factory=dict)  # seconds of this session: reading, preparing, ...
    remarks: list[str] = field(default_factory=list)
    stages: dict[str, Any] = field(default_factory=dict)  # main figure on test after an earlier stage, by its name
