"""What `module:Name` names, imported, never evaluated."""

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError

PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"


def load(path: str, here: bool = False) -> Any:
    """What `module:Name` names; it is imported, never evaluated.  `here` looks in the current directory too.

    Raises `ZooError` for Python's own modules, which hold no part of a model, and for one that cannot be imported.
    """
    if not re.match(PATH, path):
        raise ZooError(f"'{path}' is not of the form module:Class", given=path)
    name, _, attribute = path.partition(":")
    if name.partition(".")[0] in sys.stdlib_module_names:
        raise ZooError(f"'{name}' belongs to Python's standard library, which a recipe may not import", given=path)
    try:
        with current_directory() if here else nullcontext():
            module = importlib.import_module(name)
            found = getattr(module, attribute, None)  # a module may make it when it is asked for it
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            said = f"'{name}' needs the module '{error.name}', which is not installed"
            raise ZooError(said, given=path) from error
        places = f"it is neither installed nor in {Path.cwd()}" if here else "it is not installed"
        raise ZooError(f"no module '{name}': {places}", given=path) from error
    except (
        Exception,
        SystemExit,
    ) as error:  # somebody else's module raises anything; one of ours does not fail by a user's mistake
        if name.partition(".")[0] == __name__.partition(".")[0] or isinstance(error, MemoryError):
            raise
        raise ZooError(f"'{name}' cannot be imported: {type(error).__name__}: {error}", given=path) from error
    if found is None:
        classes = [one for one, value in vars(module).items() if isinstance(value, type)]
        raise ZooError(f"'{name}' has no '{attribute}'", given=attribute, possible=classes)
    return found


@contextmanager
def current_directory() -> Iterator[None]:
    """The current directory as the last place where modules are looked for."""
    here = str(Path.cwd())
    new = here not in sys.path
    if new:
        sys.path.append(here)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if new:
            sys.path.remove(here)
