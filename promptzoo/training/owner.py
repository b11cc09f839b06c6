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
    """A process that holds a run; `token` tells one claim from the next, `begun` a process from a later one.

    `table` is the process table that its number is of: containers may have one host name, and each a table of its own.
    Where it is known, `begun` are ticks since the start of the system, which no change of the clock moves.
    """

    host: str
    process: Annotated[int, Field(ge=1, lt=2**31)]
    begun: Annotated[float, Field(ge=0, le=1e12)]  # seconds since 1970, or ticks
    token: str
    attempt: int  # counts the claims of this run
    table: str = ""

    @classmethod
    def here(cls, attempt: int) -> "Owner":
        """This process."""
        table, token = process_table(), secrets.token_hex(8)
        return cls(socket.gethostname(), os.getpid(), began(os.getpid(), table), token, attempt, table)

    @property
    def local(self) -> bool:
        """Whether this process can see it, or that it is gone."""
        return self.host == socket.gethostname() and self.table in ("", process_table())

    def runs(self) -> bool:
        """Whether the process is still there; asked where it is local alone."""
        if self.process == os.getpid():
            return self.token in HELD
        with suppress(psutil.Error, OSError):
            return abs(began(self.process, self.table) - self.begun) < 1
        return False

    def __str__(self) -> str:
        same = self.host == socket.gethostname()
        place = f"{self.host} (in another container, or before a restart)" if same else self.host
        return f"process {self.process} on {'this machine' if self.local else place}"


def process_table() -> str:
    """The start of the system and the namespace that this process's number is of; nothing where a system has none."""
    with suppress(OSError):
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    return ""


def began(process: int, table: str) -> float:
    """When a process of this machine began, in ticks where its table is known.  Raises `OSError` or `psutil.Error`."""
    if not table:
        return psutil.Process(process).create_time()
    told = Path(f"/proc/{process}/stat").read_text()
    return float(told.rpartition(")")[2].split()[19])


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
