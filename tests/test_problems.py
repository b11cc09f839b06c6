"""Errors as such: their fields, the sentence made of them, and what is left of them after a journey."""

import pickle
from copy import copy, deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from promptzoo.backbones.adopt.account import AdoptionError
from promptzoo.errors import MANY, Problems, RecipeError, ZooError, located, nearest, placing, some
from promptzoo.recipe.complaints import SHOULD, complaint
from promptzoo.recipe.yaml import Node, Place
from promptzoo.training.interrupt import StoppedError

FIELDS = {"place": "r.yaml:3", "key": "block", "given": "lni", "possible": ["lin", "kla"], "remedy": "take another"}
WORDING = [  # the one table of how fields become a sentence
    ({}, "no block"),
    ({"place": Place("r.yaml", 3)}, "r.yaml:3: no block"),
    ({"given": "lni", "possible": ["lin", "kla"]}, "no block; did you mean lin?"),
    ({"given": "redant", "possible": ["red ant", "red_ant", "bee"]}, "no block; did you mean red ant or red_ant?"),
    ({"given": "qqq", "possible": ["lin", "kla"]}, "no block; possible: lin, kla"),
    ({"given": "qqq", "possible": []}, "no block; there are none"),
    ({"given": 3, "possible": [1, 2]}, "no block; possible: 1, 2"),
    ({"given": "lin", "possible": ["lin", "kla"]}, "no block; possible: lin, kla"),
    ({"given": "qqq", "possible": ["lin"], "remedy": "write lin"}, "no block; write lin"),
    ({"given": "qqq", "possible": ["lin"], "lines": ["it takes lin"]}, "no block\n    it takes lin"),
    ({"given": "qqq", "possible": map(str, range(MANY + 1))}, "no block"),
    ({"remedy": "take another", "lines": ["one", "two"]}, "no block; take another\n    one\n    two"),
    (FIELDS, "r.yaml:3: no block; did you mean lin?; take another"),
]


@pytest.mark.parametrize(("fields", "said"), WORDING)
def test_a_sentence_is_made_of_what_is_said_and_the_fields(fields, said):
    assert str(ZooError("no block", **fields)) == said


