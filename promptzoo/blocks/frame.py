"""A learned frame around the picture."""

import torch
from torch import Tensor, nn

from promptzoo.blocks.shape import fits


class PixelFrame(nn.Module):
    """A learned frame of `width` pixels, added to the normalised picture; inside it the picture stays as it is.

    Visual prompting, Bahng et al. 2022, Sec. 3 (padding); the prompter of DAM-VP, Huang et al. 2023.  Rows above and
    below are as wide as the picture, columns left and right stand between them.  Drawn from N(0, 1).
    Raises `ValueError` when `input` is not a picture (channels, height, width), or nothing of it would be left inside.
    """

    shapes = "b c H W -> b c H W"

    def __init__(self, input: tuple[int, ...], *, width: int = 30):
        """
        Args:
            input: Channels, height and width of a picture, in pixels.
            width: Of the frame in pixels, 1 to less than half of the shorter side.
        """
        super().__init__()
        if len(input) != 3:
            raise ValueError(f"a frame needs a picture of channels, height and width, got {input}")
        channels, height, across = input
        most = (min(height, across) - 1) // 2
        if not 1 <= width <= most:
            raise ValueError(
                f"width must lie between 1 and {most}, less than half of a picture of {height} x {across} pixels, "
                f"got {width}"
            )
        self.up, self.down = (nn.Parameter(torch.randn(channels, width, across)) for _ in range(2))
        self.left, self.right = (nn.Parameter(torch.randn(channels, height - 2 * width, width)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """b c H W -> b c H W."""
        fits(x, "b c H W", c=len(self.up), H=self.left.shape[1] + 2 * self.up.shape[1], W=self.up.shape[2])
        return x + framed(self.up, self.down, self.left, self.right).to(x.dtype)


def framed(up: Tensor, down: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """The four sides, any axes before `c h w`, as frames of zeros inside: -> ... c H W."""
    inside = up.new_zeros(*left.shape[:-1], up.shape[-1] - 2 * left.shape[-1])
    return torch.cat([up, torch.cat([left, inside, right], -1), down], -2)
