"""Runs as jobs of SLURM, by submitit: `Slurm`."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError, told
from promptzoo.extras import package
from promptzoo.studies.executors.contract import Outcome, where
from promptzoo.studies.executors.elsewhere import AGAIN, RETRIES, opened, packed, token, worker
from promptzoo.training.interrupt import StoppedError, listening

LOOK = 1.0  # seconds between two looks at the jobs
LAST = 60.0  # seconds that a job has to end after Ctrl-C


class Slurm(ExitStack):
    """An `Executor` of SLURM's jobs, one a run, `at_once` of them in the queue; scripts and logs lie in `slurm/`.

    A job that ends without a word (its node failed, its `minutes` are over) is sent again and goes on from what its run
    saved.  `cluster="local"` makes processes of this machine in their place, to try it.
    """

    aside = True

    def __init__(
        self,
        folder: Path,
        cpus: int = 1,
        gpus: int = 0,
        gb: int = 8,
        minutes: int = 240,
        partition: str = "",
        at_once: int = 50,
        cluster: str = "slurm",
    ) -> None:
        super().__init__()
        self.submitit, self.at_once = package("submitit", "slurm"), at_once
        try:
            self.queue = self.submitit.AutoExecutor(folder / "slurm", cluster=cluster)
        except (RuntimeError, ValueError) as error:
            said = f"SLURM cannot be reached here ({told(error)})"
            raise ZooError(
                said, key=where().strip("-"), given=cluster, remedy="run the command on a machine with sbatch"
            ) from error
        asked = {"slurm_partition": partition} if partition else {}
        self.queue.update_parameters(
            cpus_per_task=cpus, gpus_per_node=gpus, mem_gb=gb, timeout_min=minutes, name="promptzoo", **asked
        )
        self.begin = worker(folder, self.enter_context(token(folder)))
        self.running = dict[Any, tuple[tuple[Any, ...], int]]()
        self.callback(self.cancel)

    def each(self, work: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        waiting, running = iter(jobs), self.running
        with listening() as asked:
            until = float("inf")
            while True:
                for job in islice(waiting, 0 if asked else self.at_once - len(running)):
                    running[self.send(work, job)] = job, 0
                if not running:
                    return
                if asked and until == float("inf"):
                    until = time.monotonic() + LAST
                    self.cancel()
                ended = [one for one in running if one.done() or time.monotonic() > until]
                for one in ended:
                    (job, tries), came = running.pop(one), self.came(one)
                    if isinstance(came, StoppedError) and not asked:  # its node or time is gone
                        if tries < RETRIES:
                            running[self.send(work, job)] = job, tries + 1
                            continue
                        came = ZooError(f"it failed {tries + 1} times: {came}", remedy=AGAIN)
                    yield job, came
                if not ended:
                    time.sleep(LOOK)

    def cancel(self) -> None:
        """Ends what is queued or runs: after Ctrl-C, and where an error of somebody else ends the command."""
        for one in self.running:
            one.cancel(check=False)  # one that has just ended keeps no other

    def came(self, one: Any) -> Any:
        """What a job gave, or its sentence; `StoppedError` where it ended without a word."""
        if not one.done():
            return StoppedError("stopped")
        try:
            return opened(one.result())
        except self.submitit.core.utils.UncompletedJobError as error:
            said = f"its job {one.job_id} ended without a result ({last(error)}); see {one.paths.stderr}"
            return StoppedError(said)

    def send(self, work: Callable[..., Any], job: tuple[Any, ...]) -> Any:
        """A job on its way to the queue.  Raises `ZooError` where SLURM does not take it."""
        try:
            return self.queue.submit(self.begin, packed(work, job))
        except self.submitit.core.utils.FailedJobError as error:
            raise ZooError(f"SLURM rejected the job: {last(error)}", key=where().strip("-")) from error


def last(error: Exception) -> str:
    """The last line of what an error says."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), told(error))
