"""Kind 8: pictures are read as what they are, or refused by the name of their mode; what is left out is counted."""

import subprocess
import sys

import numpy as np
import odd
import pytest
from PIL import Image, features

from promptzoo import cli
from promptzoo.data.picture import endings, read
from promptzoo.data.sources.folder import PictureFolder
from promptzoo.errors import ZooError

RAMP = np.linspace(0, 1, 64).reshape(8, 8)


def test_each_mode_is_scaled_by_its_range_or_refused_by_name(tmp_path):
    expected = (RAMP * 255).round()
    for name, numbers in (
        ("sixteen.png", (RAMP * 65535).round().astype(np.uint16)),
        ("float.tiff", RAMP.astype(np.float32)),
        ("whole.tiff", (RAMP * 65535).round().astype(np.int32)),
    ):
        Image.fromarray(numbers).save(tmp_path / name)
        found = np.asarray(read(tmp_path / name))
        assert found.shape == (8, 8, 3)
        assert np.abs(found[..., 0] - expected).max() <= 1, name
    for name, numbers in (
        ("large.tiff", np.full((4, 4), 2**20, np.int32)),
        ("minus.tiff", np.full((4, 4), -1, np.int32)),
        ("bright.tiff", np.full((4, 4), 300, np.float32)),
        ("nan.tiff", np.full((4, 4), np.nan, np.float32)),
    ):
        Image.fromarray(numbers).save(tmp_path / name)
        with pytest.raises(ZooError) as caught:
            read(tmp_path / name)
        assert caught.value.given in ("I", "F")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"])
def test_every_mode_of_eight_bits_becomes_rgb(mode, tmp_path):
    made = Image.new("RGB", (8, 8), (200, 30, 90)).convert(
        "LA" if mode == "PA" else "RGB" if mode in ("LAB",) else mode
    )
    ending = next(one for one in ("png", "tiff", "jpg") if one != "png" or mode in ("1", "L", "LA", "P", "RGB", "RGBA"))
    try:
        made.save(tmp_path / f"x.{ending}")
    except OSError:
        pytest.skip(f"no file holds {mode}")
    assert read(tmp_path / f"x.{ending}").mode == "RGB"


def test_a_file_that_would_run_another_program_is_no_picture(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "x.eps")
    (tmp_path / "x.eps").rename(tmp_path / "x.png")
    with pytest.raises(ZooError):
        read(tmp_path / "x.png")


def test_what_pillow_reads_is_found_and_the_rest_is_counted(tmp_path):
    root = odd.pictures(tmp_path / "d", count=1)
    cat = root / "train" / "cat"
    (cat / "deep" / "er").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(cat / "deep" / "er" / "x.PNG")
    if features.check("avif"):
        Image.new("RGB", (8, 8)).save(cat / "y.avif")
        assert ".avif" in endings()
    for name in ("z.heic", "notes.txt", ".hidden.png"):
        (cat / name).write_text("x")
    (cat / "up").symlink_to(root)
    (root / "other").mkdir()
    found = PictureFolder(root)
    names = [one.name for one in found.train]
    assert "train/cat/deep/er/x.PNG" in names
    assert ("train/cat/y.avif" in names) == features.check("avif")
    said = " ".join(found.remarks)
    for word in ("1 x .heic", "1 x .txt", "1 x hidden", "other"):
        assert word in said or (word == "1 x .heic" and ".heic" in endings())


def test_links_in_a_circle_are_walked_once(tmp_path):
    root = odd.pictures(tmp_path / "d", count=1)
    for one, other in (("cat", "dog"), ("dog", "cat")):
        (root / "train" / one / "link").symlink_to(root / "train" / other)
    assert len(PictureFolder(root).train) < 10


def test_predict_goes_on_past_what_it_cannot_read(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    odd.pictures(tmp_path / "d")
    assert cli.main(["train", "linear", *odd.words("d", *odd.UNTRAINED), "--out", "r"]) == 0
    (tmp_path / "broken.png").write_bytes((tmp_path / "d/test/cat/0.png").read_bytes()[:60])
    files = ["d/test/cat/0.png", "broken.png", "d/test/dog/0.png"]
    capfd.readouterr()
    code = cli.main(["predict", "r", *files])
    said = capfd.readouterr()
    assert code == 1
    assert [name in said.out for name in files] == [True, False, True]
    assert "broken.png" in said.err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted by the system")
def test_a_large_grey_picture_of_sixteen_bits_takes_little(tmp_path):
    Image.fromarray(np.zeros((13000, 13000), np.uint16)).save(tmp_path / "b.png")
    program = """if True:
        import sys; from pathlib import Path; from promptzoo.data.picture import read
        from promptzoo.training.machine import resident; before = resident("VmHWM")
        read(Path(sys.argv[1])); print(resident("VmHWM") - before)
    """
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "b.png"], check=True, capture_output=True)
    assert float(done.stdout) < 1100  # MiB, of 322 in 16 bits; packages take what they take
