"""Commands whose help writes no type behind a flag or an argument, and no braces: `Command`, `Commands`."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


def plain(parameters: list[Any]) -> list[Any]:
    """The same parameters, flags and arguments without a type."""
    for one in parameters:
        if getattr(one, "is_flag", False):
            one.metavar = ""
        elif one.param_type_name == "argument":
            one.display_type_rich = lambda ctx: None
    return parameters


class Helpful:
    """What the help of a command and that of several have in common."""

    def get_params(self, ctx: Any) -> list[Any]:
        return plain(super().get_params(ctx))  # type: ignore[misc]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """A reader that has seen enough, `head` say, is not an error, though typer makes it one."""
        try:
            super().format_help(ctx, formatter)  # type: ignore[misc]
        except SystemExit as error:
            raise BrokenPipeError from error


class Command(Helpful, TyperCommand):
    """One command."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What the line of usage has: `RUN PICTURE...`, brackets round what may be left out alone."""
        return [piece.translate({ord(brace): None for brace in "{}"}) for piece in super().collect_usage_pieces(ctx)]


class Commands(Helpful, TyperGroup):
    """Several."""
