"""What `promptzoo settings` prints, and docs/settings.md: every setting of a recipe."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from rich.console import Console

from promptzoo.errors import ZooError, either, shown
from promptzoo.pages.cards.markdown import prose, sections
from promptzoo.pages.table import Table
from promptzoo.recipe.near_words import SECTIONS
from promptzoo.recipe.stage_shots import StageShots
from promptzoo.recipe.train_settings import Phase

HEAD = """\
# Settings

The settings in the four sections of a recipe that say how it is run, as `promptzoo settings` prints them. In a file:
`train: {epochs: 5}`; on the command line: `train.epochs=5`. Written by tools/cards.py from
`promptzoo/recipe/settings.py` and `train_settings.py`, checked by tests/pages/test_cards.py."""

BESIDE = {
    "data": "Other keys are arguments of the data set; see promptzoo data list, and promptzoo show folder.",
    "train": f"A stage of train.stages takes {', '.join(Phase.model_fields)}, rewind, and shots, a mapping of "
    f"{', '.join(StageShots.model_fields)}.",
    "knowledge": "Set exactly one of text, table and features.",
}
KINDS = {int: "whole number", float: "number", bool: "true or false", str: "string", NoneType: "null", dict: "mapping"}
LIMITS = {"ge": "≥", "gt": ">", "lt": "<", "le": "≤"}
LARGE = 10**9  # above it a bound that is one is told as a power of two, less one
NUMBERS = {2: "two", 3: "three"}


def kind(annotation: Any, limits: tuple[Any, ...] = ()) -> str:
    """A type in words: `whole number ≥ 1`."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return kind(annotation.__origin__, annotation.__metadata__)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(kind(one, limits) for one in inside if one is not NoneType))
    if origin is Literal:
        return either(inside)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    if origin in (tuple, list):
        several = inside if inside[-1] is not Ellipsis and origin is tuple else ()
        name, _, limit = kind(inside[0]).partition(" ≥ ")
        return f"{NUMBERS[len(several)]} {name}s{limit and f' ≥ {limit}'}" if several else f"list of {name}s"
    name = KINDS.get(origin or annotation, "path")
    said = [f"{sign} {bound(value)}" for one in limits for word, sign in LIMITS.items() for value in bounds(one, word)]
    return f"{name} {', '.join(said)}".strip()


def bound(value: float) -> str:
    """As a person reads it: `1,000,000`, `0.5`, `2^64 - 1`."""
    if not isinstance(value, int):
        return f"{value:g}"
    return f"2^{value.bit_length()} - 1" if value > LARGE and not value & (value + 1) else f"{value:,}"


def bounds(limit: Any, word: str) -> list[Any]:
    """The bounds of one sort that a piece of a type's metadata sets."""
    found = [getattr(one, word, None) for one in (limit, *getattr(limit, "metadata", ()))]
    return [one for one in found if one is not None][:1]


def rows(section: str) -> Iterator[tuple[str, str, str, str]]:
    """Setting, type, default and meaning."""
    for word, field in SECTIONS[section].model_fields.items():
        default = "required" if field.is_required() else "" if field.default is None else plainly(field.default)
        yield f"{section}.{word}", kind(field.annotation, tuple(field.metadata)), default, field.description or ""


def plainly(default: Any) -> str:
    """A default as an override writes it."""
    if isinstance(default, tuple):
        return f"[{', '.join(map(str, default))}]"
    if isinstance(default, float):
        return f"{default:g}".replace("e-0", "e-")
    return default if isinstance(default, str) else shown(default)


def table(section: str) -> Table:
    return Table(("setting", "type", "default", "meaning"), rows(section), ())


def about(section: str) -> str:
    """What a section is about."""
    cls: type[BaseModel] = SECTIONS[section]
    return (cls.__doc__ or "").partition("\n")[0].partition(".  ")[0].partition(":")[0]


def settings_page(section: str, out: Console) -> None:
    """One section, or all.  Raises `ZooError` for an unknown section."""
    if section and section not in SECTIONS:
        raise ZooError(f"no section '{section}' of settings", key="section", given=section, possible=SECTIONS)
    for one in [section] if section else SECTIONS:
        out.print(f"[bold]{one}[/]: {about(one)[:1].lower()}{about(one)[1:]}".rstrip("."))
        out.print(table(one).screen())
        if one in BESIDE:
            out.print(f"[dim]{BESIDE[one]}[/]")
        out.print()
    out.print(
        "[dim]The other sections, grafts, head, losses, rule and task, are made of registered names: promptzoo list.[/]"
    )


def page() -> str:
    """The same in Markdown."""
    told = [HEAD]
    for one in SECTIONS:
        lines = [tuple(map(prose, row)) for row in rows(one)]
        written = Table(("setting", "type", "default", "meaning"), lines, ()).markdown()
        told += [f"## {one}", about(one), written, BESIDE.get(one, "")]
    return sections(*told)
