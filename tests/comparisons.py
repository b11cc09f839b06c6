"""Comparisons of tiny runs."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import small

from promptzoo.studies.executors import executor

PAGE = """
backbone: {{open: promptzoo/zoo_tiny, weights: shipped}}
{head}
losses: {{task: {{loss: cross_entropy}}}}
data: {{dataset: cluttered_digits, shots: 16}}
{train}
"""


def words(root: Path, *more: str) -> list[str]:
    return [*small.overrides("vit"), "data.dataset=folder", f"data.root={root}", "data.shots=4", "data.batch=4", *more]


def page(file: Path, head: str = "head: {head: linear}", train: str = "train: {lr: 1e-2, epochs: 2}") -> str:
    """A recipe of one's own; its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PAGE.format(head=head, train=train))
    return str(file)


def asked(root: Path, out: Path, *more: str, seeds: str = "2", form: str = "table") -> list[str]:
    return ["compare", *more, *words(root), "--seeds", seeds, "--out", str(out), "--format", form]


def records(out: Path) -> dict[str, Any]:
    """Every record, without the seconds that a run took."""
    found = {str(file.relative_to(out)): json.loads(file.read_text()) for file in sorted(out.rglob("seed-*.json"))}
    for record in found.values():
        del record["digest"]
        if record["finished"]:
            del record["finished"]["seconds"]
    return found


def broken_off(
    word: str, folder: Path, work: Callable[..., Any], jobs: list[tuple[Any, ...]], begun: list[Path]
) -> None:
    """An error of somebody else after the first job, once all others have begun."""
    with executor(word, folder) as engine:
        for _ in engine.each(work, jobs):
            while not all(mark.exists() for mark in begun):
                time.sleep(0.1)
            raise ZeroDivisionError
