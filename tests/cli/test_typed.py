"""The command line as it is typed: the way in, words in short, completion, what goes on, pipes, and exit codes."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from threading import RLock
from types import SimpleNamespace

import pytest
import runs
import small

from promptzoo import __version__, cli
from promptzoo.doing import Watcher, doing, watched
from promptzoo.pages import waiting
from promptzoo.pages.console import folded
from promptzoo.recipe.registry import shipped_recipes


def complete(monkeypatch, capsys, *words: str) -> set[str]:
    """What bash would be told, with the last word begun."""
    monkeypatch.setenv("_PROMPTZOO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(["promptzoo", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    with pytest.raises(SystemExit):
        cli.main([])
    return set(capsys.readouterr().out.split())


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def run(tmp_path_factory, root):
    out = tmp_path_factory.mktemp("runs") / "run"
    runs.run(out, root)
    return out


def test_alone_it_shows_the_way_in(capsys):
    assert cli.main([]) == 0
    said = capsys.readouterr().out
    assert __version__ in said
    assert "promptzoo train linear" in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("words", [["-h"], ["train", "-h"], ["--version"]])
def test_it_says_its_version_and_helps_without_types_of_flags(words, capsys):
    assert cli.main(words) == 0
    said = capsys.readouterr().out
    assert "bool" not in said
    assert words != ["--version"] or __version__ in said


def test_words_in_short_are_overrides(tmp_path, root, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "linear", *small.overrides("vit"), f"data.root={root}", "data.shots=4"]
    assert cli.main([*words, "--epochs", "1", "--lr", "2e-2", "--batch", "4", "--seed", "7", "--out", "run"]) == 0
    told = json.loads(Path("run/result.json").read_text())
    assert any("data.root" in remark for remark in told["remarks"])
    recipe = cli_recipe(Path("run"))
    assert (recipe["train"]["epochs"], recipe["train"]["lr"], recipe["train"]["seed"]) == (1, 0.02, 7)
    assert (recipe["data"]["batch"], recipe["data"]["dataset"]) == (4, "folder")
    assert cli.main([*words, "--epochs", "many"]) == 2
    assert "epochs" in capsys.readouterr().err
    assert not Path("runs").exists()


def cli_recipe(out: Path) -> dict:
    from promptzoo.training.run_folder import RunFolder

    return RunFolder(out).recipe().to_dict()


def test_a_shortened_warm_up_is_in_the_result_also_after_a_stop(tmp_path, root):
    out = tmp_path / "run"
    recipe = runs.recipe(root, "linear", "vit", "train.epochs=2")
    assert recipe.remarks
    from promptzoo.training.run_folder import RunFolder
    from promptzoo.training.session import train

    assert recipe.remarks[0] in train(recipe, out, quiet=True).remarks
    assert RunFolder(out).recipe().remarks == recipe.remarks


def test_words_and_values_are_completed(monkeypatch, capsys):
    assert "train" in complete(monkeypatch, capsys, "tr")
    assert complete(monkeypatch, capsys, "train", "adapter_") == {n for n in shipped_recipes() if "adapter_" in n[:8]}
    assert complete(monkeypatch, capsys, "train", "lora", "train.opt") == {"train.optimizer="}
    assert complete(monkeypatch, capsys, "train", "lora", "train.optimizer", "=", "a") == {"adamw"}
    assert complete(monkeypatch, capsys, "train", "lora", "train.optimizer", "=") == {"adamw", "sgd"}
    assert "low_rank" in complete(monkeypatch, capsys, "check", "lora", "grafts.lora.beside.block", "=", "lo")
    assert complete(monkeypatch, capsys, "settings", "tr") == {"train"}


def test_eval_on_other_pictures_asks_for_test_alone(run, root, tmp_path, capsys):
    other = tmp_path / "other"
    (other / "test").parent.mkdir()
    (other / "test").symlink_to(root / "test")
    table = tmp_path / "confusion.csv"
    words = ["eval", str(run), f"data.root={other}"]
    assert cli.main([*words, "--format", "json", "--confusion", str(table)]) == 0
    told, before = json.loads(capsys.readouterr().out), json.loads((run / "result.json").read_text())["test"]
    assert told["accuracy"] == before["accuracy"]
    assert "top5" not in told  # of three classes
    assert 0 <= told["calibration_error"] <= 1
    rows = list(csv.reader(table.open()))
    assert rows[0][1:] == list(told["class_accuracy"])
    counts = {row[0]: [int(cell) for cell in row[1:]] for row in rows[1:]}
    for place, (name, share) in enumerate(told["class_accuracy"].items()):
        assert share == counts[name][place] / sum(counts[name])
    assert cli.main(["eval", str(run), f"data.root={root / 'test'}"]) == 2
    assert "'test'" in capsys.readouterr().err


def test_predict_goes_on_past_what_cannot_be_read(run, root, tmp_path, capsys):
    shots = tmp_path / "shots"
    (shots / "deep").mkdir(parents=True)
    for place, name in enumerate(runs.COLOURS):
        (shots / ("deep" if place else "") / f"{name}.png").write_bytes((root / "test" / name / "0.png").read_bytes())
    (shots / "broken.png").write_bytes(b"no picture")
    assert cli.main(["predict", str(run), str(shots), "--format", "csv", "--top", "2"]) == 1
    said = capsys.readouterr()
    rows = {Path(row["picture"]).name: row for row in csv.DictReader(io.StringIO(said.out))}
    assert set(rows) == {"broken.png", *(f"{name}.png" for name in runs.COLOURS)}
    assert rows["broken.png"]["class"] == ""
    assert 0 < float(rows["fox.png"]["probability_2"]) <= float(rows["fox.png"]["probability"]) <= 1
    assert "broken.png" in said.err
    assert cli.main(["predict", str(run), str(shots / "**" / "f*.png"), "--format", "json", "--out", "x.json"]) == 0
    (told,) = json.loads(Path("x.json").read_text())
    Path("x.json").unlink()
    assert told["classes"][0]["class"] in ("blue jay", "fox", "leaf")
    assert sum(one["probability"] for one in told["classes"]) == pytest.approx(1)
    assert cli.main(["predict", str(run), str(shots / "*.gif")]) == 2


def test_a_file_whose_name_looks_like_an_override_is_read(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a=b.yaml").write_text(shipped_recipes()["linear"].read_text())
    assert cli.main(["report", "a=b.yaml", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "a=b"


def test_combinations_that_are_all_refused_exit_with_2(capsys):
    assert cli.main(["report", "--combine", "backbones=promptzoo/zoo_tiny", "grafts=coop", "head={head: linear}"]) == 2


class ByHand:
    """A timer that goes off when it is told to."""

    def __init__(self, seconds, look):
        assert seconds == waiting.PATIENCE
        self.look, self.runs = look, False

    def start(self):
        self.runs = True

    def cancel(self):
        self.runs = False


def test_what_takes_long_is_named_in_plain_lines_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr(waiting, "threading", SimpleNamespace(RLock=RLock, Timer=ByHand))
    narrator = waiting.Narrator()
    with watched(narrator):
        with doing("quick"):
            timer = narrator.timer
            assert timer.runs
        assert not timer.runs
        timer.look()  # as one that was on its way
        with doing("reading pictures", 100) as step:
            step(50)
            narrator.timer.look()
            assert not capsys.readouterr().err
            narrator.tasks[-1].began -= 2 * waiting.PATIENCE
            for _ in range(2):
                assert narrator.timer.runs
                narrator.timer.look()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("reading pictures: 50 of 100")


def test_the_innermost_is_heard_and_an_error_ends_it():
    heard = []

    class Listener(Watcher):
        def begin(self, what, total):
            heard.append((what, total))

        def end(self):
            heard.append("end")

    with watched(Listener()), pytest.raises(KeyError), doing("outer"), doing("inner", 2):
        raise KeyError
    with doing("unheard"):
        pass
    assert heard == [("outer", 0), ("inner", 2), "end", "end"]


def test_ctrl_c_during_imports_gives_the_command_again():
    code = (
        "import sys, builtins; real = builtins.__import__\n"
        "def slow(name, *rest):\n"
        "    if name.startswith('torch'): raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = slow\n"
        "from promptzoo.cli import main; sys.exit(main(['train', 'linear', 'data.root=my pictures']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr.endswith("promptzoo train linear 'data.root=my pictures'\n")
    assert "Traceback" not in done.stderr


def commands():
    """Every command, and those below one."""
    import typer

    from promptzoo.cli.app import app

    for name, command in typer.main.get_command(app).commands.items():
        below = getattr(command, "commands", {})
        yield from ((name, one) for one in below) if below else [(name,)]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_help_names_what_a_word_takes_and_no_type_of_python(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert cli.main([*words, "--help"]) == 0
    said = capsys.readouterr().out
    assert not re.search(r"<(path|int|float|str|bool|text)( range)?>|\[\[", said)
    (usage,) = re.findall("Usage: .*", said)
    assert not set(usage) & set("{}")


@pytest.mark.parametrize("words", [["train", "loar"], ["check", "linear", "train.gpus=2"], ["train", "lora", "lr=1"]])
def test_a_wrong_word_is_told_before_torch_is_loaded(words, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert cli.main(words) == 2
    assert "did you mean" in capsys.readouterr().err


def test_a_sentence_breaks_between_words_and_leaves_commands_whole():
    command = "promptzoo train lora data.root='my own pictures' --embedded"
    text = f"one two three four five\n    six seven eight nine: {command}; ten /a/path/longer/than/the/screen eleven"
    lines = folded(text, 20).split("\n")
    assert command in [line.strip().rstrip(";") for line in lines]
    assert all(len(line) <= 20 for line in lines if "/" not in line and command not in line)
    assert all(line.startswith("    ") for line in lines[lines.index("    six seven eight") :])
    assert " ".join(folded(text, 20).split()) == " ".join(text.split())


@pytest.mark.parametrize("columns", ["60", "80", "100"])
def test_a_list_cuts_no_word(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main(["list", "--long"]) == 0
    said = capsys.readouterr().out
    assert "(AdaptFormer)," in said.split()
    assert "…" not in said


def test_help_for_a_reader_that_is_gone_is_no_error():
    run = subprocess.Popen([sys.executable, "-m", "promptzoo", "train", "-h"], stdout=-1, stderr=-1)
    run.stdout.close()
    assert run.stderr.read() == b""
    assert run.wait() == 0


def test_a_mistake_in_a_command_names_its_help(capsys):
    assert cli.main(["train", "linear", "--model", "x"]) == 2
    assert "promptzoo train -h" in capsys.readouterr().err
    assert cli.main(["train", "lora.yaml"]) == 2
    assert capsys.readouterr().err.rstrip().endswith("lora")
