"""The only place where the folder of a run is written, by whoever holds its claim: `RunWriter`."""

import json
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

from promptzoo.errors import DamagedError, ZooError
from promptzoo.files import append, as_json, finite, sweep, write
from promptzoo.folders import housing
from promptzoo.option import option, resuming
from promptzoo.recipe.recipe import Recipe
from promptzoo.training import claim
from promptzoo.training.claim import Claim
from promptzoo.training.interrupt import StoppedError
from promptzoo.training.machine import this_moment
from promptzoo.training.result import Result
from promptzoo.training.resume import save_state
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.seal import content, digest_of, sealed


class FolderError(ZooError):
    """A run that cannot be begun, or resumed, as its folder stands."""


class RunWriter(RunFolder):
    """A run that this process works on.  What writes raises `LostError` when another process has taken it over."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.claim = Claim(self.path)
        self.told: dict[str, str] = {}  # its name and its recipe, kept in the state too
        self.writing: Future[None] | None = None  # a state on its way to the disk

    @contextmanager
    def begun_by(self, recipe: Recipe, resume: bool, stale: float | None = None) -> Iterator[None]:
        """Within this context the run is this process's, begun or taken up; a run that is refused leaves nothing.

        Raises `ZooError` where it cannot be begun or resumed, and `ClaimedError` where another process works on it.
        """
        may = self.may_resume if resume else self.may_start
        may(recipe)
        with housing(self.path):
            try:
                before = self.claim.take(stale)
                may(recipe)
                sweep(self.path)
                sweep(self.state_folder)
                self.told = {"name": recipe.name, "recipe": recipe.to_yaml()}
                if not resume:
                    self.start(recipe)
                elif before is not None:
                    self.remarks.append(f"taken over from {before}, which is no longer running")
                yield
                self.settle()
            except (StoppedError, claim.LostError):
                raise
            except ZooError:
                if not (resume or self.claim.owner is None or self.data_file.exists()):  # it did not begin to train
                    with suppress(claim.LostError), self.claim.guard():
                        for file in (self.recipe_file, self.versions_file):
                            file.unlink(missing_ok=True)
                raise
            finally:
                try:
                    with suppress(Exception):  # that of the training itself is told
                        self.settle()
                finally:
                    self.claim.release()

    def may_start(self, recipe: Recipe) -> None:
        """Raises `FolderError` when a run or something else is in the folder."""
        if self.finished:
            raise FolderError(
                f"{self.path} is a finished run, which is not overwritten; choose another {option('out')}"
            )
        if self.begun:
            way = f"continue it with {resuming(self.path)}, or choose another {option('out')}"
            raise FolderError(f"{self.path} is an unfinished run; {way}")
        if self.path.exists() and (not self.path.is_dir() or any(map(foreign, self.path.iterdir()))):
            raise FolderError(f"{self.path} is neither empty nor a run; choose another {option('out')}")

    def may_resume(self, recipe: Recipe) -> None:
        """Raises `FolderError` when there is nothing to resume, or its recipe was another."""
        if self.finished:
            raise FolderError(f"{self.path} is a finished run; there is nothing to resume")
        if not self.begun:
            raise FolderError(f"{self.path} has no run to resume")
        begun = self.kept("recipe")
        self.same_recipe(Recipe.read(self.recipe_file) if begun is None else Recipe.parse(begun), recipe)

    def start(self, recipe: Recipe) -> None:
        """Writes what a run begins with."""
        page = recipe.to_yaml().encode()
        told = {"recipe": recipe.name, "page": digest_of(page), **this_moment()}
        self.describe(self.versions_file, {**told, **({"remarks": recipe.remarks} if recipe.remarks else {})})
        self.put(self.recipe_file, page)  # the last of the two: with it there is a run

    # ------------------------------------------------------------------ while training

    def put(self, file: Path, page: bytes) -> None:
        """Puts a file in its place, whole or not at all, as long as the run is this process's."""
        self.claim.stands()
        write(file, page, self.claim.guard)

    def describe(self, file: Path, facts: Mapping[str, Any]) -> None:
        """Writes facts that carry their digest."""
        self.put(file, sealed(finite(dict(facts))))

    def log(self, line: Mapping[str, Any]) -> None:
        """One more line in the log."""
        with self.claim.guard():
            append(self.log_file, (as_json(line) + "\n").encode())

    def logged(self) -> bytes:
        return content(self.log_file) if self.log_file.exists() else b""

    def cut_log(self, state: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        """Takes back what was logged after the state was saved; gives the lines that stay.

        A log that is not as it was then is put aside, and another begins.
        """
        size, digest = (state["log"], state["log_digest"]) if state else (0, digest_of(b""))
        kept = None
        with suppress(DamagedError):
            kept = self.logged()[:size]
        with self.claim.guard():
            if kept is None or digest_of(kept) != digest:
                aside = self.log_file.with_name("log.damaged.jsonl")
                with suppress(OSError):
                    self.log_file.replace(aside)
                self.remarks.append(
                    f"its {self.log_file.name} is damaged; it was renamed to {aside.name}, and a new one was started"
                )
                return []
            if self.log_file.exists():
                with open(self.log_file, "r+b") as file:
                    file.truncate(size)
        return [json.loads(line) for line in kept.splitlines()]

    def save(self, state: Mapping[str, Any]) -> None:
        """Saves the state of an unfinished training, in a thread; the one before is there by then.

        The optimizer's tensors are copied; everything else is the caller's own copy, which nobody changes.  What goes
        wrong is raised by whoever waits: the next `save`, `finish`, or the end of the run.
        """
        self.settle()
        logged = self.logged()
        told = {**self.told, "log": len(logged), "log_digest": digest_of(logged)}
        whole = {**told, **state, "optimizer": deepcopy(state["optimizer"])}
        thread = ThreadPoolExecutor(1)
        self.writing = thread.submit(save_state, self.state_folder, whole, self.put, self.claim.guard)
        thread.shutdown(wait=False)

    def settle(self) -> None:
        """Waits for a state that is being written; raises what went wrong with it."""
        writing, self.writing = self.writing, None
        if writing is not None:
            writing.result()

    def begun_with(self, state: Mapping[str, Any], *, pictures: str, frozen_weights: str) -> None:
        """Raises `ZooError` when a state belongs to other pictures or frozen weights than are here now."""
        for name, what, now in (("data", "pictures", pictures), ("frozen", "frozen weights", frozen_weights)):
            if state[name] != now:
                raise ZooError(f"the {what} differ from those that {self.path} was started with; start a new run")

    def finish(self, checkpoint: bytes, predictions: bytes | None, result: Result) -> None:
        """Writes the model, the test pictures' answers and, last of all, the result; the state is no longer needed."""
        self.settle()
        self.put(self.model_file, checkpoint)
        if predictions is not None:
            self.put(self.predictions_file, predictions)
        files = (self.log_file, self.predictions_file)  # the others carry their own, or stand in the model too
        digests = {file.name: digest_of(content(file)) for file in files if file.exists()}
        self.describe(self.result_file, {**asdict(result), "files": digests})
        shutil.rmtree(self.state_folder, ignore_errors=True)


def foreign(file: Path) -> bool:
    """Whether a file is not what a run leaves that was killed at its very start."""
    return file.name not in ("versions.json", claim.NAME) and not file.name.startswith(".")
