"""SA2VP's adapters: what one pathway saw in the other, made fit to be added."""

from torch import Tensor, nn

from promptzoo.blocks.shape import fits


class PromptAdapter(nn.Module):
    """Norm, down, GELU, up; no residual, and not silent at the start.

    SA2VP's adapter (Pei et al. 2024, Eq. 3) as released: with biases, GELU, and dropout after each linear map.
    As written: `PromptAdapterPaper`.
    """

    shapes = "b n d -> b n d"

    def __init__(self, dim: int, *, rank: int = 16, dropout: float = 0.1):
        """
        Args:
            dim: Width d of the tokens.
            rank: Width inside, 1 or more.
            dropout: Share that is dropped while training, in [0, 1).
        """
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.down, self.up = nn.Linear(dim, rank), nn.Linear(rank, dim)
        self.act, self.drop = nn.GELU(), nn.Dropout(dropout)
        for linear in (self.down, self.up):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.normal_(linear.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n d."""
        fits(x, "b n d", any_axes=True, d=self.down.in_features)
        inner = self.drop(self.act(self.down(self.norm(x))))
        adapted: Tensor = self.drop(self.up(inner))
        return adapted


class PromptAdapterPaper(nn.Module):
    """Norm, down, ReLU, up; no residual, no biases.

    SA2VP's adapter as written, Pei et al. 2024, Eq. 3: ReLU(LN(o) W_down) W_up.
    """

    shapes = "b n d -> b n d"

    def __init__(self, dim: int, *, rank: int = 16):
        """
        Args:
            dim: Width d of the tokens.
            rank: Width inside, 1 or more.
        """
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.down, self.up = nn.Linear(dim, rank, bias=False), nn.Linear(rank, dim, bias=False)
        self.act = nn.ReLU()
        for linear in (self.down, self.up):
            nn.init.xavier_uniform_(linear.weight)

    def forward(self, x: Tensor) -> Tensor:
        """b n d -> b n d."""
        fits(x, "b n d", any_axes=True, d=self.down.in_features)
        adapted: Tensor = self.up(self.act(self.down(self.norm(x))))
        return adapted
