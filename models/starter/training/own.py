"""Sources of edits as the model itself draws them: who edits, edits a picture that it made, not a render.

A render is buried in noise and drawn again by the weights as they stand, more or less freely. What the instruction changes
is then put into it from the render of the edit; everything else is to stay as the model drew it.
"""

import torch

from sample import euler
from scenes import blur, grow

FREEDOM = (0.45, 0.85)  # noise that renders are buried in
STEPS = 4
MARGIN, SOFT = 5, 2  # pixels by which what changes is grown, and softened


class Redrawn:
    """`of(batch's captions, renders)` gives pictures [B, 4, H, W] of the same things."""

    def __init__(self, model, codec, generator):
        self.model, self.codec, self.generator = model, codec, generator

    @torch.no_grad()
    def of(self, ids, pictures):
        grid = (pictures.shape[2] // self.codec.span, pictures.shape[3] // self.codec.span)
        z, denoiser = self.codec.tokens(pictures), self.model.denoiser
        low, high = FREEDOM
        most = low + (high - low) * torch.rand((), generator=self.generator).item()
        rotations = denoiser.rotations(ids.shape[1], grid)
        with torch.autocast(z.device.type, torch.bfloat16):
            text = self.model.text_encoder(ids)
            predict = lambda x, sigma: denoiser(x, torch.full((len(x),), sigma, device=x.device), text, rotations).float()
            noise = torch.randn(z.shape, generator=self.generator, device=z.device)
            x = euler(predict, (1 - most) * z + most * noise, [most * (1 - i / STEPS) for i in range(STEPS)])
        return self.codec.pictures(x, grid)


def transplanted(before, after, drawn):
    """What differs between two renders, from the second, put into what was drawn of the first."""
    changed = ((before - after).abs().amax(1, keepdim=True) > 0.01).float()
    changed = blur(grow(changed, MARGIN), SOFT).clamp(0, 1)
    return changed * after + (1 - changed) * drawn
