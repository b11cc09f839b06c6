"""The process that holds a run: `Owner`, and whom a claim's file names."""

import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
from pydantic import Field, TypeAdapter

from promptzoo.errors import ZooError
from promptzoo.paths import regular


@dataclass(frozen=True)
class Owner:
    """A process that holds a run; `token` tells one claim from the next, `begun` a process from a later one."""

    host: str
    process: Annotated[int, Field(ge=1, lt=2**31)]
    begun: Annotated[float, Field(ge=0, le=1e11)]  # seconds since 1970
    token: str
    attempt: int  # counts the claims of this run

    @classmethod
    def here(cls, attempt: int) -> "Owner":
        """This process."""
        return cls(socket.gethostname(), os.getpid(), psutil.Process().create_time(), secrets.token_hex(8), attempt)

    @property
    def local(self) -> bool:
        return self.host == socket.gethostname()

    def runs(self) -> bool:
        """Whether the process is still there; asked on its own machine alone."""
        if self.process == os.getpid():
            return self.token in HELD
        with suppress(psutil.Error):
            return abs(psutil.Process(self.process).create_time() - self.begun) < 1
        return False

    def __str__(self) -> str:
        return f"process {self.process} on {'this machine' if self.local else self.host}"


OWNER = TypeAdapter(Owner)
HELD: set[str] = set()  # the tokens of this process's claims


def owner_in(content: bytes) -> Owner | None:
    """Whom a claim names; nobody where a kill left it empty or torn."""
    with suppress(ValueError):
        return OWNER.validate_json(content)
    return None


def held_by(path: Path) -> Owner | None:
    """The same by its name, as a reader who takes nothing."""
    with suppress(OSError, ZooError):
        return owner_in(regular(path).read_bytes())
    return None
