"""A query and the first ten pictures of its ranking, framed by whether they show the same place."""

import numpy as np

from promptzoo.figures.asked import Wish
from promptzoo.figures.kinds.tasks import Asked, picked
from promptzoo.figures.panels import Array, Found, Panel, Seen
from promptzoo.metrics import rank
from promptzoo.tasks.desk import Desk
from promptzoo.tasks.retrieve import Retrieve

TASK = "retrieve"
FIRST = 10
FRAMES = {"easy": 2, "hard": 3, "junk": 9, "wrong": 1}  # places in the palette


def find(asked: Asked, wish: Wish) -> Found:
    """A row for each query and model: green easy, yellow hard, grey junk (passed over), red wrong."""
    task, source = asked.task, asked.source
    assert isinstance(task, Retrieve)
    rows, arrays, told = list[list[Panel]](), dict[str, Array](), list[str]()
    chosen = picked(wish.pick, len(source.queries), "query")
    queries = [source.queries[number] for number in chosen]
    for label, eye in asked.eyes:
        wanted = [(one.path, one.box if task.crop_queries else None) for one in queries]
        found = task.features(eye, [*wanted, *((path, None) for path in source.database)], Desk())
        ranks = rank(found[: len(queries)], found[len(queries) :])[:, :FIRST]
        for number, query, row in zip(chosen, queries, ranks.tolist(), strict=True):
            view = task.view(query.path, query.box if task.crop_queries else None, eye).image
            panels: list[Panel] = [Seen(label, (f"query {number}",), np.asarray(view))]
            kinds = [kind_of(place, query) for place in row]
            for place, kind in zip(row, kinds, strict=True):
                seen = np.asarray(task.view(source.database[place], None, eye).image)
                panels.append(Seen("", (kind,), seen, frame=FRAMES[kind]))
            rows.append(panels)
            arrays |= {f"{number}/{label}": np.array(row), f"{number}/{label}/kinds": np.array(kinds)}
            told.append(f"query {number}, {label}: {', '.join(kinds)}")
    return Found(rows, arrays, told)


def kind_of(place: int, query: object) -> str:
    """Which of a query's lists holds a picture."""
    return next((kind for kind in ("easy", "hard", "junk") if place in getattr(query, kind)), "wrong")
