"""Packages that not everybody has installed: `package`, and `installing` those of an extra."""

import importlib
import shlex
from importlib.metadata import PackageNotFoundError, requires
from typing import Any

from promptzoo.errors import ZooError


class LackingError(ZooError):
    """A package is not installed here; the sentence has the command that installs it."""


def package(name: str, extra: str) -> Any:
    """A package of one of our extras, or a module of it.  Raises `LackingError` where it is not installed."""
    top = name.partition(".")[0]
    try:
        importlib.import_module(top)
    except ModuleNotFoundError as error:
        if error.name != top:  # it is here, and lacks something of its own
            raise
        said = f"this needs the package {top}, which is not installed"
        raise LackingError(said, given=top, remedy=installing(extra)) from error
    return importlib.import_module(name)


def installing(extra: str) -> str:
    """The command that installs what an extra asks for, by the names of its packages, wherever promptzoo came from."""
    try:
        asked = [line.partition(";") for line in requires("promptzoo") or ()]
    except PackageNotFoundError:  # run from its sources
        return f"pip install 'promptzoo[{extra}]'"
    wanted = [needs.strip() for needs, _, when in asked if f'"{extra}"' in when.replace("'", '"')]
    return f"pip install {shlex.join(wanted)}"
