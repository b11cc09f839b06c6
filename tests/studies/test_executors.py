"""Several runs at once, in processes of their own: the same table as one after another."""

import json
import os
import signal
import time
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import comparisons
import pytest
import runs

from promptzoo import cli
from promptzoo.errors import ZooError
from promptzoo.studies.executors import engine_of, executor
from promptzoo.studies.executors.here import Here
from promptzoo.studies.rounds import ended
from promptzoo.training.interrupt import StoppedError


def halved(number: int) -> int:
    """Work that fails for odd numbers."""
    if number % 2:
        raise ZooError(f"{number} is odd", key="number")
    return number // 2


@pytest.mark.parametrize("word", ["here", pytest.param("local:2", marks=pytest.mark.slow)])
def test_every_executor_gives_what_came_of_each_job(word: str, tmp_path) -> None:
    with executor(word, tmp_path) as engine:
        found = {job[0]: came for job, came in engine.each(halved, [(number,) for number in range(4)])}
    assert (found[0], found[2]) == (0, 1)
    assert [found[odd].key for odd in (1, 3)] == ["number", "number"]


class Early(Here):
    """Hears Ctrl-C while its first job comes to an end, as every executor that has several."""

    def each(self, work, jobs):
        yield from islice(super().each(work, jobs), 1)


def test_an_end_that_comes_between_two_runs_is_one() -> None:
    jobs = [(SimpleNamespace(name="linear"), None, seed) for seed in (1, 2)]
    found = ended(iter(jobs), lambda *job: job[2], Early(), print)
    assert next(found) == (jobs[0], 1)
    with pytest.raises(StoppedError):
        next(found)
    assert [came for _, came in ended(jobs, lambda *job: job[2], Here(), print)] == [1, 2]


def dying(number: int) -> int:
    """Work whose process dies for 1."""
    if number == 1:
        os._exit(9)
    time.sleep(1)
    return number


def lasting(folder: str, number: int) -> None:
    """Work that takes two minutes, and says that it has begun and that it was asked to end."""
    Path(folder, f"{number}-begun").touch()
    try:
        for _ in range(1200 if number else 0):
            time.sleep(0.1)
    except KeyboardInterrupt:
        Path(folder, f"{number}-ended").touch()
        raise


@pytest.mark.slow
def test_what_runs_ends_where_an_error_of_somebody_else_ends_the_command(tmp_path) -> None:
    begun = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        comparisons.broken_off(
            "local:2", tmp_path, lasting, [(str(tmp_path), 0), (str(tmp_path), 1)], [tmp_path / "1-begun"]
        )
    assert (tmp_path / "1-ended").exists()
    assert time.monotonic() - begun < 100


@pytest.mark.slow
def test_a_free_process_that_died_is_followed_by_another(tmp_path) -> None:
    with executor("local:1", tmp_path) as engine:
        assert [came for _, came in engine.each(halved, [(2,)])] == [1]
        (free,) = engine.free
        (number,) = free._processes
        os.kill(number, signal.SIGKILL)
        while not free._broken:
            time.sleep(0.01)
        assert [came for _, came in engine.each(halved, [(4,)])] == [2]


@pytest.mark.slow
def test_a_process_that_dies_takes_no_other_along(tmp_path) -> None:
    with executor("local:2", tmp_path) as engine:
        found = {job[0]: came for job, came in engine.each(dying, [(number,) for number in range(5)])}
    assert isinstance(found.pop(1), ZooError)
    assert found == {0: 0, 2: 2, 3: 3, 4: 4}


@pytest.mark.parametrize("word", ["local", "local:0", "local:x", "lokal:2", "local:1000"])
def test_another_word_is_refused_with_those_there_are(word: str) -> None:
    with pytest.raises(ZooError) as raised:
        engine_of(word)
    assert raised.value.possible == ("here", "local:2", "ray", "slurm")


@pytest.mark.slow
def test_two_at_once_come_to_the_same_table(tmp_path, capsys) -> None:
    root = runs.pictures(tmp_path / "pictures")
    words = ["linear", "bitfit", f"data={{dataset: folder, root: {root}, batch: 4}}", "backbone.weights=random",
             "backbone.open=timm/vit_tiny_patch16_224", "backbone.image_size=32", "train.threads=1",
             "backbone.options={depth: 2, embed_dim: 32, num_heads: 2, patch_size: 8}",
             "train={epochs: 2, lr: 1e-2, optimizer: adamw}", "--seeds", "2", "--format", "json"]  # fmt: skip
    tables = []
    for where in ("here", "local:2"):
        assert cli.main(["compare", *words, "--on", where, "--out", str(tmp_path / where[:4])]) == 0
        tables.append(json.loads(capsys.readouterr().out))
    assert len(tables[0]["recipes"]) == 2
    for one, other in zip(*(table["recipes"] for table in tables), strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
