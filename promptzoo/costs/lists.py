"""What was counted of a recipe list, under the list's convention."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

from promptzoo.costs.report import Counted, Share
from promptzoo.errors import ZooError
from promptzoo.recipe.lists import RecipeList


@dataclass(frozen=True)
class Listed:
    """A list with what was counted, one for each row."""

    list: RecipeList
    reports: Sequence[Counted] = field(repr=False)

    def share(self, counted: Counted) -> Share:
        """The share under the list's convention, 0 where nothing is tuned.

        Raises `ZooError` where there is none of that name.
        """
        for one in counted.shares:
            if one.name == self.list.share:
                return one
        if not counted.tuned:
            return Share(self.list.share, "nothing is tuned", 0, counted.shares[0].denominator)
        names = [one.name for one in counted.shares]
        said = f"{self.list.name}: no share '{self.list.share}'"
        raise ZooError(said, key="share", given=self.list.share, possible=names)

    def groups(self) -> dict[str, float]:
        """The mean share of each group, in percent."""
        found: dict[str, list[float]] = {}
        for row, one in zip(self.list.rows, self.reports, strict=True):
            if row.group:
                found.setdefault(row.group, []).append(self.share(one).percent)
        return {group: mean(shares) for group, shares in found.items()}
