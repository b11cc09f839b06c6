"""The embedded set: the same pictures everywhere and always, from digits that no two splits share."""

import hashlib
import subprocess
import sys
from collections import Counter
from threading import get_ident

import numpy as np
import pytest
from pictures import error
from PIL import Image
from sklearn.datasets import load_digits

from promptzoo.data.cache import Cache
from promptzoo.data.picture import Picture
from promptzoo.data.preprocess import Preprocess
from promptzoo.data.sources.digits import WORDS, ClutteredDigits, sources
from promptzoo.data.sources.drawing import glyphs


def digest(pictures):
    return hashlib.sha256(b"".join(picture.open().tobytes() for picture in pictures)).hexdigest()


def test_no_two_splits_draw_from_the_same_handwritten_digit():
    _, split = sources()
    flat = {name: [number for of_class in numbers for number in of_class] for name, numbers in split.items()}
    assert {name: len(numbers) for name, numbers in flat.items()} == {
        "pretrain": 900, "train": 250, "val": 200, "test": 447,
    }  # fmt: skip
    assert sorted(number for numbers in flat.values() for number in numbers) == list(range(1797))


def test_the_masks_and_classes_are_of_the_digits_that_scikit_learn_loads():
    masks, split = sources()
    there = load_digits()
    assert np.array_equal(masks, glyphs((there.images / 16).astype(np.float32)))
    assert all(there.target[mine].tolist() == [label] * len(mine) for label, mine in enumerate(split["train"]))


def test_drawn_pictures_are_read_one_after_another_since_threads_would_wait_for_each_other():
    told = []
    cache = Cache(Preprocess((64, 64), (0.5,) * 3, (0.5,) * 3), threads=4)
    cache.all_readable(
        [
            Picture(0, str(number), lambda: told.append(get_ident()) or Image.new("RGB", (64, 64)), drawn=True)
            for number in range(9)
        ]
    )
    assert told == [get_ident()] * 9


def test_classes_are_balanced_and_named_in_words():
    digits = ClutteredDigits()
    assert digits.classes == list(WORDS)
    for pictures, of_class in ((digits.train, 25), (digits.val, 20), (digits.test, 100)):
        assert Counter(picture.label for picture in pictures) == dict.fromkeys(range(10), of_class)
        assert len({picture.name for picture in pictures}) == len(pictures)


def test_pictures_are_small_and_in_colour():
    picture = ClutteredDigits().val[3].open()
    assert (picture.size, picture.mode) == ((64, 64), "RGB")
    assert np.asarray(picture).std() > 10


@pytest.mark.slow
def test_a_picture_is_the_same_in_every_process():
    program = (
        "import hashlib; from promptzoo.data.sources.digits import ClutteredDigits; d = ClutteredDigits(seed=3);"
        "print(hashlib.sha256(b''.join(p.open().tobytes() for p in d.test[:20])).hexdigest(), d.fingerprint())"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    digits = ClutteredDigits(seed=3)
    assert said == [digest(digits.test[:20]), digits.fingerprint()]


def test_a_picture_does_not_depend_on_those_opened_before_it():
    one, other = ClutteredDigits(), ClutteredDigits()
    assert [digest([p]) for p in one.test[:6]] == [digest([p]) for p in other.test[5::-1]][::-1]


def test_pictures_differ_by_seed_by_split_and_by_number():
    digits, other = ClutteredDigits(), ClutteredDigits(seed=1)
    drawn = digits.train[:10] + digits.val[:10] + digits.test[:10] + other.test[:10]
    assert len({digest([picture]) for picture in drawn}) == 40
    assert digits.fingerprint() != other.fingerprint()


def test_the_fingerprint_draws_few_pictures_and_follows_the_arguments(monkeypatch):
    draw, drawn = ClutteredDigits.draw, []
    monkeypatch.setattr(ClutteredDigits, "draw", lambda self, *asked: drawn.append(asked) or draw(self, *asked))
    plain = ClutteredDigits()
    found = plain.fingerprint()
    assert len(drawn) <= 15
    assert found == ClutteredDigits().fingerprint()
    assert plain.fingerprint() != ClutteredDigits(pieces=(0, 2)).fingerprint()


def test_a_range_written_the_wrong_way_round_is_refused_by_name():
    refused = error(lambda: ClutteredDigits(others=(3, 1)))
    assert (refused.key, refused.given) == ("others", [3, 1])
