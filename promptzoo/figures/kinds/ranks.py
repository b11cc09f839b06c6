"""A query and the first ten pictures of its ranking, framed by whether they show the same place."""

from pathlib import Path

import numpy as np

from promptzoo.data.sources.revisited import Box
from promptzoo.data.transforms import Pixels, pixels
from promptzoo.figures.asked import Wish
from promptzoo.figures.kinds.tasks import Viewers, picked
from promptzoo.figures.panels import Array, Found, Overlaid, Panel
from promptzoo.metrics import rank
from promptzoo.tasks.desk import Desk
from promptzoo.tasks.eye import Eye
from promptzoo.tasks.retrieve import Retrieve

TASK = "retrieve"
FIRST = 10
FRAMES = {"easy": 2, "hard": 3, "junk": 9, "wrong": 1}  # places in the palette


def find(asked: Viewers, wish: Wish) -> Found:
    """A row for each query and model: green easy, yellow hard, grey junk (passed over), red wrong."""
    task, source = asked.task, asked.source
    assert isinstance(task, Retrieve)
    rows, arrays, told = list[list[Panel]](), dict[str, Array](), list[str]()
    chosen = picked(wish.pick, len(source.queries), "query")
    queries = [source.queries[number] for number in chosen]
    wanted = [(one.path, one.box if task.crop_queries else None) for one in queries]
    ranked = dict[str, list[list[int]]]()
    for label, eye in asked.eyes:
        found, *_ = task.features(eye, [*wanted, *((path, None) for path in source.database)], Desk())
        ranked[label] = rank(found[: len(queries)], found[len(queries) :])[:, :FIRST].tolist()
    for place, (number, query) in enumerate(zip(chosen, queries, strict=True)):
        for label, eye in asked.eyes:
            first = ranked[label][place]
            kinds = [kind_of(one, query) for one in first]
            panels: list[Panel] = [Overlaid(label, (f"query {number}",), seen(task, eye, *wanted[place]))]
            for one, kind in zip(first, kinds, strict=True):
                panels.append(Overlaid("", (kind,), seen(task, eye, source.database[one], None), frame=FRAMES[kind]))
            rows.append(panels)
            arrays |= {f"{number}/{label}": np.array(first), f"{number}/{label}/kinds": np.array(kinds)}
            told.append(f"query {number}, {label}: {', '.join(kinds)}")
    return Found(rows, arrays, told)


def seen(task: Retrieve, eye: Eye, path: Path, box: Box | None) -> Pixels:
    """A picture as the tower saw it."""
    return pixels(task.view(path, box, eye).image)


def kind_of(place: int, query: object) -> str:
    """Which of a query's lists holds a picture."""
    return next((kind for kind in ("easy", "hard", "junk") if place in getattr(query, kind)), "wrong")
