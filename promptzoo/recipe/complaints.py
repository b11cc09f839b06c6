"""What pydantic finds wrong with a value, in our own words, whatever its version says."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from promptzoo.errors import either, shown

# A type of pydantic's errors -> what the value should be, with words of the error's context.
SHOULD = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a string",
    "path_type": "a path",
    "none_required": "nothing",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "iterable_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "callable_type": "a function",
    "is_instance_of": "a {class}",
    "literal_error": "{words}",
    "enum": "{words}",
    "greater_than": "above {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "below {lt}",
    "less_than_equal": "{le} or less",
    "missing": "a longer list",  # a place of a tuple
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of at most {max_length}",
    "string_too_short": "{min_length} letters or more",
    "string_too_long": "at most {max_length} letters",
    "string_pattern_mismatch": "of the form {pattern}",
}


def complaint(errors: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """The errors at one value as half a sentence, `should be a or b, got 'c'`, and the fields given and possible.

    The branches of a union are joined by `or`.  An error that has no words here is told in its own.
    """
    said = list(dict.fromkeys(half(error) for error in errors))
    rest = [one.removeprefix("should be ") for one in said[1:]]
    value = min(errors, key=lambda error: len(error["loc"]))["input"]
    possible = dict.fromkeys(word for error in errors for word in words(error))
    return f"{' or '.join([said[0], *rest])}, got {shown(value)}", {"given": value, "possible": possible or None}


def half(error: Mapping[str, Any]) -> str:
    """One error as `should be ...`."""
    facts = {word: f"{fact:g}" if isinstance(fact, float) else fact for word, fact in error.get("ctx", {}).items()}
    try:
        possible = either(map(repr, words(error)) if words(error) else [facts.get("expected")])
        return "should be " + SHOULD[error["type"]].format(words=possible, **facts)
    except KeyError:
        message = str(error["msg"]).removeprefix("Input ").removeprefix("Value error, ")
        return message[:1].lower() + message[1:]


def words(error: Mapping[str, Any]) -> list[str]:
    """The words that a literal could have been."""
    return re.findall(r"'([^']+)'", str(error.get("ctx", {}).get("expected", "")))


def listed(errors: Sequence[Mapping[str, Any]]) -> str:
    """All errors of a file, each with the way to its value."""
    return "; ".join(f"{' / '.join(map(str, one['loc']))}: {of_file(one)}" for one in errors)


def of_file(error: Mapping[str, Any]) -> str:
    """One error at a key of a file, where a word may be missing or unknown."""
    known = {"missing": "is missing", "extra_forbidden": "is not known"}
    return known.get(error["type"]) or complaint([error])[0]
