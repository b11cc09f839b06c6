"""A pickle is read without running what it holds."""

import os
import pickle

import numpy as np
import pytest

from promptzoo.data.unpickle import ARRAYS, unpickle
from promptzoo.errors import ZooError


class Asks:
    """Asks for a function when it is read."""

    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_and_arrays_come_back(tmp_path, protocol):
    told = {"a": [1, 2.5, "x"], "b": np.arange(3), "c": np.array([], dtype=int), "d": np.float32(2)}
    file = tmp_path / "one.pkl"
    file.write_bytes(pickle.dumps(told, protocol=protocol))
    found = unpickle(file, ARRAYS)
    assert found["a"] == told["a"]
    assert found["b"].tolist() == [0, 1, 2]
    assert found["c"].tolist() == []
    assert found["d"] == 2


def test_arrays_of_python_2_and_of_an_old_numpy_are_read(tmp_path):
    new = pickle.dumps(np.array([200, 3], np.uint8), protocol=2)
    file = tmp_path / "old.pkl"
    file.write_bytes(new.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert unpickle(file, ARRAYS).tolist() == [200, 3]
    file.write_bytes(b"U\x02\xc8\x03.")  # a text of Python 2 that is no ASCII
    assert unpickle(file) == "\xc8\x03"


def test_what_asks_for_a_command_is_refused_and_nothing_happens(tmp_path):
    mark, file = tmp_path / "mark", tmp_path / "hostile.pkl"
    file.write_bytes(pickle.dumps({"gnd": Asks(os.system, f"touch {mark}")}))
    with pytest.raises(ZooError, match=r"hostile.pkl: this pickle is refused: it imports posix.system"):
        unpickle(file, ARRAYS)
    file.write_bytes(pickle.dumps(Asks(eval, f"open({str(mark)!r}, 'w')")))
    with pytest.raises(ZooError, match=r"imports builtins.eval"):
        unpickle(file, ARRAYS)
    assert not mark.exists()


def test_what_is_not_allowed_here_is_refused_though_it_is_elsewhere(tmp_path):
    file = tmp_path / "array.pkl"
    file.write_bytes(pickle.dumps(np.arange(3)))
    with pytest.raises(ZooError, match="it imports numpy"):
        unpickle(file)


def test_what_lies_outside_is_absent_broken_or_too_long_gets_a_sentence(tmp_path):
    file = tmp_path / "one.pkl"
    with pytest.raises(ZooError, match="no such file"):
        unpickle(file)
    file.write_bytes(b"P1\n.")
    with pytest.raises(ZooError, match="refers to something outside itself"):
        unpickle(file)
    file.write_bytes(b"no pickle")
    with pytest.raises(ZooError, match="not a readable pickle"):
        unpickle(file)
    file.write_bytes(pickle.dumps(b"0" * 100))
    with pytest.raises(ZooError, match="too long"):
        unpickle(file, largest=50)
