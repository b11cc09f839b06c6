"""Kind 2: what is asked of a path before it is opened; nothing is waited for."""

import os
import socket

import odd
import pytest

import promptzoo
from promptzoo.data.picture import read
from promptzoo.errors import ZooError
from promptzoo.paths import at, regular


def strange(root, what):
    path = root / "strange.jpg"
    if what == "pipe":
        odd.fifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "dangling":
        path.symlink_to(root / "nowhere")
    elif what == "circle":
        path.symlink_to(path)
    elif what == "socket":
        here = os.getcwd()
        os.chdir(root)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("strange.jpg")
        os.chdir(here)
    elif what == "device":
        path.symlink_to("/dev/zero")
    return path


@pytest.mark.parametrize("what", ["pipe", "folder", "dangling", "circle", "socket", "device", "nothing"])
def test_only_a_file_is_opened(what, tmp_path):
    path = strange(tmp_path, what)
    for opens in (regular, read, lambda one: promptzoo.load(one)):
        with pytest.raises(ZooError):
            opens(path)


def test_a_name_that_is_too_long_or_of_nobody_is_a_sentence(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long = "x" * 300
    for path in (long, "a\0b", "~nobody-is-called-so/x"):
        with pytest.raises(ZooError):
            at(path)
    commands = [
        ["check", long], ["eval", long], ["predict", long, f"{long}.jpg"], ["train", "--resume", long],
        ["train", "linear", "--out", long], ["report", "--runs", long],
        ["check", "linear", "data.dataset=folder", f"data.root={long}"], ["report", f"{long}.yaml"],
    ]  # fmt: skip
    for command in commands:
        code, said = odd.told(capfd, *command)
        assert code == 2 or "data.root" in command[-1], said
    assert not list(tmp_path.iterdir())


def test_a_pipe_among_pictures_is_left_out_or_said(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    odd.pictures(tmp_path / "d")
    odd.fifo(tmp_path / "d/train/cat/f.jpg")
    train = ["train", "linear", *odd.words("d", *odd.UNTRAINED)]
    assert "is a pipe, not a file" in odd.refused(capfd, *train, "--out", "one")
    assert odd.told(capfd, *train, "data.on_bad_image=skip", "--out", "two")[0] == 0
    os.mkfifo("w.safetensors")
    os.mkfifo("t.npz")
    os.mkfifo("l.csv")
    os.mkfifo("r.yaml")
    for command in (
        ["predict", "two", "d/train/cat/f.jpg"],
        ["check", "linear", "backbone.weights=w.safetensors"],
        ["check", "lore", "knowledge={table: t.npz}"],
        ["check", "linear", "data={dataset: list, lists: l.csv}"],
        ["check", "r.yaml"],
        ["report", "r.yaml"],
    ):
        assert "l.csv" in command[-1] or "pipe" in odd.refused(capfd, *command)
    os.remove("two/data.json")
    os.mkfifo("two/data.json")
    code, _ = odd.told(capfd, "predict", "two", "d/test/cat/0.png")
    assert code == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_that_may_not_be_entered_is_a_sentence(tmp_path, capfd):
    root = odd.pictures(tmp_path / "d")
    (root / "train" / "cat").chmod(0)
    try:
        odd.refused(capfd, "check", "linear", *odd.words(root))
    finally:
        (root / "train" / "cat").chmod(0o755)
