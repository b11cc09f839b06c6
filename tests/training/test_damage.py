"""What a run left is found damaged, or does no harm; none passes as other numbers."""

import json
import shutil
from contextlib import contextmanager

import pytest
import runs
import torch
from pictures import sentence

from promptzoo.errors import DamagedError, ZooError
from promptzoo.model.checkpoint import unpack
from promptzoo.training import resume
from promptzoo.training.checkpoint import pack
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.run_writer import RunWriter
from promptzoo.training.runs import read_runs
from promptzoo.training.seal import sealed, unsealed


def plain(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def test_a_state_comes_back_as_it_was_and_what_has_not_changed_is_not_written_again(tmp_path):
    written = []
    whole = {"tuned": {"a": torch.ones(3)}, "best": None, "optimizer": {"state": {0: {"step": torch.tensor(2.0)}}}}

    def put(file, content):
        written.append(file.suffix)
        plain(file, content)

    resume.save_state(tmp_path, {**whole, "seed": 0.1}, put)
    resume.save_state(tmp_path, {**whole, "best": {"a": torch.ones(3)}, "seed": 0.1}, put)
    assert written == [".safetensors", ".safetensors", ".safetensors", ".json", ".json"], "the best is the last one"
    found = resume.load_state(tmp_path)
    assert found["seed"] == 0.1
    assert torch.equal(found["best"]["a"], torch.ones(3))
    assert found["optimizer"]["state"][0]["step"].item() == 2
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_what_another_saved_meanwhile_is_not_taken_away(tmp_path):
    whole = {"tuned": {"a": torch.ones(3)}, "best": None, "optimizer": {}}
    resume.save_state(tmp_path, whole, plain)

    @contextmanager
    def lost():
        raise ZooError("somebody else's")
        yield

    with pytest.raises(ZooError):
        resume.save_state(tmp_path, {**whole, "tuned": {"a": torch.zeros(3)}}, plain, lost)
    assert len(list(tmp_path.glob("*.safetensors"))) == 3


def test_every_flipped_byte_of_a_state_is_found(tmp_path):
    resume.save_state(tmp_path, {"tuned": {"a": torch.rand(3)}, "best": None, "optimizer": {"lr": 0.1}}, plain)
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        for place in range(0, len(content), 7):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(DamagedError):
                resume.load_state(tmp_path)
            file.write_bytes(content[:place])
            with pytest.raises(DamagedError):
                resume.load_state(tmp_path)
        file.write_bytes(content)
    assert resume.load_state(tmp_path)["optimizer"] == {"lr": 0.1}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, root):
    """A finished run."""
    runs.run(tmp_path_factory.mktemp("runs") / "whole", root)
    return tmp_path_factory.getbasetemp() / next(tmp_path_factory.getbasetemp().glob("runs*/whole"))


