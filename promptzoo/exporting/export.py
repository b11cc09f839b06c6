"""A run as a file or a folder that other software reads: `export`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from promptzoo.arguments import typed
from promptzoo.errors import ZooError
from promptzoo.exporting.facts import Facts, facts_of
from promptzoo.exporting.file import LIMIT, RUNTIME
from promptzoo.exporting.folder import deliver_folder, free
from promptzoo.exporting.int8 import accuracies
from promptzoo.exporting.merge import Merged, merged
from promptzoo.exporting.program import BATCHES, Program, traced
from promptzoo.exporting.to_onnx import in_int8, needed, runner, to_onnx
from promptzoo.exporting.to_peft import to_peft
from promptzoo.exporting.to_pt2 import to_pt2
from promptzoo.files import deliver, vacant
from promptzoo.model.ordinary import ordinary
from promptzoo.option import option
from promptzoo.paths import at
from promptzoo.recipe.pictures import seen_by
from promptzoo.training.reopen import Reopened, open_run
from promptzoo.training.run import Run, trusted


@dataclass(frozen=True)
class Exported:
    """What a run becomes at a `path`: the `files`, one or those of a folder.

    `use` gives the Python or shell lines that use it from where it is, a path or `hf-hub:OWNER/NAME`.
    `difference` is the largest one between its output and the model's on random pictures, relative to the largest
    output, in float32; at `batches` pictures at a time, where the program was traced.  `accuracy` is that on the run's
    test pictures (0..1), in float32 and in eight bits, of `count` pictures.  What of the run stays outside is `rest`.
    """

    path: Path
    files: dict[str, bytes] = field(repr=False)
    use: Callable[[str], str]
    difference: float
    batches: tuple[int, ...] = ()
    accuracy: tuple[float, float] | None = None
    count: int = 0
    merged: Merged | None = field(default=None, repr=False)
    rest: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(len, self.files.values()))

    @property
    def code(self) -> str:
        """The lines that use it where it is."""
        return self.use(str(self.path))


@typed()
@ordinary()
def export(
    run: Run | str | Path,
    to: str,
    out: str | Path | None = None,
    *,
    int8: bool = False,
    weights: str | None = None,
    force: bool = False,
    trust_code: bool = False,
) -> Exported:
    """Writes a finished run as `onnx`, `pt2`, `timm`, `open_clip` or `peft`, whole or not at all.

    Args:
        run: A finished run.
        to: The format: a file for onnxruntime or torch.export, a folder for timm, open_clip or peft.
        out: The file or folder; by default `model.onnx`, `timm` ... in the run's folder.
        int8: With `onnx`: matrices in eight bits, and the accuracy on the run's test pictures beside float32's.
        weights: Where the backbone's weights are now, if they have moved.
        force: Overwrites what is there.
        trust_code: Imports the modules that the run names in its recipe.

    The model is computed in float32.  The result is compared with it before anything is written.
    Raises `ZooError` if the run cannot be exported to it, if the result differs, and if `out` exists.
    """
    if to not in WAYS:
        raise ZooError(f"cannot export to '{to}'", key="to", given=to, possible=WAYS)
    if int8 and to != "onnx":
        raise ZooError(
            f"{option('int8', True)} needs an .onnx file", key="int8", given=to, remedy=f"use {option('to', 'onnx')}"
        )
    make, ending = WAYS[to]
    path = at(run)
    target = at(out) if out is not None else (path if path.is_dir() else path.parent) / NAMES.get((to, int8), to)
    if ending and target.suffix != ending:
        raise ZooError(f"an export to {to} needs a file name ending with {ending}", place=target, key="out",
                       given=target.suffix)  # fmt: skip
    vacant(target, force) if ending else free(target, force)
    needed(*NEEDS.get(to, ()))
    opened = open_run(path, weights, trust_code=trusted(run, trust_code))
    made = make(opened, path, target, int8)
    if ending:
        deliver(target, made.files[target.name], force)
    else:
        deliver_folder(target, made.files, force)
    return made


def as_onnx(run: Reopened, path: Path, file: Path, int8: bool) -> Exported:
    program, facts = program_of(run, path)
    content, difference = to_onnx(program, facts)
    alike(difference, file, RUNTIME)
    accuracy, count = None, 0
    if int8:
        lower = in_int8(content, facts)
        difference = program.difference(runner(lower), "the .onnx file of eight bits")
        (before, after), count = accuracies(run, [runner(content), runner(lower)])
        content, accuracy = lower, (before, after)
    return Exported(file, {file.name: content}, PREDICT.format, difference, BATCHES, accuracy, count)


def as_pt2(run: Reopened, path: Path, file: Path, int8: bool) -> Exported:
    content, difference = to_pt2(*program_of(run, path))
    alike(difference, file)
    return Exported(file, {file.name: content}, LOAD.format, difference, BATCHES)


def program_of(run: Reopened, path: Path) -> tuple[Program, Facts]:
    """The traced model, and what is said of it."""
    return traced(run.model, str(path)), facts_of(run)


def alike(difference: float, file: Path, limit: float = LIMIT, than: str = "the model") -> None:
    """Raises `ZooError` where what was made is not the model, or what else it was made of."""
    if not difference <= limit:
        raise ZooError(
            f"the result differs from {than} by {difference:.1e} of the output's scale, more than {limit:.0e}, "
            f"so that {file} is not written",
            key="difference",
            given=difference,
        )


def as_plain(run: Reopened, path: Path, folder: Path, int8: bool, library: str) -> Exported:
    plain = run.backbone.plain
    if plain is None or plain.library != library:
        own = "no library" if plain is None else plain.library
        said = f"{run.backbone.name} is a {own} model, which cannot become one of {library}"
        raise ZooError(said, place=path, key="to", given=library)
    made = merged(run.model, str(path), run.recipe, seen_by(run.recipe, run.backbone))
    return Exported(folder, made.files(folder), made.code, made.difference, merged=made, rest=made.rest)


def as_peft(run: Reopened, path: Path, folder: Path, int8: bool) -> Exported:
    made = to_peft(run, path)
    alike(made.difference, folder)
    return Exported(folder, made.files, made.code, made.difference, rest=made.rest)


PREDICT = "promptzoo predict {} PICTURE..."
LOAD = "import torch\nmodel = torch.export.load({!r}).module()"
WAYS: dict[str, tuple[Callable[..., Exported], str]] = {
    "onnx": (as_onnx, ".onnx"),
    "pt2": (as_pt2, ".pt2"),
    "timm": (partial(as_plain, library="timm"), ""),
    "open_clip": (partial(as_plain, library="open_clip"), ""),
    "peft": (as_peft, ""),
}
NAMES: dict[Any, str] = {("onnx", False): "model.onnx", ("onnx", True): "model.int8.onnx", ("pt2", False): "model.pt2"}
NEEDS = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "peft": ("peft",)}
