"""A model asked about pictures of a task's own: its figures, in a file beside the run."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import promptzoo
from promptzoo.errors import Problems, ZooError
from promptzoo.files import cache_folder, finite, write_new
from promptzoo.model.blueprint import Make, hints, parameters, signature
from promptzoo.option import option
from promptzoo.recipe.from_recipe import Construct, checked
from promptzoo.recipe.overrides import change
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.typed import Change, typed
from promptzoo.recipe.yaml import Node, Place, plain
from promptzoo.tasks.desk import Desk, Steps, digest
from promptzoo.tasks.downstream import Downstream
from promptzoo.training.eyes import Looking, eye_of_bare, eye_of_run
from promptzoo.training.machine import peak_memory, versions
from promptzoo.training.seal import sealed

SECTIONS = ("task", "data", "backbone")
FORM = 3  # of the answers that are kept


@dataclass(frozen=True)
class Question:
    """A task and its settings, the arguments of its source, and what is left for the backbone."""

    word: str
    task: Downstream
    settings: dict[str, Any]
    data: dict[str, Any]
    backbone: list[str] = field(default_factory=list)


def question(words: Iterable[str]) -> Question | None:
    """What `task=retrieve task.resize=crop224 data.root=DIR` asks; None where the task has no pictures of its own.

    Raises `ZooError` for a word that the task or its source does not take.
    """
    words, node, problems, changes = list(words), Node({}, Place("eval")), Problems(), list[Change]()
    if not any(word.partition("=")[0].partition(".")[0] == "task" for word in words):
        return None
    for word in words:
        key, _, value = word.partition("=")
        if key.partition(".")[0] not in SECTIONS:
            raise ZooError(f"{word}: a task takes only task.KEY=VALUE and data.KEY=VALUE")
        word = f"task={{task: {value}}}" if key == "task" and not value.startswith("{") else word
        changes += change(node, word, problems)
    problems.stop()
    told = node["task"]
    if not isinstance(told, Node) or "task" not in told:
        raise ZooError("no task given: start with task=retrieve, correspond or segment_video")
    made = Construct(load_registry()).make(told, "task")
    if not isinstance(made.cls, type) or not issubclass(made.cls, Downstream):
        return None
    types = hints(made.cls.source)
    for one in (one for one in changes if one.way == ("data",)):
        node["data"][one.last] = typed(one.written, node["data"][one.last], types.get(one.last, Any))
    data = source_words(made.cls.source, plain(node.get("data") or {}))
    left = [word for word in words if word.startswith("backbone.")]
    return Question(str(told["task"]), made(), settings(made), data, left)


def settings(made: Make) -> dict[str, Any]:
    """Every argument of a task, those of its own where nothing was said."""
    return {name: made.arguments.get(name, one.default) for name, one in made.parameters.items()}


def source_words(source: type, data: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a source, checked."""
    takes, types, found = parameters(source), hints(source), {}
    for key, value in data.items():
        if key not in takes:
            lines = [f"it takes {signature(takes)}"]
            raise ZooError(f"data takes no '{key}'", key="data", given=key, possible=takes, lines=lines)
        try:
            found[key] = checked(value, types.get(key, Any))
        except ValueError as error:
            raise ZooError(f"data.{key} is {value!r}; it takes {signature({key: takes[key]})}") from error
    if "root" not in found:
        raise ZooError("no pictures given: add data.root=DIR")
    return found


def ask(
    words: Sequence[str],
    path: str | Path | None = None,
    *,
    bare: str | None = None,
    weights: str | None = None,
    out: str | Path | None = None,
    steps: Steps | None = None,
    trust_code: bool = False,
) -> dict[str, Any]:
    """The figures of a run, or of a `bare` backbone, on a task; they are written to `out`, which is the run's folder.

    What was found before a stop is kept and used again.  Nothing that is there is overwritten.
    Raises `ZooError` for what cannot be read, and where the model cannot see the task's pictures.
    """
    asked = question(words)
    if asked is None:
        raise ZooError("no task given: task=retrieve, correspond or segment_video")
    if path is not None and asked.backbone:
        raise ZooError(
            f"{asked.backbone[0]}: a run has its own backbone; {option('weights', 'FILE')} names its weights"
        )
    began = time.perf_counter()
    source = asked.task.source(**asked.data)
    if path is not None:
        opened, home = eye_of_run(path, weights, trust_code), Path(path)
    else:
        opened = eye_of_bare(str(bare), asked.backbone, weights)
        home = Path("runs") / f"bare-{str(bare).replace('/', '-')}"
    folder = Path(out) if out is not None else home if home.suffix != ".safetensors" else home.parent
    file, number = numbered(folder, asked.word)
    desk = Desk(answers_of(asked, opened), folder / f"{asked.task.pictures}{number}", steps)
    figures = asked.task.measure(opened.eye, source, desk)
    result = {
        "task": asked.word,
        "model": opened.name,
        "score": asked.task.score,
        "figures": figures,
        "settings": asked.settings,
        "data": {key: value if key != "root" else str(value) for key, value in asked.data.items()},
        **opened.eye.told(desk.sizes),
        "pictures": digest(sorted(desk.used)),
        "reused": desk.reused,
        "seconds": round(time.perf_counter() - began, 1),
        "peak_memory": peak_memory(opened.eye.device),
        "versions": versions(),
    }
    while not write_new(file, sealed(finite(result))):  # somebody else has taken the name meanwhile
        file, _ = numbered(folder, asked.word)
    return {**result, "file": str(file)}


def answers_of(asked: Question, opened: Looking) -> Path:
    """Where the answers of this model to this task are kept, whatever the pictures."""
    depends = promptzoo.__version__, FORM, asked.word, asked.settings, opened.recipe.to_dict(), opened.eye.digest()
    return cache_folder("answers") / f"{asked.word}-{digest(depends)}.jsonl"


def numbered(folder: Path, word: str) -> tuple[Path, str]:
    """`retrieve.json`, or `retrieve-2.json` and so on where that is taken; and the number's part of the name."""
    number = ""
    while (file := folder / f"{word}{number}.json").exists():
        number = f"-{int(number[1:] or 1) + 1}"
    return file, number
