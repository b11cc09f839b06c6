"""From a recipe to a finished run: `train`."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from promptzoo.data.room import spent
from promptzoo.doing import Watcher, watched
from promptzoo.errors import ZooError, told
from promptzoo.model.compiled import one_graph
from promptzoo.model.contract import Graft
from promptzoo.noticed import noticing
from promptzoo.option import commanded
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.checkpoint import pack
from promptzoo.training.devices import fabric_of, sentences
from promptzoo.training.evaluate import ZeroShot, evaluate
from promptzoo.training.interrupt import StoppedError, farewell, listening
from promptzoo.training.machine import peak_memory
from promptzoo.training.precision import repeatable
from promptzoo.training.predictions import as_csv
from promptzoo.training.progress import Progress
from promptzoo.training.ready import Ready, opened
from promptzoo.training.result import Result
from promptzoo.training.run_writer import RunWriter

__all__ = ["Result", "train"]


def train(
    recipe: Recipe,
    out: str | Path,
    resume: bool = False,
    quiet: bool = False,
    progress: type[Progress] = Progress,
    stale: float | None = None,
) -> Result:
    """Trains a recipe, selects an epoch, reads the test split once, and leaves everything in the folder `out`.

    With `resume` an unfinished run goes on where its state was saved, to the same numbers, bit for bit on the CPU.
    `progress` shows how it goes, unless it should be `quiet`; a run that another process has been silent on for `stale`
    seconds is taken over from it (by default, from one that is gone, or on another machine and silent for a minute).
    Raises `ZooError` with a sentence; `StoppedError`, one of them, after Ctrl-C, and `ClaimedError` if another process
    works on the run.
    """
    run, fabric = RunWriter(out), fabric_of(recipe.train)
    several = fabric.world_size > 1  # they hear Ctrl-C themselves, and the first to end says the sentence
    with run.begun_by(recipe, resume, stale), sentences(run.path, several) as said:
        with listening(children=True) if several else nullcontext():
            return Result(**fabric.launch(work, recipe, run, progress, quiet, said))


def work(
    fabric: Fabric, recipe: Recipe, run: RunWriter, progress: type[Progress], quiet: bool, said: Any
) -> dict[str, Any]:
    """What each process does; after Ctrl-C outside the loop what was saved stays as it is.

    What one of several dies of goes to `said`, as an error and no text.
    """
    try:
        try:
            heard = nullcontext() if fabric.is_global_zero else watched(Watcher())  # the first process tells enough
            graph = one_graph(f"the recipe {recipe.name}", "train.compile=none")
            with heard, noticing() as noticed, failing(), graph:
                return asdict(session(fabric, recipe, run, progress, quiet, noticed))
        except KeyboardInterrupt:
            raise StoppedError(farewell(run.path, "the last step saved" if run.saved else None)) from None
    except ZooError as error:
        if said is not None:
            said.put(error)
        raise


@contextmanager
def failing() -> Iterator[None]:
    """Around a training: what a part of it or a library raises is a sentence, of memory that is spent another one."""
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        if spent(error):
            said, way = f"out of memory ({told(error)})", "use a smaller data.batch or backbone.image_size"
            raise ZooError(said, key="data.batch", remedy=way) from error
        raise ZooError(
            f"training failed: {told(error)}", remedy="--debug shows where" if commanded() else ""
        ) from error


def session(
    fabric: Fabric, recipe: Recipe, run: RunWriter, progress: type[Progress], quiet: bool, noticed: Sequence[str]
) -> Result:
    """From the pictures to the result; the first process writes.  What is `noticed` on the way is told in it."""
    state = run.state()
    with repeatable(fabric.device, recipe.train, state["threads"] if state else None):
        ready = opened(fabric, recipe, run)
        with closing(ready.loop.mirror):
            if any(stage.epochs for stage in recipe.train.phases):
                ready.loop.fit(state, progress, quiet)
            return ended(ready, noticed)


def ended(ready: Ready, noticed: Sequence[str]) -> Result:
    """What is trained, asked about the test pictures; everything is written."""
    fabric, recipe, run, data = ready.fabric, ready.recipe, ready.run, ready.data
    model, loop, watch = ready.model.eval(), ready.loop, ready.watch
    watch.lap("training")
    for graft in model.grafts.values():
        with fabric.autocast():
            graft.settle(model, data)
    val = validated(ready)
    zero_shot = None if ready.text is None else ZeroShot(model, ready.text)
    seen = evaluate(fabric, loop.task, model, data.test, beside=zero_shot)
    watch.lap("testing")
    result = Result(
        out=str(run.path), recipe=recipe.name, selection=ready.selection,
        epochs=loop.reached.epochs, best_epoch=loop.reached.best_epoch or loop.reached.epochs or None,
        val=val, test=seen.figures, zero_shot=zero_shot.accuracy(fabric) if zero_shot else None,
        tuned_parameters=sum(p.numel() for p in model.tuned().values()),
        total_parameters=sum(p.numel() for p in model.parameters()),
        seconds=round(loop.seconds(), 2), peak_memory=peak_memory(fabric.device),
        spent=watch.spent, remarks=[*ready.remarks, *run.remarks, *noticed],
        stages=loop.course.told(loop.task),
    )  # fmt: skip
    if fabric.is_global_zero:
        answers = as_csv(data.splits.test, seen.predicted, model.classes, seen.probability)
        run.finish(pack(model.tuned_state(), recipe, model.classes, loop.frozen, ready.backbone), answers, result)
        loop.mirror.end(asdict(result), loop.reached.step)
    return result


def validated(ready: Ready) -> dict[str, Any] | None:
    """The figures of the validation pictures under the final model, read again where nothing of it was validated yet.

    That is where nothing trained, or where a graft settled after the last epoch; None without such pictures.
    """
    loop, pictures = ready.loop, ready.data.val
    settled = any(type(graft).settle is not Graft.settle for graft in ready.model.grafts.values())
    if pictures is None or (loop.reached.val is not None and not settled):
        return loop.reached.val
    return evaluate(ready.fabric, loop.task, ready.model, pictures, what="validating").figures
