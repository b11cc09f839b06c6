"""Labels of a video handed from frame to frame by patch features."""

import torch
import torch.nn.functional as F
from torch import Tensor


def propagate_labels(
    target: Tensor,
    context: Tensor,
    labels: Tensor,
    *,
    grid: tuple[int, int],
    radius: int | None,
    keep: int = 5,
    temperature: float = 0.1,
) -> Tensor:
    """Each patch's label, as the patches of earlier frames near its place that it resembles have it: -> n c.

    Jabri et al. 2020 (Space-Time Correspondence) arXiv:2006.14613, as DINO (Caron et al. 2021, arXiv:2104.14294) scores
    DAVIS: the context is the first frame and the 7 before this one, the radius 12.  Features n d of this frame and
    f n d of the context, row by row on `grid` (h, w), and the context's labels f n c.  Of all context patches no more
    than `radius` rows and columns away (None: any) the `keep` of highest cosine count, weighted by
    softmax(cosine / temperature).
    """
    (h, w), (frames, _, d), c = grid, context.shape, labels.shape[-1]
    reach = max(h, w) if radius is None else radius
    target = F.normalize(target, dim=-1).view(h, w, d)
    context = F.normalize(context, dim=-1).view(frames, h, w, d)
    labels = labels.reshape(frames, h, w, c)
    columns = torch.arange(w, device=target.device)
    far = (columns[:, None] - columns).abs() > reach  # w w
    found = []
    for row in range(h):  # by rows, since all pairs of two large frames do not fit into memory
        near = slice(max(0, row - reach), row + reach + 1)
        cosine = torch.einsum("x d, f y z d -> x f y z", target[row], context[:, near])
        cosine = cosine.masked_fill(far[:, None, None], -torch.inf).flatten(1)
        best, index = cosine.topk(min(keep, cosine.shape[1]))
        weight = (best / temperature).softmax(-1)
        found.append(torch.einsum("x k, x k c -> x c", weight, labels[:, near].reshape(-1, c)[index]))
    return torch.cat(found)
