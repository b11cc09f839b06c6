"""What `promptzoo report --measure FILE.onnx` prints: its size, and onnxruntime's time beside torch's."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from promptzoo.doing import each
from promptzoo.errors import ZooError
from promptzoo.exporting.measured import measure_file
from promptzoo.files import deliver
from promptzoo.names import as_bytes
from promptzoo.pages.console import say
from promptzoo.pages.report import FORMS, Wanted
from promptzoo.pages.table import Table

ENDING = ".onnx"
TITLES = ("file", "MB", "torch, pictures/s", "onnxruntime, pictures/s", "time over torch's")


def asked(words: Sequence[str]) -> list[str]:
    """The exported files among the words of a report."""
    return [word for word in words if word.endswith(ENDING) and "=" not in word]


def run(words: Sequence[str], wanted: Wanted, out: Console, said: Console) -> None:
    """The whole command.  Raises `ZooError` as `measure_file` does, and for other words beside files."""
    files = asked(words)
    if others := [word for word in words if word not in files]:
        raise ZooError("exported files have a separate table", key="report", given=others[0])
    if not wanted.measure:
        raise ZooError(f"{files[0]} is an exported file, whose cost can only be measured", key="measure",
                       given=files[0], remedy="add --measure")  # fmt: skip
    if wanted.form not in FORMS[:3]:
        raise ZooError(f"for exported files, --format takes {', '.join(FORMS[:3])}", key="format", given=wanted.form)
    found = [measure_file(file) for file in each("measuring", files)]
    table = Table(TITLES)
    for one in found:
        batch, took = one.conditions.batch, one.seconds
        speeds = (f"{batch / seconds:.1f}" for seconds in (took.bare, took.recipe))
        table.add(one.path, f"{one.size / 1e6:.1f}", *speeds, took.short())
    text = {"markdown": f"{table.markdown()}\n", "csv": table.csv()}.get(wanted.form, "")
    if wanted.out is not None:
        deliver(wanted.out, as_bytes(text or table.csv()), wanted.force)
        said.print(f"written: {escape(str(wanted.out))}", soft_wrap=True)
    elif text:
        say(text)
    else:
        out.print(table.fitting(out))
        for remark in dict.fromkeys(one.told() for one in found):
            out.print(f"[dim]{escape(remark)}[/]")
