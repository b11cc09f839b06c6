"""The layouts of the three tasks: what they find, and one sentence for whatever is wrong in them."""

import json
import os
import pickle
import shutil

import layouts
import numpy as np
import pytest
from PIL import Image

from promptzoo.data.masks import GREY, INDEXED, WHITE, read_masks, write_mask
from promptzoo.data.sources.davis import Davis
from promptzoo.data.sources.revisited import Revisited
from promptzoo.data.sources.spair import SPair
from promptzoo.errors import ZooError

# ---------------------------------------------------------------------- revisited Oxford and Paris


@pytest.mark.parametrize("place", [".", "rtiny"])
def test_a_set_is_found_below_its_root_or_in_it(tmp_path, place):
    found = Revisited(layouts.revisited(tmp_path) / place)
    assert [path.stem for path in found.database] == layouts.NAMES
    first, second = found.queries
    assert (first.easy, first.hard, first.junk, first.box) == ((0,), (1,), (), (4.0, 4.0, 40.0, 30.0))
    assert (second.hard, second.junk) == ((), (3,))


@pytest.mark.parametrize("folder", ["images", "."])
def test_pictures_may_lie_in_images_or_beside_the_list(tmp_path, folder):
    root = layouts.revisited(tmp_path) / "rtiny"
    if folder == "images":
        (root / "jpg").rename(root / "images")
    else:
        for file in (root / "jpg").iterdir():
            file.rename(root / file.name)
        (root / "jpg").rmdir()
    assert Revisited(root).database[0].parent == root / folder


def test_json_is_preferred_to_the_pickle(tmp_path):
    root = layouts.revisited(tmp_path)
    told = {"imlist": ["dome"], "qimlist": ["q0"], "gnd": [{"easy": [0]}]}
    (root / "rtiny" / "gnd_rtiny.json").write_text(json.dumps(told))
    found = Revisited(root)
    assert len(found.database) == 1
    assert found.queries[0].box is None


def test_of_several_sets_one_is_named(tmp_path):
    layouts.revisited(layouts.revisited(tmp_path), "rother")
    with pytest.raises(ZooError, match=r"the sets rother, rtiny; choose one with data.set=NAME"):
        Revisited(tmp_path)
    assert Revisited(tmp_path, set="rother").name == "rother"
    with pytest.raises(ZooError, match="no set 'rtyny'; did you mean rtiny"):
        Revisited(tmp_path, set="rtyny")


def test_a_hostile_ground_truth_is_refused(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "mark"),)

    root = layouts.revisited(tmp_path)
    (root / "rtiny" / "gnd_rtiny.pkl").write_bytes(pickle.dumps({"imlist": Hostile()}))
    with pytest.raises(ZooError, match=r"gnd_rtiny.pkl: this pickle is refused: it imports posix.mkdir"):
        Revisited(root)
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([], "a mapping of imlist, qimlist and gnd"),
        ({"imlist": ["../../etc/x"], "qimlist": [], "gnd": []}, "lies outside the folder"),
        ({"imlist": ["/etc/x"], "qimlist": [], "gnd": []}, "lies outside the folder"),
        ({"imlist": [".."], "qimlist": [], "gnd": []}, "should be a file name"),
        ({"imlist": [3], "qimlist": [], "gnd": []}, "should be a file name, got 3"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": []}, "1 queries, but 0 entries"),
        ({"imlist": ["arch"], "qimlist": [], "gnd": []}, "no queries"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": [{"easy": [1]}]}, "'easy' names picture 1, but imlist has 1"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": [{"hard": [0.5]}]}, "'hard' should be a list of whole numbers"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": [{"hard": [-1]}]}, "'hard' names picture -1"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": [{"easy": [0], "junk": [0]}]}, "picture 0 in two of its lists"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": [{"bbx": [1, 2, 3]}]}, "'bbx' should be four numbers"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": [{"bbx": [9, 9, 3, 3]}]}, "and not empty"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": [{"bbx": [0, 0, 1e999, 3]}]}, "and not empty"),
        ({"imlist": ["arch"], "qimlist": ["q0"], "gnd": [{"junk": [0]}]}, "no query has a positive"),
        ({"imlist": ["gone", "arch", "lost"], "qimlist": ["q0"], "gnd": [{}]}, "gone.jpg, and 1 more are missing"),
    ],
)
def test_a_ground_truth_that_says_what_cannot_be_gets_a_sentence(tmp_path, told, sentence):
    root = layouts.revisited(tmp_path)
    layouts.truth(root, "rtiny", told)
    with pytest.raises(ZooError, match=sentence):
        Revisited(root)


