"""Who may write in the folder of a run: `Claim`."""

import json
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from io import BufferedRandom
from pathlib import Path

import portalocker

from promptzoo.errors import ZooError
from promptzoo.files import FRESH, refused
from promptzoo.option import option
from promptzoo.paths import regular
from promptzoo.training.owner import HELD, Owner, held_by, owner_in

NAME = "claim.json"
STALE = 60.0  # seconds without a heartbeat after which a process on another machine counts as dead
BEAT = 5.0  # seconds from one heartbeat to the next
OWN = getattr(os, "O_NOFOLLOW", 0)  # a link could lead to a file of somebody, which a claim would be written over
PATIENCE = 10.0  # seconds to wait for somebody who is writing a claim at this very moment


class ClaimedError(ZooError):
    """Somebody else works on this run."""


class LostError(ZooError):
    """The run was taken over by another process, or its folder is gone: nothing more is written."""


class Claim:
    """The right to write in a run's folder, which a file there stands for; one process has it at a time.

    It stands on file locks, on this machine's process table, and elsewhere on the times of a shared file system.
    The processes of one training share the claim of the one that started them.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / NAME
        self.owner: Owner | None = None

    def take(self, stale: float | None = None) -> Owner | None:
        """Takes the claim.  Returns the owner that it was taken over from: one that is gone, or silent for `stale` s.

        A process on this machine is known to be gone or not; it is taken over alive only where `stale` is given and
        it has been silent (stopped, say) for so long.  Raises `ClaimedError` when another process works on the run.
        """
        with self.opened(create=True) as file:
            before = owner_in(file.read())
            self.free(before, stale)
            self.owner = Owner.here(1 if before is None else before.attempt + 1)
            file.seek(0)
            file.truncate()
            file.write(json.dumps(asdict(self.owner)).encode())
            file.flush()
            os.fsync(file.fileno())
        HELD.add(self.owner.token)
        threading.Thread(target=self.beat, args=(self.owner,), daemon=True).start()
        return before

    def free(self, owner: Owner | None, stale: float | None = None) -> None:
        """Raises `ClaimedError` where an owner counts as alive."""
        if owner is not None and self.works(owner, stale):
            way = f"wait for it, stop it, or choose another {option('out')}"
            raise ClaimedError(f"{self.file.parent} is in use by {owner}", remedy=way)

    def works(self, owner: Owner, stale: float | None) -> bool:
        """Whether an owner counts as alive."""
        if owner.local and stale is None:
            return owner.runs()
        silent = self.silence() > (STALE if stale is None else stale)
        return not silent and (owner.runs() if owner.local else True)

    def silence(self) -> float:
        """Seconds since the last heartbeat, by the file system's clock; endless where the claim was given back."""
        probe = self.file.with_name(f".{NAME}.{secrets.token_hex(4)}{FRESH}")
        try:
            with open(probe, "xb") as file:  # asked while it is open: whoever owns the run by now may sweep it away
                now = os.fstat(file.fileno()).st_mtime
            return now - self.file.stat().st_mtime
        except FileNotFoundError:
            return float("inf")
        except OSError as error:
            raise ZooError(refused(probe, error, 0)) from error
        finally:
            probe.unlink(missing_ok=True)

    def beat(self, owner: Owner) -> None:
        """Says every few seconds that this process is alive, while it holds the claim; one that cannot be read, too."""
        while owner.token in HELD and held_by(self.file) in (owner, None):
            with suppress(OSError):
                os.utime(self.file)
            time.sleep(BEAT)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Within this context nobody can take the run over.  Raises `LostError` when somebody has, or it is gone."""
        with self.opened() as file:
            now = owner_in(file.read())
            if now != self.owner:
                said = f"{self.file.parent} was taken over by {now or 'another process'} while this process hung"
                raise LostError(f"{said}; this process stops and leaves the folder to the other")
            yield

    def stands(self) -> None:
        """Raises `LostError` when the folder or the claim in it is gone, before anything is made there again."""
        if not self.file.exists():
            raise LostError(
                f"{self.file.parent} was deleted or taken over by another process; nothing more is saved there"
            )

    def release(self) -> None:
        """Gives the claim back."""
        try:
            with suppress(ZooError, OSError), self.guard():
                self.file.unlink()
        finally:
            HELD.discard(self.owner.token if self.owner else "")

    def demand_own(self) -> None:
        """Raises `ZooError` where the claim's name is that of a link, a folder, a pipe or a device."""
        if self.file.is_symlink():
            way = f"remove it, or choose another {option('out')}"
            raise ZooError("a claim should be a file of the run's own, but this is a link", place=self.file, remedy=way)
        if self.file.exists():
            regular(self.file)

    @contextmanager
    def opened(self, create: bool = False) -> Iterator[BufferedRandom]:
        """The claim's file, locked: the one that has its name, and no other that had it before."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                found = os.open(self.file, os.O_RDWR | OWN | (os.O_CREAT if create else 0), 0o644)
            except OSError as error:
                self.demand_own()
                what = f"cannot be written: {error.strerror}" if create else "was deleted, or can no longer be written"
                raise LostError(f"{self.file.parent} {what}; nothing more is saved there") from error
            if not stat.S_ISREG(os.fstat(found).st_mode):
                os.close(found)
                self.demand_own()
                continue
            with os.fdopen(found, "r+b") as file:
                try:
                    portalocker.lock(file, portalocker.LOCK_EX | portalocker.LOCK_NB)
                except portalocker.LockException as error:
                    if time.monotonic() > until:
                        raise ClaimedError(
                            f"{self.file.parent} is locked by a process that does not release it"
                        ) from error
                    time.sleep(0.02)
                    continue
                try:
                    if same(file, self.file):
                        yield file
                        return
                finally:  # not left to closing: a process that was forked meanwhile has the file open, too
                    portalocker.unlock(file)


def same(file: BufferedRandom, path: Path) -> bool:
    """Whether an open file is the one of that name now."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False
