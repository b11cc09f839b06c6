"""Several jobs at once, each in a process of this machine: `Local`."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, suppress
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.studies.executors.contract import Outcome
from promptzoo.training.interrupt import ENDING, StopAsked, StoppedError, listening


class Local(AbstractContextManager["Local"]):
    """An `Executor` of processes that are started anew; each has its share of the processor's threads.

    Processes share a GPU.  After Ctrl-C each ends as `train` does, and no other job begins.  Each is a pool by itself,
    so that one that dies takes no other job along, and is followed by another.
    """

    aside = True

    def __init__(self, count: int) -> None:
        self.threads = max(1, len(os.sched_getaffinity(0)) // count) if hasattr(os, "sched_getaffinity") else 1
        self.free = [self.process() for _ in range(count)]
        self.running = dict[Future[Any], tuple[ProcessPoolExecutor, tuple[Any, ...]]]()
        self.asked = StopAsked()

    def process(self) -> ProcessPoolExecutor:
        """One that starts with its first job."""
        return ProcessPoolExecutor(1, get_context("spawn"), Worker.begin, (self.threads,))

    def each(self, work: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        waiting, running = iter(jobs), self.running
        with listening(children=True) as self.asked:
            while True:
                for job in islice(waiting, 0 if self.asked else len(self.free)):
                    self.start(work, job)
                if not running:
                    return
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    process, job = running.pop(done)
                    self.free.append(self.process() if isinstance(done.exception(), BrokenProcessPool) else process)
                    yield job, came_of(done)

    def start(self, work: Callable[..., Any], job: tuple[Any, ...]) -> None:
        """Hands a job to a free process, or to a new one where that died meanwhile."""
        process = self.free.pop()
        try:
            begun = process.submit(Worker.work, work, job)
        except BrokenProcessPool:
            process = self.process()
            begun = process.submit(Worker.work, work, job)
        self.running[begun] = process, job

    def __exit__(self, *_: object) -> None:
        """What still runs, since an error of somebody else ended the command, ends as after Ctrl-C, heard once."""
        left = [process for process, _ in self.running.values()]
        for number in [number for process in left for number in process._processes if not self.asked]:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGTERM)
        for process in (*left, *self.free):
            process.shutdown()


def came_of(done: "Future[Any]") -> Any:
    """What a job gave, or its sentence."""
    error = done.exception()
    if isinstance(error, BrokenProcessPool):
        return ZooError(f"its process died ({error})", remedy="run the same command to continue")
    if error is not None and not isinstance(error, ZooError):
        raise error
    return done.result() if error is None else error


class Worker:
    """A process of the pool: Ctrl-C ends the job that it is at, and none begins after it."""

    busy, stopped = False, False

    @classmethod
    def begin(cls, threads: int) -> None:
        """Before the first job."""
        import torch

        torch.set_num_threads(threads)
        threading.Thread(target=cls.outlive, daemon=True).start()
        for number in ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, cls.hear)

    @classmethod
    def outlive(cls) -> None:
        """Where the command was killed, the job that goes on ends as after Ctrl-C, and the process with it."""
        command = parent_process()
        if command is not None:
            command.join()
            os.kill(os.getpid(), signal.SIGTERM)
            while cls.busy:
                time.sleep(0.1)
            os._exit(1)

    @classmethod
    def hear(cls, *_: object) -> None:
        """A signal, outside a training."""
        cls.stopped = True
        if cls.busy:
            raise KeyboardInterrupt

    @classmethod
    def work(cls, work: Callable[..., Any], job: tuple[Any, ...]) -> Any:
        """One job.  Raises `StoppedError` after Ctrl-C."""
        if cls.stopped:
            raise StoppedError("stopped")
        try:
            cls.busy = True
            return work(*job)
        except KeyboardInterrupt:
            raise StoppedError("stopped") from None
        finally:
            cls.busy = False
