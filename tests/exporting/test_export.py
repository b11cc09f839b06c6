"""A run becomes a file that other software reads, tried before it is written, or nothing is written."""

import json
import sys
from contextlib import suppress
from functools import partial

import exports
import merged
import numpy as np
import onnx
import pytest
import small
import torch
from exported import left, of_this_machine, refused
from PIL import Image

import promptzoo
from promptzoo import cli
from promptzoo.exporting import program, to_onnx
from promptzoo.exporting.export import export
from promptzoo.exporting.measured import measure_file
from promptzoo.exporting.onnx_file import OnnxFile

BATCHES = (1, 2, 4, 7)


@pytest.fixture(scope="module")
def file(run):
    """The run as an .onnx file."""
    return export(run, "onnx").path


def logits(run, image):
    with torch.no_grad():
        return promptzoo.load(run).model.float()(image).logits


def test_an_onnx_file_gives_what_the_run_gives_in_any_batch(run, file):
    opened = OnnxFile(file)
    for rows in BATCHES:
        image = torch.randn(rows, 3, 32, 32)
        expected = logits(run, image)
        torch.testing.assert_close(opened.likely(image), expected.softmax(-1), atol=1e-5, rtol=1e-5)
    assert opened.classes == promptzoo.Run(run).classes
    assert opened.preprocess == promptzoo.load(run).preprocess
    told, own = opened.facts.recipe, promptzoo.Run(run).recipe.to_dict()
    assert told == {**own, "data": {**own["data"], "root": "set"}}
    assert not of_this_machine(run, file)


def test_predict_names_pictures_with_an_onnx_file_alone(run, file, folder, capsys, monkeypatch):
    monkeypatch.setattr("promptzoo.training.predict.open_run", None)
    broken = folder / "broken.png"
    broken.write_bytes(b"no picture")
    pictures = [str(folder / "set" / "test" / "fox"), str(broken)]
    assert cli.main(["predict", str(file), *pictures, "--format", "json"]) == 1
    told, said = capsys.readouterr()
    assert len(json.loads(told)) == 5
    assert "skipped" in said
    assert cli.main(["predict", str(file), pictures[0], "--classes", "a,b"]) == 2


def test_a_pt2_file_is_a_program_of_torch_alone(run, tmp_path):
    made = export(run, "pt2", tmp_path / "model.pt2")
    told = {"promptzoo.json": ""}
    found = torch.export.load(made.path, extra_files=told).module()
    for rows in BATCHES:
        image = torch.randn(rows, 3, 32, 32)
        torch.testing.assert_close(found(image), logits(run, image), atol=1e-6, rtol=1e-5)
    assert json.loads(json.loads(told["promptzoo.json"])["classes"]) == promptzoo.Run(run).classes
    assert made.difference <= 1e-6
    assert not of_this_machine(run, made.path)


def test_eight_bits_stand_beside_the_accuracy_that_they_cost(run, file, folder, capsys):
    lower = folder / "small.onnx"
    assert cli.main(["export", str(run), "--int8", "--out", str(lower)]) == 0
    before = promptzoo.Run(run).figures["test"]["accuracy"]
    assert f"on 12 test pictures: {100 * before:.1f} % in float32" in capsys.readouterr().out
    assert "MatMulInteger" in {node.op_type for node in onnx.load(lower).graph.node}
    assert len(OnnxFile(lower).predict([folder / "set" / "test" / "fox" / "0.png"])[0].ranking) == 3


def test_the_whole_model_is_traced_with_its_notes():
    model = small.model("lore").eval()
    with torch.no_grad():
        shapes = ({0: torch.export.Dim("batch")}, None)
        found = torch.export.export(model, (small.pictures(model), None), dynamic_shapes=shapes).module()
        image = small.pictures(model, 5)
        given, expected = found(image, None), model(image)
    assert given.notes.values.keys() == expected.notes.values.keys()
    torch.testing.assert_close(given.notes["feature"], expected.notes["feature"])


@pytest.mark.parametrize(("name", "reads"), [("zero_shot", False), ("linear", False), ("cocoop", True)])
def test_a_program_holds_a_text_tower_where_pictures_need_it(name, reads):
    model = small.model(name, "clip")
    text, image = model.text, small.pictures(model, 2)
    found = program.traced(model, name)
    assert any(".text." in key for key in found.program.state_dict) == reads
    assert model.text is text
    with torch.no_grad():
        torch.testing.assert_close(found.program.module()(image), model(image).logits)


# ---------------------------------------------------------------------- what is not written


def test_a_program_of_one_batch_size_is_not_written(run, tmp_path, monkeypatch):
    whole = program.export
    monkeypatch.setattr(program, "export", lambda model, images, dynamic_shapes: whole(model, images))
    assert "pictures at a time" in refused(lambda: export(run, "onnx", tmp_path / "a.onnx")).what
    assert not left(tmp_path)


def test_what_differs_is_not_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr("promptzoo.exporting.export.to_pt2", lambda *_: (b"", float("nan")))
    assert "is not written" in refused(lambda: export(run, "pt2", tmp_path / "a.pt2")).what
    monkeypatch.setattr(program, "export", partial(small.recipe, "no such thing"))
    assert "cannot be traced" in refused(lambda: export(run, "pt2", tmp_path / "a.pt2")).what
    assert not left(tmp_path)


