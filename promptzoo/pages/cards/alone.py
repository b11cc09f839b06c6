"""How to use a block alone: a snippet that runs, made of its registry entry and of its class's shapes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from promptzoo.model.blueprint import hints as types
from promptzoo.model.blueprint import parameters, wants_make
from promptzoo.pages.cards.markdown import fence
from promptzoo.recipe.from_recipe import SIZES
from promptzoo.recipe.registry import Entry

Use = tuple[str, Entry, Mapping[str, Any]]  # word, entry, the recipe's arguments

AXES = {"b": 2, "n": 16, "m": 2, "c": 5, "h": 2, "w": 2, "e": 16, "1": 1}  # sizes that no argument decides
WIDEST = 120  # of a line
OWN = {"dim": "d", "knowledge_dim": "t", "text_dim": "t", "tokens": "n", "length": "m"}  # arguments that do


def snippet(uses: Iterable[Use]) -> str:
    """Each block built and called, under one head of imports."""
    shown = [(word, entry.load(), entry, arguments) for word, entry, arguments in uses]
    heads: dict[str, set[str]] = {}
    for _, cls, entry, _ in shown:
        module = entry.path.partition(":")[0]
        public = module.rpartition(".")[0] if module.startswith("promptzoo.blocks.") else module
        heads.setdefault(public, set()).add(cls.__name__)
    imports = [imported(module, sorted(names)) for module, names in sorted(heads.items())]
    calls = [called(word, cls, {**arguments_of(cls, entry), **given(cls, more)}) for word, cls, entry, more in shown]
    return fence("python", "\n".join(["import torch", *imports, "", *calls]))


def imported(module: str, names: list[str]) -> str:
    """On one line where they fit, else each on its own."""
    line = f"from {module} import {', '.join(names)}"
    apart = "".join(f"    {name},\n" for name in names)
    return line if len(line) <= WIDEST else f"from {module} import (\n{apart})"


def literal(value: Any) -> str:
    """A value as code, words in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def arguments_of(cls: Any, entry: Entry) -> dict[str, Any]:
    """What the entry builds it with: sizes that a place would know; the rest where the class has no default."""
    takes = parameters(cls)
    return {k: v for k, v in entry.example.items() if k in SIZES or takes[k].default is takes[k].empty}


def given(cls: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """Of a node of a recipe what is an argument of the class and can be written in Python."""
    hints = types(cls)
    return {k: v for k, v in more.items() if k in parameters(cls) and not wants_make(hints.get(k))}


def called(word: str, cls: Any, arguments: Mapping[str, Any]) -> str:
    """Two lines: the block, and what it makes of random tokens."""
    left, _, _ = cls.shapes.partition("->")
    axes = dict(AXES)
    if "grid" in arguments:  # attention over all tokens, a prefix before the patches
        axes["n"] = arguments["prefix"] + arguments["grid"][0] * arguments["grid"][1]
    if "input" in arguments:  # a picture
        axes |= dict(zip("cHW", arguments["input"], strict=True))
    axes |= {axis: arguments[name] for name, axis in OWN.items() if name in arguments}
    inputs = [[str(axes[axis]) for axis in part.split()] for part in left.split(",") if part.strip()]
    alike = len(inputs) > 1 and all(sizes == inputs[0] for sizes in inputs)
    drawn = [[str(len(inputs)), *inputs[0]]] if alike else inputs
    tokens = "*" * alike + ", ".join(f"torch.randn({', '.join(sizes)})" for sizes in drawn)
    ordered = {name: arguments[name] for name in parameters(cls) if name in arguments}
    built = ", ".join(f"{name}={literal(value)}" for name, value in ordered.items())
    name = word.rpartition("/")[2]
    return f"{name} = {cls.__name__}({built})\nout = {name}({tokens})  # {cls.shapes}"
