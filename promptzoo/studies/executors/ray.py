"""Runs as tasks of a Ray cluster, that of RAY_ADDRESS or a fresh one on this machine: `Ray`."""

import io
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError, told
from promptzoo.extras import package
from promptzoo.studies.executors.contract import Outcome, where
from promptzoo.studies.executors.elsewhere import AGAIN, RETRIES, opened, packed, token, worker
from promptzoo.training.interrupt import StoppedError, listening

ADDRESS = "RAY_ADDRESS"
NICENESS = "RAY_worker_niceness"
LOOK = 1.0  # seconds between two looks at who asks for an end
PATIENCE = 5.0  # seconds for a cluster to answer


class Short(io.TextIOBase):
    """The error stream, for the first sentence of what is told: with a node's death Ray tells the end of its log."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text if text.isspace() else text.partition("\n")[0].partition(". ")[0])


class Ray(ExitStack):
    """An `Executor` of Ray's tasks; each run takes `cpus` and `gpus`, which may be shares of one.

    As many run as the cluster holds at that moment.  A task whose node is lost begins again on another, and takes up
    the run in its folder; who may write there is what claims say, not Ray.  After Ctrl-C each ends as `train` does.
    """

    aside = True

    def __init__(self, folder: Path, cpus: float = 1.0, gpus: float = 0.0) -> None:
        super().__init__()
        self.ray = package("ray", "ray")
        self.needs = {name: share for name, share in (("CPU", cpus), ("GPU", gpus)) if share}
        with ExitStack() as held:  # given back where it is not reached
            held.enter_context(redirect_stdout(Short()))  # where Ray tells of its nodes
            if not self.ray.is_initialized():
                self.reach(os.environ.get(ADDRESS) or "local")
                held.callback(self.ray.shutdown)
            if not self.room():
                wants = ", ".join(f"{share:g} {name}" for name, share in self.needs.items())
                raise ZooError(
                    f"no node of the cluster is large enough for a run, which needs {wants}", key=where().strip("-")
                )
            begin = worker(folder, held.enter_context(token(folder)))
            task = self.ray.remote(max_retries=RETRIES, num_cpus=cpus, num_gpus=gpus)(begin)
            self.push(held.pop_all())
        self.submit: Callable[[bytes], Any] = task.remote

    def reach(self, address: str) -> None:
        """Joins a cluster, or starts one.  Raises `ZooError` where there is none."""
        given = os.environ.get(NICENESS)
        os.environ.setdefault(NICENESS, "0")
        host, _, port = address.removeprefix("ray://").rpartition(":")
        fresh = {"include_dashboard": False} if address == "local" else {}
        try:
            if host:
                socket.create_connection((host, int(port)), PATIENCE).close()
            self.ray.init(address, log_to_driver=False, logging_level="ERROR", **fresh)
        except Exception as error:
            if not isinstance(error, OSError | ValueError | RuntimeError):
                raise
            said = f"the Ray cluster at {address} cannot be reached ({told(error)})"
            way = f"start it, or correct {ADDRESS}; without {ADDRESS}, a new one starts on this machine"
            raise ZooError(said, key=ADDRESS, given=address, remedy=way) from error
        finally:
            if given is None:
                del os.environ[NICENESS]

    def room(self) -> int:
        """How many runs the nodes hold that are there now."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        return sum(
            min((int(has.get(name, 0) / share + 1e-6) for name, share in self.needs.items()), default=0)
            for has in nodes
        )

    def each(self, work: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        waiting, running = iter(jobs), dict[Any, tuple[tuple[Any, ...], int]]()
        try:
            with listening() as asked:
                ending = False
                while True:
                    free = max(self.room() - len(running), 0 if running else 1)
                    for job in islice(waiting, 0 if asked else free):
                        running[self.submit(packed(work, job))] = job, 0
                    if not running:
                        return
                    ready, _ = self.ray.wait(list(running), timeout=LOOK)
                    if asked and not ending:
                        ending = True
                        self.cancel(running)
                    for one in ready:
                        (job, tries), came = running.pop(one), self.came(one)
                        if isinstance(came, StoppedError) and not asked:  # its node is going away
                            if tries < RETRIES:
                                running[self.submit(packed(work, job))] = job, tries + 1
                                continue
                            came = ZooError(f"it failed {tries + 1} times: {came}", remedy=AGAIN)
                        yield job, came
        finally:
            self.cancel(running)

    def cancel(self, running: Iterable[Any]) -> None:
        """Each hears it as Ctrl-C."""
        for one in running:
            self.ray.cancel(one)

    def came(self, one: Any) -> Any:
        """What a task gave, or its sentence."""
        try:
            return opened(self.ray.get(one))
        except self.ray.exceptions.TaskCancelledError:
            return StoppedError("stopped")
        except self.ray.exceptions.RayTaskError:
            raise
        except self.ray.exceptions.RayError as error:
            said = f"its machine was lost {RETRIES + 1} times ({told(error)})"
            return ZooError(said, remedy=AGAIN)
