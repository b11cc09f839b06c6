"""A run for others, with a page that says what it is: `share`, and what `promptzoo share` does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from promptzoo.arguments import typed
from promptzoo.errors import ZooError
from promptzoo.exporting.export import NEEDS, WAYS
from promptzoo.exporting.facts import Facts, facts_of
from promptzoo.exporting.folder import deliver_folder, free
from promptzoo.exporting.hub import named, push
from promptzoo.exporting.shared_run import files_of_run
from promptzoo.exporting.to_onnx import needed
from promptzoo.model.ordinary import ordinary
from promptzoo.option import option
from promptzoo.pages.model_card import model_card
from promptzoo.paths import at
from promptzoo.training.reopen import Reopened, open_run
from promptzoo.training.run import Run, trusted
from promptzoo.training.run_folder import RunFolder

RUN, CARD = "run", "README.md"
FORMS = (RUN, "peft", "timm", "open_clip")
LOAD = "import promptzoo\nmodel = promptzoo.load({!r})"
LOAD_ON = "import promptzoo\nmodel = promptzoo.load({!r}, weights={weights!r})"
LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")  # how a hub writes one: apache-2.0


@dataclass(frozen=True)
class Shared:
    """Where a run is for others, a folder or an address; the names of its files, and the Python that opens it.

    What of the run stays outside is `rest`.
    """

    place: str
    files: tuple[str, ...]
    code: str
    rest: tuple[str, ...] = ()


@typed()
@ordinary()
def share(
    run: Run | str | Path,
    to: str = RUN,
    out: str | Path | None = None,
    *,
    push: str | None = None,
    license: str | None = None,
    weights: str | None = None,
    trust_code: bool = False,
) -> Shared:
    """Writes a finished run for others as a folder with a model card, or puts that on a hub; all of it or nothing.

    Args:
        run: A finished run.
        to: `run`, which `promptzoo.load` opens; or `peft`, `timm`, `open_clip`, as `promptzoo.export` makes them.
        out: The folder.
        push: In place of a folder the repository on the hub, `OWNER/NAME`.
        license: That of the backbone's weights, as a hub writes it (`apache-2.0`).
        weights: Where the backbone's weights are now, if not where the run found them.
        trust_code: Imports the modules that the run names in its recipe.

    Raises `ZooError` as `export` does, without a licence, and where there is something already.
    """
    if to not in FORMS:
        raise ZooError(f"cannot share as '{to}'", key="to", given=to, possible=FORMS)
    if (out is None) == (push is None):
        raise ZooError(
            f"{option('out', 'DIR')} writes a folder, {option('push', 'OWNER/NAME')} uploads it to a hub; give one",
            key="out",
        )
    folder, path = None if out is None else at(out), at(run)
    name = folder.name if folder is not None else named(str(push)).rpartition("/")[2]
    if folder is not None:
        free(folder, None)
    needed(*NEEDS.get(to, ()))
    opened = open_run(path, weights, trust_code=trusted(run, trust_code))
    given = licensed(license, opened)
    where, others = (str(folder), name) if push is None else (f"hf-hub:{push}",) * 2  # a folder is elsewhere there
    facts = facts_of(opened)
    files, use, rest = made(opened, facts, path, to, Path(name))
    page = model_card(name, to, opened, facts, *figures(path), given, use(others), rest)
    files = {**files, CARD: page.encode()}
    if folder is not None:
        deliver_folder(folder, files, None)
    return Shared(where if push is None else sent(push, files), tuple(files), use(where), rest)


sent = push  # the argument of `share` has its name


def made(
    run: Reopened, facts: Facts, path: Path, to: str, folder: Path
) -> tuple[dict[str, bytes], Callable[[str], str], tuple[str, ...]]:
    """The files, how they are used from where they are, and what of the run stays outside."""
    if to == RUN:
        files, frozen = files_of_run(facts, path)
        if frozen is None:
            return files, LOAD.format, ()
        outside = f"the frozen weights, '{frozen}': pass the file to load, which checks that it is the same"
        return files, partial(LOAD_ON.format, weights=frozen), (outside,)
    found = WAYS[to][0](run, path, folder, False)
    return found.files, found.use, found.rest


def figures(path: Path) -> tuple[dict[str, object], dict[str, object]]:
    """What a run came to, and what it says of its pictures; nothing of a file alone."""
    folder = RunFolder(path)
    if not path.is_dir() or not folder.finished:
        return {}, {}
    return folder.result(), folder.data()


def licensed(given: str | None, run: Reopened) -> str:
    """The licence.  Raises `ZooError` where none is named, with what the backbone's library notes."""
    if given is None:
        import timm

        plain: Any = run.backbone.plain
        tagged = plain is not None and plain.library == "timm" and "." in plain.name
        noted = getattr(timm.get_pretrained_cfg(plain.name), "license", None) if tagged else None
        said = f"the licence of the weights of {run.backbone.name} is unknown{f'; timm notes {noted}' if noted else ''}"
        raise ZooError(said, key="license", remedy=f"write it as {option('license', 'apache-2.0')}, for example")
    if not LICENSE.fullmatch(given):
        raise ZooError(
            f"a licence should be an identifier such as apache-2.0 or mit, got '{given}'", key="license", given=given
        )
    return given


def shared_page(found: Shared, out: Console) -> None:
    """What stays outside, where it is and how others open it."""
    for sentence in found.rest:
        out.print(f"not included: {escape(sentence)}")
    out.print(f"shared: [bold]{escape(found.place)}[/], {', '.join(map(escape, found.files))}; open it with",
              soft_wrap=True)  # fmt: skip
    for line in found.code.splitlines():
        out.print(f"    {escape(line)}", soft_wrap=True)
