"""Every test can fail by what it asserts."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parent
ASSERTING = {"raises", "fail", "assert_close"}  # of pytest and torch


def called(node):
    """The functions that something calls, by the last part of their names."""
    calls = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
    return {getattr(one, "attr", getattr(one, "id", "")) for one in calls}


def test_every_test_asserts_something_itself_or_by_a_function_of_the_tests():
    files = {file: ast.walk(ast.parse(file.read_text(encoding="utf-8"))) for file in TESTS.glob("**/*.py")}
    functions = [(file, one) for file, nodes in files.items() for one in nodes if isinstance(one, ast.FunctionDef)]
    asserting, found = set(ASSERTING), set()
    while found != asserting:
        found = set(asserting)
        asserting |= {
            one.name
            for _, one in functions
            if called(one) & found or any(isinstance(node, ast.Assert) for node in ast.walk(one))
        }
    assert not [
        f"{file}: {one.name}" for file, one in functions if one.name not in asserting and one.name[:5] == "test_"
    ]
