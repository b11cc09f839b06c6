"""The tables of docs/results.md are made from the records of runs."""

import numpy as np
import pytest
import results

from promptzoo.studies.record import Finished, Record


def put(folder, row, seed, share, count=200):
    right = "".join("01"[int(mark)] for mark in np.random.default_rng([seed, int(1000 * share)]).random(count) < share)
    finished = Finished(right=right, splits="a", test="b", classes=["c"], selection="last", epochs=1, best_epoch=1,
                        tuned_parameters=10, seconds=1.0)  # fmt: skip
    file = folder / row / f"seed-{seed}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    Record(
        name=row, seed=seed, recipe="x", pictures="p", frozen="f", knowledge="", versions={}, finished=finished
    ).write(file)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RECORDS", tmp_path)
    for name in results.POOLED:
        for seed in results.SEEDS:
            put(tmp_path / name, "probe", seed, 0.5)
            put(tmp_path / name, "better", seed, 0.9)
    put(tmp_path / "cifar100", "better", 1, 0.9)
    return tmp_path


def test_a_row_has_its_place_by_its_mean_and_its_interval_to_the_probe(kept):
    lines = results.table().splitlines()
    assert [line.split("`")[1] for line in lines[2:]] == ["better", "probe"]
    points = results.against("better", [results.runs_of(name) for name in results.POOLED])
    assert points.startswith("+4") or points.startswith("+3")
    assert results.against("probe", [results.runs_of("dtd10")]) == ""


def test_a_row_without_every_seed_waits(kept):
    assert results.runs_of("cifar100") == {}
    assert [row for row, *_ in results.points()] == ["better", "probe"]


def test_records_are_taken_from_a_comparison_and_drawn(kept, tmp_path):
    runs = tmp_path / "elsewhere" / "food"
    put(runs, "lora", 1, 0.5)
    results.take(runs)
    assert (kept / "food" / "lora" / "seed-1.json").read_bytes() == (runs / "lora" / "seed-1.json").read_bytes()
    results.draw(tmp_path / "pictures" / "results.svg")
    assert "better" in (tmp_path / "pictures" / "results.svg").read_text()