def test_a_mistake_in_the_words_leaves_nothing(run, tmp_path, monkeypatch):
    assert "onnx" in refused(lambda: export(run, "onyx")).nearest
    assert refused(lambda: export(run, "pt2", int8=True)).key == "int8"
    assert refused(lambda: export(run, "onnx", tmp_path / "a.pt2")).given == ".pt2"
    (tmp_path / "a.onnx").write_text("mine")
    assert "not overwritten" in refused(lambda: export(run, "onnx", tmp_path / "a.onnx")).what
    assert refused(lambda: export(run, "open_clip", tmp_path / "b")).given == "open_clip"
    deep = merged.checkpoint(tmp_path / "deep" / "model.safetensors", "vpt_deep")
    assert "'vpt' at" in refused(lambda: export(deep, "timm", tmp_path / "b")).lines[0]
    assert "'vpt' at" in refused(lambda: export(deep, "peft", tmp_path / "b")).lines[0]
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "'onnxscript>=" in refused(lambda: export(run, "onnx", tmp_path / "b.onnx")).remedy
    assert left(tmp_path) == {"a.onnx", "deep"}


def changed(file, words):
    """The same file saying something else."""
    proto = onnx.load(file)
    kept = {one.key: one.value for one in proto.metadata_props}
    del proto.metadata_props[:]
    for key, value in ({**kept, **words} if words else {}).items():
        proto.metadata_props.add(key=key, value=value)
    content = proto.SerializeToString()
    return to_onnx.sealed(content, kept["digest"]) if words and "digest" not in words else content


def test_an_onnx_file_that_is_not_ours_is_told(file, tmp_path, capsys):
    seen, torn = json.dumps({"size": [64, 64]}), bytearray(file.read_bytes())
    torn[len(torn) // 3] ^= 1
    wrong = {
        "it is not a readable ONNX file": b"no protobuf at all",
        "it was not exported by promptzoo": changed(file, {}),
        "its metadata is not in promptzoo's format": changed(file, {"classes": "5"}),
        "its graph has": changed(file, {"preprocess": seen}),
        "it has changed since it was exported": bytes(torn),
        "it is damaged": changed(file, {"digest": ""}),
    }
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    for number, (what, content) in enumerate(wrong.items()):
        foreign = tmp_path / f"{number}.onnx"
        foreign.write_bytes(content)
        said = refused(lambda foreign=foreign: OnnxFile(foreign))
        assert what in said.what
        assert str(said.place) == str(foreign)
        assert cli.main(["predict", str(foreign), str(tmp_path / "a.png")]) == 2
    assert capsys.readouterr().err.count("error: ") == len(wrong)
    opened = OnnxFile(file)
    assert refused(lambda: opened.predict(torch.zeros(1, 3, 64, 64))).given == (3, 64, 64)
    assert cli.main(["predict", str(tmp_path / "none.onnx"), str(tmp_path / "a.png")]) == 2


def test_a_model_that_is_too_large_for_a_protobuf_is_told(file, monkeypatch):
    monkeypatch.setattr(to_onnx, "LARGEST", 1000)
    assert "to=pt2" in refused(lambda: to_onnx.described(onnx.load(file), OnnxFile(file).facts)).remedy


def test_a_report_times_an_onnx_file_beside_torch(file, tmp_path, capsys):
    assert cli.main(["report", "--measure", str(file), "--format", "csv"]) == 0
    titles, row = (line.split(",") for line in capsys.readouterr().out.splitlines()[:2])
    assert len(titles) >= 5
    assert (row[0], row[1]) == (str(file), f"{file.stat().st_size / 1e6:.1f}")
    assert cli.main(["report", str(file)]) == 2
    assert cli.main(["report", "--measure", str(file), "lora"]) == 2
    assert cli.main(["report", "--measure", str(file), "--format", "json"]) == 2
    evil = tmp_path / "evil.onnx"
    recipe = {**OnnxFile(file).facts.recipe, "head": {"head": "evil_mod:Head"}}
    evil.write_bytes(changed(file, {"recipe": json.dumps(recipe)}))
    assert refused(lambda: measure_file(evil)).key == "trust_code"
    gone = tmp_path / "gone.onnx"
    gone.write_bytes(changed(file, {"recipe": "null"}))
    assert "made in Python" in refused(lambda: measure_file(gone)).what


def test_the_page_of_exports_is_written_of_all_recipes_alone(tmp_path, monkeypatch):
    page = tmp_path / "exports.md"
    monkeypatch.setattr(exports, "PAGE", page)
    monkeypatch.setattr(exports, "page", lambda names: "some\n" if names == ["lora"] else "all\n")
    for words, written in ((["lora", "--write"], None), (["lora"], None), (["--write"], "all\n")):
        monkeypatch.setattr(sys, "argv", ["exports.py", *words])
        with suppress(SystemExit):
            exports.main()
        assert (page.read_text() if page.exists() else None) == written
    monkeypatch.setattr(sys, "argv", ["exports.py", "lorra"])
    with pytest.raises(SystemExit) as ended:
        exports.main()
    assert ended.value.code == 2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), small.COMBINATIONS)
def test_every_recipe_is_a_program_and_an_onnx_file(name, kind):
    for found in exports.differences(name, kind):
        assert found <= 1e-5
