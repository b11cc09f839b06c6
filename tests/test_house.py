"""The house rules that a test can hold: who may import whom, how long a file is, what the core does not know."""

import ast
import importlib
import io
import re
import sys
import tokenize
import tomllib
from functools import cache
from pathlib import Path

import pytest

import promptzoo
from promptzoo.recipe.registry import load_registry

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "promptzoo"

ROOMS = (  # from the bottom up: a module imports from its own room and those below it
    ("errors", "arguments", "files", "folders", "doing", "names", "noticed", "option", "paths", "extras"),
    ("blocks", "metrics"),
    ("data",),
    ("backbones",),
    ("model",),
    ("grafts",),
    ("recipe",),
    ("tasks",),
    ("training",),
    ("costs",),
    ("studies",),
    ("exporting",),
    ("figures",),
    ("pages",),
    ("cli",),
    ("__main__",),
)
HEIGHT = {name: height for height, rooms in enumerate(ROOMS) for name in rooms}

FROM_OUTSIDE = {  # folders that need little
    "blocks": {"torch", "einops", "torch_geometric"},
    "metrics": {"torch"},
    "data": {"torch", "numpy", "PIL", "psutil", "torchvision", "datasets", "safetensors"},
}

LONGEST, LONGEST_TEST = 200, 300  # lines of a file
NO_SUBJECT = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}

SIZES = {"224", "768", "196", "197", "14", "12"}  # of ViT-B/16, which a tower knows and nothing else should
DRAWINGS = {"data/sources/digits.py", "data/sources/drawing.py"}  # their numbers are pixels of the pictures they draw

PROTOCOLS = {"tasks/segment_video.py"}  # numbers of a benchmark, whatever the backbone

CORE = {  # files that know no method and no backbone
    "backbones": ("attention", "layers", "notes", "pool", "tower"),
    "model": ("frozen", "model", "site", "slots", "step"),
    "recipe": ("build", "from_recipe", "pictures"),
    "training": ("evaluate", "loop", "prepare", "rewind", "session"),
    "pages": ("check",),
}
FAMILIES = {"vit", "swin", "clip", "deit", "resnet", "sa2vp", "vpt", "lore", "adaptformer", "timm", "open_clip"}

FOR_COMMANDS = {  # what Python never comes to
    "costs/combine.py", "figures/asked.py", "option.py", "studies/by_task.py", "studies/transfer.py",
    "studies/transferred.py", "training/eyes.py", "training/session.py",
}  # fmt: skip

MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path, typing: bool = True) -> list[str]:
    """The modules that a file imports, wherever in the file; without `typing` those that it imports when it runs."""
    found = tree(path)
    guarded = [node for node in ast.walk(found) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    unread = set() if typing else {id(node) for one in guarded for node in ast.walk(one)}
    names = []
    for node in ast.walk(found):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are written in full"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@cache
def loaded(path: Path) -> list[str]:
    """The modules that a file asks `package` for, which not everybody has."""
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and node.args]
    asked = [node.args[0] for node in calls if isinstance(node.func, ast.Name) and node.func.id == "package"]
    return [one.value for one in asked if isinstance(one, ast.Constant)]


def dotted(name: str) -> str:
    """The module that a file is."""
    return f"promptzoo.{name.removesuffix('.py').replace('/', '.').removesuffix('.__init__')}"


