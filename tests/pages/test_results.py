"""docs/results.md and README.md are what the records of the runs say."""

from pathlib import Path

import pytest
import results

from promptzoo.recipe import yaml
from promptzoo.studies.record import Finished, Record


def record(row, seed, right):
    done = {"splits": "s", "test": "t", "classes": ["a", "b"], "selection": "last", "epochs": 1, "best_epoch": None}
    finished = Finished(right=right, tuned_parameters=7000, seconds=1.0, **done)
    return Record(name=row, seed=seed, recipe="", pictures="", frozen="", knowledge="", versions={}, finished=finished)


@pytest.fixture
def records(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RECORDS", tmp_path / "records")

    def keep(folder, row, *rights):
        for seed, right in enumerate(rights, 1):
            file = tmp_path / folder / row / f"seed-{seed}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            record(row, seed, right).write(file)
        results.take(tmp_path / folder)

    return keep


def test_a_row_has_mean_deviation_and_its_paired_difference_once_every_seed_is_there(records):
    study = results.Study({"one": "one"}, "probe")
    records("one", "probe", *["10" * 50] * 3)
    records("one", "lore", "1" * 100, "1" * 80 + "0" * 20, "1" * 90 + "0" * 10)
    records("one", "late", "1" * 100, "1" * 100)
    found = results.table(study)
    assert "90.0 ± 10.0" in found
    assert "50.0 ± 0.0" in found
    assert "+40.0 [" in found
    assert "late" not in found
    assert found.index("| `lore`") < found.index("| `probe`")


def test_sets_that_are_pooled_count_once_each_however_many_pictures_they_have(records):
    study = results.Study({"few": "few", "many": "many"}, "probe", ("few", "many"))
    records("few", "probe", *["0" * 10] * 3)
    records("few", "lore", *["1" * 10] * 3)
    records("many", "probe", *["0" * 1000] * 3)
    records("many", "lore", *["0" * 1000] * 3)
    assert "+50.0 [+50.0, +50.0]" in results.table(study)


def test_no_record_names_a_place_of_one_machine(tmp_path, monkeypatch):
    kept = sorted(results.RECORDS.glob("*/*/seed-*.json"))
    recipes = [yaml.read(Record.read(file).recipe, file.name) for file in kept]
    assert recipes
    places = {told["backbone"]["weights"] for told in recipes} | {told["data"]["root"] for told in recipes}
    assert not [place for place in places if Path(place).is_absolute()]
    monkeypatch.setattr(results, "RECORDS", tmp_path / "records")
    here = record("lore", 1, "1").model_copy(update={"recipe": f"data: {{root: {results.ROOT.parent}/shared/dtd10}}"})
    file = tmp_path / "dtd10" / "lore" / "seed-1.json"
    file.parent.mkdir(parents=True)
    here.write(file)
    results.take(tmp_path / "dtd10")
    assert Record.read(tmp_path / "records/dtd10/lore/seed-1.json").recipe == "data: {root: ../shared/dtd10}"


def test_the_pages_are_as_the_records_are():
    for file in results.PAGES:
        made = results.page(file)
        assert made == file.read_text(encoding="utf-8")
        assert results.MARK.search(made)


def test_both_pictures_are_drawn(records, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "PICTURES", tmp_path / "pictures")
    for folder in ("dtd10", "shots_1", "shots_16"):
        records(folder, "probe", "01" * 5, "01" * 5, "11" * 5)
    results.draw("results")
    results.draw("shots")
    assert all("probe" in file.read_text() for file in (tmp_path / "pictures").glob("*.svg"))
    assert len(list((tmp_path / "pictures").iterdir())) == 2
