"""Kinds 1, 2 and 4 again, of what is read back: sweeps, journals, folders of peft, exported files, caches."""

import json
import os
from pathlib import Path

import odd
import pytest
from torch.nn import Linear

import promptzoo
from promptzoo import cli
from promptzoo.backbones.adopt.compared import ALWAYS, compared, remember
from promptzoo.errors import ZooError
from promptzoo.exporting.facts import KEY, Facts
from promptzoo.exporting.peft_folder import config_of
from promptzoo.files import cache_folder, from_json
from promptzoo.model.checkpoint import packed, unpack
from promptzoo.studies.by_task import by_task
from promptzoo.studies.sweep_state import NAME, sweep_state
from promptzoo.studies.trials import JOURNAL, study
from promptzoo.tasks.desk import Desk
from promptzoo.training.claim import Claim
from promptzoo.training.owner import Owner, held_by

HEAD = {"command": "x", "total": 3, "began": 1.0}
RUN = {"name": "a", "seed": 1, "state": "done", "val": 0.5, "at": 2.0}
DEEP = "[" * 5000


@pytest.mark.parametrize("line", [
    DEEP, "5", "[1]", "{", *(json.dumps({**RUN, **odd_one}) for odd_one in (
        {"val": "x"}, {"val": 1e308}, {"at": float("inf")}, {"overrides": [5]}, {"state": "odd"}, {"name": ["a"]},
    )),
])  # fmt: skip
def test_a_damaged_line_of_a_sweep_is_a_sentence(line, tmp_path):
    (tmp_path / NAME).write_text(f"{json.dumps(HEAD)}\n{json.dumps(RUN)}\n{line}\n")
    with pytest.raises(ZooError):
        sweep_state(tmp_path)


@pytest.mark.parametrize("head", [{"total": "x"}, {"total": 10**400}, {"began": float("nan")}, {"command": 5}])
def test_so_is_a_head_and_a_last_line_that_is_being_written_is_none(head, tmp_path):
    (tmp_path / NAME).write_text(f"{json.dumps({**HEAD, **head})}\n")
    with pytest.raises(ZooError):
        sweep_state(tmp_path)
    (tmp_path / NAME).write_text(f'{json.dumps(HEAD)}\n{json.dumps(RUN)}\n{{"na')
    assert len(sweep_state(tmp_path)[0].runs) == 1


def test_no_pipe_is_waited_for(tmp_path):
    for name in (NAME, "claim.json", JOURNAL):
        odd.fifo(tmp_path / name)
    with pytest.raises(ZooError):
        sweep_state(tmp_path)
    assert held_by(tmp_path / "claim.json") is None
    with pytest.raises(ZooError):
        study(tmp_path, "a")
    with pytest.raises(ZooError):
        Desk(tmp_path / NAME)


@pytest.mark.parametrize("what", ["pipe", "folder", "link", "device"])
def test_a_claim_is_made_on_a_file_alone_and_through_no_link(what, tmp_path):
    file, victim = tmp_path / "run" / "claim.json", tmp_path / "victim"
    file.parent.mkdir()
    victim.write_text("mine")
    make = {"pipe": odd.fifo, "folder": Path.mkdir, "link": lambda at: at.symlink_to(victim),
            "device": lambda at: at.symlink_to("/dev/zero")}  # fmt: skip
    make[what](file)
    with pytest.raises(ZooError) as caught:
        Claim(file.parent).take()
    assert caught.value.place == str(file) or caught.value.given == str(file)  # the claim, not the run
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("odd_one", [
    {"process": "x"}, {"process": -5}, {"process": 2**70}, {"begun": "x"}, {"host": 5}, {"attempt": []},
])  # fmt: skip
def test_a_claim_of_no_process_is_nobodys(odd_one, tmp_path):
    claim = Claim(tmp_path)
    claim.file.write_text(json.dumps({**vars(Owner.here(1)), **odd_one}))
    assert held_by(claim.file) is None
    assert claim.take() is None
    claim.release()