# ---------------------------------------------------------------------- SPair-71k


def test_pairs_are_read_in_both_spellings_and_with_windows_line_ends(tmp_path):
    root = layouts.spair(tmp_path)
    layout = root / "Layout" / "large" / "test.txt"
    layout.write_bytes(layout.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    first = next(iter(SPair(root)))
    assert (first.category, first.target_size, first.target_points[2]) == ("cat", (48, 48), [40.0, 40.0])
    for file in (root / "PairAnnotation" / "test").iterdir():
        file.rename(file.with_name(file.name.replace(":", "_")))
    assert next(iter(SPair(root))) == first


def test_some_pairs_of_each_category_are_drawn_without_replacement(tmp_path):
    root = layouts.spair(tmp_path)
    layout = root / "Layout" / "large" / "test.txt"
    template = (root / "PairAnnotation" / "test" / "000000-0-1:cat.json").read_text()
    names = [f"{i:06d}-0-1:cat" for i in range(10)]
    for name in names:
        (root / "PairAnnotation" / "test" / f"{name}.json").write_text(template)
    layout.write_text("\n".join([*names, "000001-0-1:dog"]))
    drawn = SPair(root, pairs_per_category=4, seed=1).names
    assert len(drawn) == 5 == len(set(drawn))
    assert drawn == SPair(root, pairs_per_category=4, seed=1).names != SPair(root, pairs_per_category=4, seed=2).names


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mirror": 1}, "'mirror' is 1"),
        ({"src_kps": [[50, 10], [1, 1], [2, 2]]}, r"'src_kps' has a point 50, 10, outside its 48 x 36 picture"),
        ({"trg_kps": [[1, 1]]}, "3 points in the source but 1 in the target"),
        ({"trg_kps": [[1], [1, 2], [1, 2]]}, "'trg_kps' should be 2 numbers"),
        ({"src_kps": [], "trg_kps": []}, "or no points"),
        ({"trg_bndbox": [9, 9, 9, 20]}, "and not empty"),
        ({"src_imname": "../../../etc/passwd"}, "lies outside the folder"),
        ({"category": ".."}, "should be a file name"),
        ({"src_imname": "9.jpg"}, "no such picture"),
        ({"src_imsize": [0, 36, 3]}, "should be width, height and channels"),
    ],
)
def test_a_pair_that_says_what_cannot_be_gets_a_sentence(tmp_path, changes, sentence):
    with pytest.raises(ZooError, match=sentence):
        list(SPair(layouts.spair(tmp_path, **changes)))


def test_a_listed_pair_without_a_file_is_named_at_once(tmp_path):
    root = layouts.spair(tmp_path)
    (root / "PairAnnotation" / "test" / "000001-0-1:dog.json").unlink()
    with pytest.raises(ZooError, match=r"no such pair of the list: .*000001-0-1:dog.json"):
        SPair(root)


@pytest.mark.parametrize(("line", "sentence"), [("../x:cat", "lies outside the folder"), ("", "the list is empty")])
def test_a_list_of_pairs_that_leads_nowhere_gets_a_sentence(tmp_path, line, sentence):
    root = layouts.spair(tmp_path)
    (root / "Layout" / "large" / "test.txt").write_text(line)
    with pytest.raises(ZooError, match=sentence):
        SPair(root)


# ---------------------------------------------------------------------- DAVIS


def test_the_value_of_an_indexed_mask_is_the_id_and_void_is_background(tmp_path):
    ids = np.array([[0, 1, 2, 255]], np.uint8)
    write_mask(tmp_path / "a.png", ids)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        assert image.getpalette()[3:9] == [128, 0, 0, 0, 128, 0]  # PASCAL VOC's colours
    (found,), kind = read_masks([tmp_path / "a.png"])
    assert (found.tolist(), kind) == ([[0, 1, 2, 0]], INDEXED)


@pytest.mark.parametrize(
    ("values", "expected", "kind"),
    [([0, 255, 255], [0, 1, 1], WHITE), ([0, 0, 0], [0, 0, 0], WHITE), ([0, 1, 255], [0, 1, 0], GREY)],
)
def test_grey_masks_of_black_and_white_mark_one_object_and_others_hold_ids(tmp_path, values, expected, kind):
    Image.fromarray(np.array([values], np.uint8)).save(tmp_path / "a.png")
    (found,), told = read_masks([tmp_path / "a.png"])
    assert (found.tolist(), told) == ([expected], kind)


