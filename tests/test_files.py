"""Files that are put where none is, and folders that stay only where something is in them."""

import errno
import os

import pytest
import runs

import promptzoo
from promptzoo import cli
from promptzoo.errors import ZooError
from promptzoo.files import sweep, write, write_new


def unlinked(*given):
    raise OSError(errno.EPERM, "Operation not permitted")


def killed(*given, **more):
    raise KeyboardInterrupt


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_is_put_where_none_is_whether_or_not_a_disk_has_links(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", unlinked)
    assert write_new(tmp_path / "seed-1.json", b"first")
    assert not write_new(tmp_path / "seed-1.json", b"second")
    assert (tmp_path / "seed-1.json").read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["seed-1.json"]


def test_what_a_kill_leaves_of_a_new_file_is_swept_away(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", killed)
    monkeypatch.setattr("pathlib.Path.unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path / "seed-1.json", b"first")
    monkeypatch.undo()
    assert len(list(tmp_path.iterdir())) == 1
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there", [True, False])
def test_a_training_that_is_refused_leaves_no_folder_in_any_way_in(tmp_path, monkeypatch, there):
    monkeypatch.chdir(tmp_path)
    if there:
        (tmp_path / "runs").mkdir()
    empty = runs.recipe(tmp_path / "nothing")
    with pytest.raises(ZooError):
        promptzoo.train(empty, quiet=True)
    (tmp_path / "mine.yaml").write_text(empty.to_yaml())
    assert cli.main(["train", "mine.yaml"]) == 2
    assert (tmp_path / "runs").exists() == there
    assert not there or not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("put", [write, write_new])
def test_an_interrupt_while_a_file_is_written_leaves_nothing_of_it(tmp_path, monkeypatch, put):
    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        put(tmp_path / "model.onnx", b"content")
    assert not list(tmp_path.iterdir())