@pytest.mark.parametrize("line", ["{", "5", DEEP, '{"op_code": 99, "worker_id": "x"}', '{"op_code": 0}'])
def test_a_journal_of_somebody_else_is_a_sentence(line, tmp_path):
    pytest.importorskip("optuna")
    (tmp_path / JOURNAL).write_text(f"{line}\n")
    with pytest.raises(ZooError):
        study(tmp_path, "a")


INJECTED = "8}}, evil: {at: visual.pool, after: {block: 'evil_mod:Gate'}}, b: {at: x, beside: {block: low_rank, rank: 2"


@pytest.mark.parametrize("said", [
    {"lora_alpha": INJECTED}, {"lora_alpha": None}, {"lora_alpha": float("nan")}, {"lora_dropout": "x"},
    {"alpha_pattern": {"qkv": INJECTED}}, {"alpha_pattern": [1]}, {"use_rslora": "x"},
    {"alpha_pattern": {"(a+)+x": 1.0}}, {"alpha_pattern": {"a*b*c*d*": 1.0}}, {"alpha_pattern": {"(": 1.0}},
    {"base_model_name_or_path": ["x"]},
])  # fmt: skip
def test_what_a_folder_of_peft_says_becomes_no_words_of_a_recipe(said, tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **said}))
    with pytest.raises(ZooError) as caught:
        config_of(tmp_path)
    assert caught.value.place == str(tmp_path / "adapter_config.json")


def test_an_exported_file_says_sizes_that_a_picture_can_have():
    told = {"classes": ["a"], "by_class": False, "recipe": None, "backbone": None, "weights": None}
    for size in ([float("inf"), 2], [0, 1], DEEP):
        words = {word: json.dumps(fact) for word, fact in told.items()}
        words |= {KEY: "1", "preprocess": DEEP if size == DEEP else json.dumps({"size": size})}
        with pytest.raises(ZooError):
            Facts.read(words, "here")


def test_a_cache_that_cannot_be_there_is_done_without(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ("x" * 300)))
    monkeypatch.delenv(ALWAYS, raising=False)
    model = Linear(1, 1)
    remember(model, len)
    assert not compared(model, len)
    desk = Desk(cache_folder("answers") / "a.jsonl")
    desk.keep("a", 1)
    assert (desk.kept("a"), desk.reused) == (1, 0)


@pytest.mark.parametrize("line", ["5", DEEP, '[["a"], 1, []]', '["a", 1, "x"]'])
def test_answers_that_are_damaged_are_found_again(line, tmp_path):
    (tmp_path / "answers").write_text(f'["a", 1, [[2, 3]]]\n{line}\n["b", 1, []]\n')
    assert Desk(tmp_path / "answers").answers == {"a": 1}


@pytest.mark.parametrize("task", ["", "**", "/", "../x", "a\0b", "x" * 300])
def test_a_task_is_no_pattern_of_files(task, tmp_path):
    with pytest.raises(ZooError):
        by_task(task, [str(tmp_path)])


def test_json_without_end_is_no_json():
    with pytest.raises(ValueError, match="nested"):
        from_json(DEEP)
    loads = [file for file in Path(os.path.dirname(odd.cli.__file__), "..").resolve().rglob("*.py")
             if "json.loads(" in file.read_text()]  # fmt: skip
    assert {file.name for file in loads} == {"files.py", "checkpoint.py", "peak.py", "run_writer.py"}  # its own alone


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The file of a finished run."""
    place = tmp_path_factory.mktemp("finished")
    words = odd.words(odd.pictures(place / "d"), *odd.UNTRAINED)
    assert cli.main(["train", "linear", *words, "--out", str(place / "r")]) == 0
    return place / "r" / "model.safetensors"


@pytest.mark.parametrize("key", ["classes", "recipe"])
@pytest.mark.parametrize("said", ["", "{", "5", "[1]", "!!bool x", "!!int ''", "!!timestamp x", DEEP])
def test_words_of_a_model_that_are_not_what_they_should_be_are_a_sentence(key, said, model, tmp_path):
    state, words = unpack(model)
    (file := tmp_path / "m.safetensors").write_bytes(packed(state, {**words, key: said}))
    with pytest.raises(ZooError):
        promptzoo.load(file)