def test_sequences_come_from_the_list_or_from_the_folders(tmp_path):
    root = layouts.davis(layouts.davis(tmp_path), name="run")
    (root / "JPEGImages" / "480p" / ".hidden").mkdir()
    assert [video.name for video in Davis(root).videos] == ["run", "walk"]
    layouts.listed(root, "2017", "walk\r\n\r\n")
    found = Davis(root)
    assert ([video.name for video in found.videos], found.list) == (["walk"], "ImageSets/2017/val.txt")
    line = "/JPEGImages/480p/run/00000.jpg /Annotations/480p/run/00000.png\r\n"
    layouts.listed(root, "480p", line + line.replace("00000", "00001"))
    assert [video.name for video in Davis(root, year=2016).videos] == ["run"]


def test_frames_and_masks_belong_together_by_name_wherever_numbers_begin(tmp_path):
    root = layouts.davis(tmp_path, first=1)
    (root / "JPEGImages" / "480p" / "walk" / "00003.jpg").unlink()
    (root / "Annotations" / "480p" / "walk" / "00003.png").unlink()
    (video,) = Davis(root).videos
    assert [path.stem for path in video.frames] == ["00001", "00002", "00004", "00005"] == list(video.masks)


def test_what_is_missing_in_a_video_is_named(tmp_path):
    root = layouts.davis(tmp_path)
    frames, masks = (root / one / "480p" / "walk" for one in ("JPEGImages", "Annotations"))
    (frames / "00002.jpg").unlink()
    with pytest.raises(ZooError, match=r"no such frame: .*00002.jpg"):
        Davis(root)
    (frames / "00000.jpg").rename(frames / "00002.jpg")
    (masks / "00000.png").unlink()
    (masks / "00001.png").unlink()
    with pytest.raises(ZooError, match=r"no such mask: .*00001.png, needed for the first frame"):
        Davis(root)
    shutil.rmtree(masks)
    with pytest.raises(ZooError, match="no such mask"):
        Davis(root)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_sequence_with_nothing_between_its_ends_gets_a_sentence(tmp_path, frames):
    with pytest.raises(ZooError, match=f"the sequence walk has {frames} masks"):
        Davis(layouts.davis(tmp_path, frames=frames))


@pytest.mark.parametrize(
    ("year", "text", "sentence"),
    [
        ("2017", "../other", "lies outside the folder"),
        ("2017", "nowhere", "no frames in .*nowhere"),
        ("480p", "walk", "a line should be /JPEGImages/480p/<sequence>/<frame>.jpg"),
        ("480p", "/JPEGImages/480p/../x.jpg", "should be a file name"),
        ("480p", "/JPEGImages/480p/walk/00009.jpg /Annotations/x", "lists a missing frame"),
    ],
)
def test_a_list_of_sequences_that_leads_nowhere_gets_a_sentence(tmp_path, year, text, sentence):
    with pytest.raises(ZooError, match=sentence):
        Davis(layouts.listed(layouts.davis(tmp_path), year, text))


def test_masks_of_another_size_or_kind_are_named(tmp_path):
    write_mask(tmp_path / "a.png", np.zeros((4, 6), np.uint8))
    write_mask(tmp_path / "b.png", np.zeros((4, 7), np.uint8))
    with pytest.raises(ZooError, match=r"b.png: this mask is 7 x 4, the first of its video 6 x 4"):
        read_masks([tmp_path / "a.png", tmp_path / "b.png"])
    Image.new("RGB", (6, 4)).save(tmp_path / "c.png")
    with pytest.raises(ZooError, match=r"c.png: a mask should be indexed .* this one is RGB"):
        read_masks([tmp_path / "c.png"])
    Image.new("L", (6, 4)).save(tmp_path / "d.png")
    with pytest.raises(ZooError, match=r"d.png: this mask has mode L, but the first of its video has P"):
        read_masks([tmp_path / "a.png", tmp_path / "d.png"])
    (tmp_path / "e.png").write_bytes(b"no picture")
    with pytest.raises(ZooError, match=r"e.png: this mask cannot be read \(cannot identify image file\)"):
        read_masks([tmp_path / "e.png"])


def test_a_root_that_is_not_there_names_the_layout(tmp_path):
    for source in (Revisited, SPair, Davis):
        with pytest.raises(ZooError, match="does not exist"):
            source(tmp_path / "nowhere")
        with pytest.raises(ZooError, match="<root>"):
            source(tmp_path)
