"""The widths that enter and leave a module, read from the module: `widths`."""

from torch import nn

#: What modules call the widths that enter and leave them.
ENDS = (
    ("dim", "out"),
    ("in_features", "out_features"),
    ("in_channels", "out_channels"),
    ("num_features", "num_features"),
)


def widths(module: nn.Module) -> tuple[int | None, int | None]:
    """The widths entering and leaving a module, read from the module."""
    for entering, leaving in ENDS:
        if isinstance(getattr(module, entering, None), int):
            return getattr(module, entering), getattr(module, leaving, None)
    shape = getattr(module, "normalized_shape", None) or (None,)
    return shape[-1], shape[-1]
