"""A job on another machine: what it is asked before it begins, and what comes back: `packed`, `worker`, `opened`."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import promptzoo
from promptzoo.errors import ZooError
from promptzoo.extras import package
from promptzoo.files import write
from promptzoo.option import commanded, typed_in
from promptzoo.training.interrupt import StoppedError

RETRIES = 5  # times that a job begins again whose machine was lost
AGAIN = "run the same command to continue"
TOKEN = ".token"  # the file by which a worker knows the folder


class UnfitError(ZooError):
    """A machine that cannot make these runs; the study ends, and all that was made stays."""


@contextmanager
def token(folder: Path) -> Iterator[str]:
    """Within this context the folder has a file that says what this gives."""
    made, file = secrets.token_hex(8), folder / TOKEN
    write(file, made.encode())
    try:
        yield made
    finally:
        file.unlink(missing_ok=True)


def worker(folder: Path, made: str) -> Callable[[bytes], Any]:
    """What each worker calls with a parcel.  It is pickled whole, and needs no promptzoo until it has asked for it.

    Where the command was given is where it works, and what could be imported there can be here: a disk is shared.
    """
    place, here, version = str(folder.resolve() / TOKEN), os.getcwd(), promptzoo.__version__
    installed = (sys.prefix, sys.base_prefix)
    path = [one or here for one in sys.path if not one.startswith(installed)]

    def begin(parcel: bytes) -> Any:
        import os
        import socket
        import sys

        host = socket.gethostname()
        try:
            with open(place) as file:
                seen = file.read()
            os.chdir(here)
        except OSError as error:
            seen = f"{error.strerror}: {error.filename}"
        if seen != made:
            return "unfit", f"the disk is not shared: {host} cannot see files written here ({seen or 'empty'})"
        sys.path[:0] = [one for one in path if one not in sys.path]
        try:
            import promptzoo
        except ImportError as error:
            return "unfit", f"{host} cannot import promptzoo ({error}); install {version} there"
        if promptzoo.__version__ != version:
            return (
                "unfit",
                f"{host} has promptzoo {promptzoo.__version__}, but this machine has {version}; install the same",
            )
        from promptzoo.studies.executors.elsewhere import done

        return "done", done(parcel)

    return begin


def packed(work: Callable[..., Any], job: tuple[Any, ...]) -> bytes:
    """A parcel."""
    content: bytes = package("cloudpickle", "ray").dumps((work, job, commanded()))
    return content


def done(parcel: bytes) -> Any:
    """On the worker: what the work gave, or its sentence."""
    work, job, command = package("cloudpickle", "ray").loads(parcel)
    try:
        with typed_in(command):  # its sentences are read where it was asked for
            return work(*job)
    except ZooError as error:
        return error
    except KeyboardInterrupt:
        return StoppedError("stopped")


def opened(came: Any) -> Any:
    """What came back.  Raises `UnfitError` where the worker did not begin."""
    what, value = came
    if what == "unfit":
        raise UnfitError(value, remedy=AGAIN)
    return value
