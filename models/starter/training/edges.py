"""How steep pictures are: where subjects end, where they are steepest, and over the edges of tokens against elsewhere.
Pictures are [B, 4, H, W] in 0..1, premultiplied."""

import torch
import torch.nn.functional as F

WEIGHTS = (0.299, 0.587, 0.114)


def grey(pictures):
    """Luminance and coverage, [B, 2, H, W]."""
    light = (pictures[:, :3] * pictures.new_tensor(WEIGHTS)[None, :, None, None]).sum(1, keepdim=True)
    return torch.cat((light, pictures[:, 3:]), 1)


def steps(pictures):
    """Differences to the next pixel to the right, [B, H, W - 1], and below, [B, H - 1, W]: the larger of luminance's and
    coverage's."""
    g = grey(pictures)
    return (g[..., 1:] - g[..., :-1]).abs().amax(1), (g[..., 1:, :] - g[..., :-1, :]).abs().amax(1)


def steepness(pictures):
    """The larger of both steps, [B, H - 1, W - 1]."""
    across, down = steps(pictures)
    return torch.maximum(across[:, :-1], down[:, :, :-1])


def edge_slope(pictures, masks):
    """Mean steepness where the coverage of subjects, [B, 1, H, W], crosses a half: for pictures that came back from an
    autoencoder, of which it is known where subjects end."""
    inside = (masks > 0.5).float()
    border = (F.max_pool2d(inside, 3, 1, 1) - inside)[:, 0, :-1, :-1] > 0.5
    return steepness(pictures)[border].mean().item()


def alpha_slope(pictures):
    """Mean step of coverage between neighbours of which one is more than half covered and one less: for cut-outs."""
    alpha = pictures[:, 3]
    total, count = 0.0, 0
    for a, b in ((alpha[:, :, 1:], alpha[:, :, :-1]), (alpha[:, 1:], alpha[:, :-1])):
        crossing = (a > 0.5) != (b > 0.5)
        total += (a - b).abs()[crossing].sum().item()
        count += crossing.sum().item()
    return total / max(count, 1)


def steepest(pictures, share=0.01):
    """Mean of the steepest hundredth of each picture's pixels."""
    flat = steepness(pictures).flatten(1)
    return flat.topk(max(1, int(share * flat.shape[1])), 1).values.mean().item()


def at_tokens(pictures, span):
    """Mean step over the edges between tokens, over the mean step elsewhere."""
    across, down = steps(pictures)
    seams, elsewhere = [], []
    for s in (across, down.transpose(1, 2)):
        seam = torch.arange(s.shape[2]) % span == span - 1
        seams.append(s[:, :, seam].mean())
        elsewhere.append(s[:, :, ~seam].mean())
    return (sum(seams) / sum(elsewhere)).item()
