"""Commands say what is wrong in one sentence, without a traceback."""

import gc
import subprocess
import sys

import pytest

from promptzoo import cli
from promptzoo.cli.loading import loading


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "lni"], "error: nothing is called 'lni'; did you mean lin?"),
        (["list", "blokcs"], "error: no shelf 'blokcs'; did you mean blocks?"),
        (["show"], "error: missing argument 'name'"),
        (["lits"], "error: no such command 'lits'"),
    ],
)
def test_a_command_says_what_is_wrong_and_exits_with_2(words, said, capsys):
    assert cli.main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.lower().startswith(said)


def test_a_command_prints_no_traceback_unless_asked():
    for words, traceback in ((["show", "lni"], False), (["show", "lni", "--debug"], True)):
        run = subprocess.run([sys.executable, "-m", "promptzoo", *words], capture_output=True, text=True)
        assert ("Traceback" in run.stderr) is traceback
        assert run.returncode == (1 if traceback else 2)


def test_ctrl_c_exits_with_130(monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("promptzoo.pages.listing.list_page", interrupted)
    assert cli.main(["list"]) == 130


def test_garbage_is_collected_again_after_the_heavy_imports_whatever_comes_of_them(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr("gc.freeze", lambda: None)
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()