def flips(content):
    """The content with a bit changed, at places all over it, and cut short."""
    for place in range(0, len(content), max(1, len(content) // 25)):
        yield content[:place] + bytes([content[place] ^ 2]) + content[place + 1 :]
        yield content[:place]


@pytest.mark.parametrize("name", ["model.safetensors", "result.json", "predictions.csv", "data.json", "versions.json"])
def test_a_changed_bit_of_a_finished_run_is_found_or_does_no_harm(whole, tmp_path, name):
    read = {
        "model.safetensors": lambda run: run.tuned()[0]["head.fc.weight"].tolist(),
        "result.json": lambda run: run.accuracy(),
        "predictions.csv": lambda run: run.hits(),
        "data.json": lambda run: run.data(),
        "versions.json": lambda run: run.recipe().to_dict(),
    }[name]
    shutil.copytree(whole, tmp_path / "run")
    run, file = RunFolder(tmp_path / "run"), tmp_path / "run" / name
    before, content, found = read(run), file.read_bytes(), 0
    for changed in flips(content):
        file.write_bytes(changed)
        try:
            assert read(run) == before
        except ZooError:
            found += 1
    assert found or name == "versions.json", "the name is kept elsewhere, too"


def test_a_run_whose_data_cannot_be_read_is_evaluated_with_a_remark(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    before = evaluate_run(whole)
    (tmp_path / "run" / "data.json").write_text("{")
    after = evaluate_run(tmp_path / "run")
    assert after["accuracy"] == before["accuracy"]
    assert "cannot check whether the pictures have changed since the run" in after["remarks"][0]


def test_a_recipe_that_is_none_any_more_comes_from_the_model(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    (tmp_path / "run" / "recipe.yaml").write_bytes(b"\xff{")
    (tmp_path / "run" / "versions.json").unlink()
    run = RunFolder(tmp_path / "run")
    assert run.recipe() == RunFolder(whole).recipe()
    assert len(run.remarks) == 2


def test_a_recipe_that_was_changed_before_anything_was_saved_is_not_trained(tmp_path, root):
    run = RunWriter(tmp_path / "run")
    with run.begun_by(runs.recipe(root), resume=False):
        pass
    page = run.recipe_file.read_text()
    run.recipe_file.write_text(page.replace("lr: 0.01", "lr: 0.02"))
    assert "was changed since the run started" in sentence(RunFolder(tmp_path / "run").recipe)


def test_numbers_that_are_not_finite_are_neither_written_nor_read(root):
    state = {"head.fc.weight": torch.tensor([[1.0, float("nan")]])}
    assert "in 'head.fc.weight'" in sentence(lambda: pack(state, runs.recipe(root), ["a"], "0"))


def test_a_state_beside_a_result_is_taken_away(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    (tmp_path / "run" / "state").mkdir()
    (tmp_path / "run" / "state" / "state.json").write_text("{}")
    read_runs(tmp_path)
    assert not (tmp_path / "run" / "state").exists()
    (tmp_path / "run" / "state").mkdir()
    RunFolder(tmp_path / "run").tuned()
    assert not (tmp_path / "run" / "state").exists()


def test_a_model_beside_no_result_is_not_asked_and_one_that_is_gone_is_missed(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    run.model_file.write_bytes(b"half")
    with pytest.raises(ZooError):
        run.recipe()
    run.model_file.unlink()
    assert run.recipe() == RunFolder(whole).recipe()
    with pytest.raises(DamagedError, match="the tuned weights are lost"):
        run.tuned()
    run.model_file.write_bytes(b"half")
    run.result_file.unlink()
    assert run.recipe() == RunFolder(whole).recipe()


def test_a_damaged_log_is_put_aside_and_another_begins(tmp_path):
    run = RunWriter(tmp_path)
    run.claim.take()
    run.log({"epoch": 1, "step": 3})
    state = {"log": len(run.logged()), "log_digest": "0"}
    assert run.cut_log(state) == []
    assert json.loads((tmp_path / "log.damaged.jsonl").read_text()) == {"epoch": 1, "step": 3}
    assert "is damaged" in run.remarks[0]
    run.log_file.mkdir()
    (tmp_path / "log.damaged.jsonl").unlink()
    assert run.cut_log(None) == []
    assert not run.log_file.exists()
    run.claim.release()


def test_a_seal_is_of_what_is_said_not_of_how(tmp_path):
    file = tmp_path / "facts.json"
    file.write_bytes(sealed({"a": 1, "b": [0.5, None]}))
    file.write_text(json.dumps(json.loads(file.read_text())))
    assert unsealed(file) == {"a": 1, "b": [0.5, None]}
    file.write_text(file.read_text().replace("0.5", "0.6"))
    with pytest.raises(DamagedError, match="is damaged"):
        unsealed(file)


def test_a_model_of_another_seal_is_refused(whole, tmp_path):
    content = (whole / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(content.replace(b"fox", b"fax"))
    with pytest.raises(ZooError):
        unpack(tmp_path / "model.safetensors")