@cache
def strings(path: Path) -> list[tuple[int, str]]:
    """The lines and texts of all strings but docstrings."""
    found = list(ast.walk(tree(path)))
    docs = {id(node.value) for node in found if isinstance(node, ast.Expr)}
    texts = [node for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [(node.lineno, node.value) for node in texts if id(node) not in docs]


# ---------------------------------------------------------------------- layers


def test_a_lower_room_never_imports_an_upper_one():
    upwards = []
    for name, path in MODULES.items():
        own = Path(name).parts[0].removesuffix(".py")
        if own == "__init__":  # the public names, imported on first use
            continue
        assert own in HEIGHT, f"{name} has no place in ROOMS"
        for module in imported(path):
            first, _, rest = module.partition(".")
            used = rest.partition(".")[0]
            if first == "promptzoo" and HEIGHT.get(used, -1) > HEIGHT[own]:
                upwards.append(f"{name} imports {module}, which stands above it")
    assert not upwards


@pytest.mark.parametrize("folder", FROM_OUTSIDE)
def test_blocks_metrics_and_data_need_little(folder):
    modules = [one for name, path in MODULES.items() if name.startswith(f"{folder}/") for one in imported(path)]
    packages = {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names)
    assert packages <= FROM_OUTSIDE[folder] | {"promptzoo"}


def test_blocks_import_nothing_of_the_package_but_blocks():
    for name, path in MODULES.items():
        if name.startswith("blocks/"):
            ours = [module for module in imported(path) if module.partition(".")[0] == "promptzoo"]
            assert all(module.startswith("promptzoo.blocks") for module in ours), f"{name} imports {ours}"


def test_no_module_imports_itself_in_a_circle():
    paths = {dotted(name): path for name, path in MODULES.items()}
    edges = {
        name: {
            module if module in paths else module.rpartition(".")[0]
            for module in imported(path, typing=False)
            if module.startswith("promptzoo.")
        }
        for name, path in paths.items()
        if name != "promptzoo.__init__"
    }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle of imports: {' -> '.join([*way[way.index(name) :], name])}"
        if name not in done:
            for other in edges.get(name, ()):
                if other != name and other != "promptzoo":
                    visit(other, (*way, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_every_dependency_is_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.match(r"[\w-]+", one)[0] for one in asked}
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Why each dependency")[2]
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
    assert {name for row in rows for name in row.split(", ")} - {"---"} == names


# ---------------------------------------------------------------------- one home for each thing

HOMES = {  # what is imported -> the only files, or rooms, that do
    "rich": ("pages/",),
    "yaml": ("recipe/yaml.py",),
    "csv": ("pages/table.py", "training/sheet.py", "data/sources/list.py"),
    "pickle": ("data/unpickle.py",),
    "platformdirs": ("files.py",),
    "portalocker": ("studies/trials.py", "training/claim.py"),
    "psutil": ("data/room.py", "training/owner.py", "training/interrupt.py", "training/machine.py"),
    "plotly": ("figures/", "pages/"),
    "matplotlib": ("figures/",),
    "typer": ("cli/",),
}

RUN = ("training/run_folder.py", "training/run_writer.py")
WORDS = {  # what is written in a string -> the only files that do
    r"\| ---|---:": ("pages/table.py",),
    r"^(result|versions|data)\.json$|^(recipe\.yaml|log\.jsonl|predictions\.csv)$": RUN,
}


@pytest.mark.parametrize("package", HOMES)
def test_a_package_is_imported_in_its_home_alone(package):
    users = [
        name
        for name, path in MODULES.items()
        if any(module.partition(".")[0] == package for module in (*imported(path), *loaded(path)))
    ]
    assert all(user.startswith(HOMES[package]) for user in users), users
    assert all(any(user.startswith(home) for user in users) for home in HOMES[package]), f"a home without {package}"


@pytest.mark.parametrize("pattern", WORDS)
def test_a_thing_is_written_in_its_home_alone(pattern):
    writers = [name for name, path in MODULES.items() if any(re.search(pattern, text) for _, text in strings(path))]
    assert writers == list(WORDS[pattern])


def test_an_option_is_written_as_a_command_and_python_write_it():
    """By `option`, where both may come; the flags of a command alone stand in files that serve it alone."""
    shared = [name for name in MODULES if not name.startswith(("pages/", "cli/"))]
    assert {
        name for name in shared for _, text in strings(MODULES[name]) if re.search(r"(^|[ (])--[a-z]", text)
    } == FOR_COMMANDS


def test_no_two_classes_bear_one_name():
    homes: dict[str, list[str]] = {}
    for name, path in MODULES.items():
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name)
    assert not {name: files for name, files in homes.items() if len(files) > 1}


def test_every_public_name_is_what_it_says_whatever_is_imported():
    """A module that is imported becomes a name of its package, and must not stand in the place of a public one."""
    found = {name: getattr(promptzoo, name) for name in promptzoo.__all__}
    for name in MODULES:
        if name != "__main__.py":
            importlib.import_module(dotted(name).removesuffix(".__init__"))
    assert not set(found) & {name.partition("/")[0].removesuffix(".py") for name in MODULES}
    for name, value in found.items():
        assert callable(value), name
        assert getattr(promptzoo, name) is value, name
        assert value.__name__ == name


# ---------------------------------------------------------------------- files


def test_a_file_of_the_package_has_one_subject_and_fits_a_page():
    lengths = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST}
    assert not [name for name in MODULES if Path(name).stem in NO_SUBJECT]


def test_each_file_of_tests_has_a_name_of_its_own():
    """Without it pytest takes one of the two for the other."""
    names = [path.name for path in ROOT.glob("tests/**/test_*.py")]
    assert not {name for name in names if names.count(name) > 1}


def test_tests_and_tools_are_readable_too():
    for path in (*ROOT.glob("tests/**/*.py"), *ROOT.glob("tools/**/*.py")):
        assert len(path.read_text().splitlines()) <= LONGEST_TEST, path
        assert path.stem not in NO_SUBJECT


def test_no_size_of_a_certain_backbone_is_written_down():
    assert {
        name
        for name, path in MODULES.items()
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type == tokenize.NUMBER and token.string in SIZES
    } == DRAWINGS | PROTOCOLS


@pytest.mark.parametrize("name", [f"{room}/{name}.py" for room, names in CORE.items() for name in names])
def test_the_core_knows_no_method_and_no_backbone(name):
    registry = load_registry()
    words = {*registry.blocks, *registry.grafts, *FAMILIES}
    for line, text in strings(MODULES[name]):
        assert text.casefold() not in words, f"{name}:{line}: '{text}' is a name of a method or backbone"
    classes = {entry.path.partition(":")[2] for shelf in (registry.blocks, registry.grafts) for entry in shelf.values()}
    for node in ast.walk(tree(MODULES[name])):
        if isinstance(node, ast.Name):
            assert node.id not in classes, f"{name}:{node.lineno}: {node.id} is a class of a method"
