"""What a search chose, as the recipe list that it is."""

import json

from rich.console import Console

from promptzoo.pages.console import say
from promptzoo.pages.table import Table
from promptzoo.studies.chosen import Searched


def show(found: Searched, out: Console) -> None:
    """The list, to be read and to be compared."""
    say(found.page())
    out.print(f"# promptzoo compare {found.file}", markup=False, soft_wrap=True)


def markdown(found: Searched) -> str:
    """A row for each row of the list."""
    made = Table(["", "overrides", "val %", "trials"], numbers=(2, 3))
    for one in found.rows:
        made.add(
            one.member.name, " ".join(one.overrides), "" if one.val is None else f"{100 * one.val:.1f}", one.trials
        )
    return made.markdown() + "\n"


def as_json(found: Searched) -> str:
    return json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n"