@pytest.mark.parametrize("cls", [ZooError, RecipeError, StoppedError, AdoptionError])
@pytest.mark.parametrize("journey", [copy, deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_keeps_its_fields_on_a_journey(cls, journey):
    error = cls("no block", **FIELDS, lines=["below"])
    there = journey(error)
    assert type(there) is cls
    assert vars(there) == vars(error)
    assert (str(there), there.nearest, there.exit_code) == (str(error), ["lin"], cls.exit_code)


def test_what_was_given_is_kept_in_plain_values():
    node = Node({"a": [1, object]}, Place("r.yaml", 1))
    assert ZooError(given=node).given == {"a": [1, "<class 'object'>"]}
    assert type(ZooError(given=node).given) is dict
    assert ZooError(given=(1, 2.5)).given == (1, 2.5)
    pickle.loads(pickle.dumps(ZooError(given=lambda: None)))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=6,
)


@given(ANYTHING, st.none() | st.lists(st.text() | st.integers(), max_size=50), st.text(), st.text(), ANYTHING)
def test_whatever_is_given_and_possible_there_is_a_sentence(given, possible, what, remedy, place):
    error = ZooError(what, place=place, given=given, possible=possible, remedy=remedy)
    assert what in str(error)
    assert remedy in str(error)
    assert set(error.nearest) <= set(error.possible or ())
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@given(st.lists(st.text(min_size=1)), st.integers(1, 6))
def test_the_first_of_many_are_named_and_the_rest_counted(names, most):
    said = some(names, most)
    assert said.startswith(", ".join(f"'{name}'" for name in names[:most]))
    assert said.endswith(f" and {len(names) - most} more") == (len(names) > most) or not names
    assert some("abcdefg", 2, quote="", joint="; ") == "a; b and 5 more"


@given(st.text(), st.lists(st.text()))
def test_what_is_nearest_is_among_the_words_and_there_once(word, words):
    found = nearest(word, words)
    assert set(found) <= set(words)
    assert len(found) == len(set(found)) <= 3


def test_an_error_can_be_said_of_something_and_gets_one_place():
    error = ZooError("no size", key="size", given="bgi", possible=["big"])
    assert str(error.under("block 'lin'")) == "block 'lin': no size; did you mean big?"
    assert str(error) == "no size; did you mean big?"
    placed = located(error, Place("r.yaml", 2))
    assert isinstance(placed, RecipeError)
    assert (placed.place, placed.key, placed.nearest) == ("r.yaml:2", "size", ["big"])
    assert located(placed, "elsewhere") is placed
    file = located(ZooError("no picture", place="a.png"), "r.yaml:2")
    assert (file.place, str(file)) == ("r.yaml:2", "r.yaml:2: a.png: no picture")
    assert str(located(ValueError("rank is 0"), "r.yaml:2")) == "r.yaml:2: rank is 0"


def test_what_is_built_from_a_recipe_gives_its_mistakes_a_place():
    with pytest.raises(RecipeError) as caught, placing("r.yaml:2"):
        raise ValueError("rank is 0")
    assert (caught.value.place, caught.value.what) == ("r.yaml:2", "rank is 0")
    with pytest.raises(RecipeError) as caught, placing("r.yaml:2"):
        raise RecipeError("no rank", place="r.yaml:7")
    assert caught.value.place == "r.yaml:7"
    with pytest.raises(RecipeError) as caught, placing("r.yaml:2"):
        raise KeyError("somebody's")
    assert (caught.value.place, caught.value.what) == ("r.yaml:2", 'KeyError: "somebody\'s"')


def test_several_mistakes_are_one_error_that_keeps_each():
    problems = Problems()
    problems.stop()
    problems.add("r.yaml:1", "no block", given="lni", possible=["lin"])
    with pytest.raises(RecipeError) as caught:
        problems.stop()
    assert caught.value.problems == (caught.value,)
    problems.add("r.yaml:1", "no block", given="lni", possible=["lin"])
    problems.add("r.yaml:2", "no head", key="head")
    with pytest.raises(RecipeError) as caught:
        problems.stop()
    one, two = pickle.loads(pickle.dumps(caught.value)).problems
    assert (one.nearest, two.key, two.place) == (["lin"], "head", "r.yaml:2")
    assert str(caught.value) == f"{one}\n{two}"
    again = Problems()
    again.take(caught.value)
    assert again.found == list(caught.value.problems)


# ---------------------------------------------------------------------- what pydantic finds


@pytest.mark.parametrize("kind", SHOULD)
def test_our_words_for_what_pydantic_finds_do_not_depend_on_its_own(kind):
    facts = {"expected": "'a' or 'b'", "class": "Make", "pattern": "x", **dict.fromkeys(("gt", "ge", "lt", "le"), 2.0)}
    facts |= dict.fromkeys(("min_length", "max_length"), 2)
    said, fields = complaint([{"type": kind, "loc": ("a",), "msg": "Theirs", "input": "c", "ctx": facts}])
    assert said.startswith("should be ")
    assert said.endswith(", got 'c'")
    assert "Theirs" not in said
    assert "{" not in said
    assert fields["given"] == "c"


def test_a_kind_of_error_without_words_here_is_told_in_its_own():
    said, fields = complaint([{"type": "moon_phase", "loc": (), "msg": "Input should be full", "input": 3}])
    assert said == "should be full, got 3"
    assert fields == {"given": 3, "possible": None}


def test_the_branches_of_a_union_are_joined_and_a_literal_s_words_are_possible():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int | dict[str, int]).validate_python("x")
    assert complaint(caught.value.errors())[0] == "should be a whole number or a mapping, got 'x'"
    error = {"type": "literal_error", "loc": (), "msg": "", "input": "adam", "ctx": {"expected": "'sgd' or 'adamw'"}}
    said, fields = complaint([error])
    assert (said, ZooError(said, **fields).nearest) == ("should be 'sgd' or 'adamw', got 'adam'", ["adamw"])
