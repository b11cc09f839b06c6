"""What a search chose, as the recipe list that it becomes: `Searched`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptzoo.recipe import yaml
from promptzoo.studies.plan import Member

LIST = "chosen.yaml"


@dataclass(frozen=True)
class Chosen:
    """A row with its best overrides on validation, and how many trials came to an end; as it was without any."""

    member: Member
    overrides: tuple[str, ...] = ()
    val: float | None = None
    trials: int = 0

    def whole(self) -> list[str]:
        """The row's own overrides but for those that were chosen, and these."""
        keys = {word.partition("=")[0] for word in self.overrides}
        return [*(word for word in self.member.overrides if word.partition("=")[0] not in keys), *self.overrides]


@dataclass(frozen=True)
class Searched:
    """What a search chose: rows of a recipe list; the command's `overrides` stand behind those of each."""

    rows: tuple[Chosen, ...]
    overrides: tuple[str, ...]
    file: Path

    def page(self) -> str:
        """The list, ready for `compare`."""
        rows = [
            {"name": one.member.name, "recipe": str(one.member.word), "overrides": [*one.whole(), *self.overrides]}
            for one in self.rows
        ]
        notes = [
            f"# {one.member.name}: {100 * one.val:.1f} % on validation, the best of {one.trials} trials\n"
            for one in self.rows
            if one.val is not None
        ]
        return "".join([*notes, yaml.write({"rows": rows})])

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        rows = [
            {"name": one.member.name, "overrides": [*one.overrides], "val": one.val, "trials": one.trials}
            for one in self.rows
        ]
        return {"rows": rows, "list": str(self.file)}
