"""The starter's autoencoder: pictures of premultiplied RGBA to latents of a thirty-second of their size, and back.

After DC-AE (arXiv 2410.10733): beside every halving and doubling runs a shortcut without parameters, pixels to channels
and their means, channels repeated and back to pixels; the same around stem, latents and head, so that what is learnt are
residuals of a way that is there from the first step. Nothing is computed at full size. What sets it apart from diffusers'
`AutoencoderDC`: the norm stands before the convolutions, the stem takes 4 x 4 pixels at once and has its shortcut too.

Shapes: B pictures, H x W pixels in multiples of 32, C channels of latents.
"""

from dataclasses import asdict, dataclass, field

import torch.nn as nn
import torch.nn.functional as F

from form import CHANNELS

PATCH = 4  # pixels along what stem and head take for one
GROUPS = 8


@dataclass
class AutoencoderConfig:
    latent_channels: int = CHANNELS
    widths: list = field(default_factory=lambda: [64, 128, 256, 256])  # at a fourth, eighth, sixteenth, thirty-second
    encoder_blocks: list = field(default_factory=lambda: [1, 1, 1, 1])
    decoder_blocks: list = field(default_factory=lambda: [3, 2, 2, 2])

    def as_json(self):
        return {"_class_name": "LikenessAutoencoder", "in_channels": 4, "patch_size": PATCH, "norm_groups": GROUPS, **asdict(self)}


def small(conv):
    nn.init.normal_(conv.weight, std=0.02)
    return conv


def averaged(x, channels):
    """Fewer channels by the mean of neighbouring ones: [B, K, H, W] to [B, channels, H, W]."""
    b, k, h, w = x.shape
    return x.view(b, channels, k // channels, h, w).mean(2)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm, self.first = nn.GroupNorm(GROUPS, c, eps=1e-6), nn.Conv2d(c, c, 3, padding=1)
        self.second = nn.Conv2d(c, c, 3, padding=1, bias=False)
        nn.init.zeros_(self.second.weight)

    def forward(self, x):
        return x + self.second(F.silu(self.first(F.silu(self.norm(x)))))


class Down(nn.Module):
    """Half the size: a convolution whose pixels become channels, beside pixels that become channels and are averaged."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv, self.outputs = small(nn.Conv2d(inputs, outputs // 4, 3, padding=1, bias=False)), outputs

    def forward(self, x):
        return F.pixel_unshuffle(self.conv(x), 2) + averaged(F.pixel_unshuffle(x, 2), self.outputs)


class Up(nn.Module):
    """Twice the size: a convolution's channels become pixels, beside channels that are repeated and become pixels."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv, self.times = small(nn.Conv2d(inputs, 4 * outputs, 3, padding=1, bias=False)), 4 * outputs // inputs

    def forward(self, x):
        return F.pixel_shuffle(self.conv(x) + x.repeat_interleave(self.times, 1), 2)


class Autoencoder(nn.Module):
    def __init__(self, config=AutoencoderConfig()):
        super().__init__()
        self.config, widths = config, config.widths
        first, last = widths[0], widths[-1]
        self.stem = small(nn.Conv2d(4 * PATCH**2, first, 3, padding=1))
        encoder = [Block(first) for _ in range(config.encoder_blocks[0])]
        for above, width, blocks in zip(widths, widths[1:], config.encoder_blocks[1:]):
            encoder += [Down(above, width), *(Block(width) for _ in range(blocks))]
        decoder = [Block(last) for _ in range(config.decoder_blocks[-1])]
        for below, width, blocks in zip(widths[::-1], widths[-2::-1], config.decoder_blocks[-2::-1]):
            decoder += [Up(below, width), *(Block(width) for _ in range(blocks))]
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
        self.out = small(nn.Conv2d(last, config.latent_channels, 1))
        self.into = small(nn.Conv2d(config.latent_channels, last, 3, padding=1))
        self.head = small(nn.Conv2d(first, 4 * PATCH**2, 3, padding=1))

    def encode(self, x):
        """[B, 4, H, W] in -1..1 to [B, C, H / 32, W / 32]."""
        x = F.pixel_unshuffle(x, PATCH)
        h = self.encoder(x + self.stem(x))
        return self.out(h) + averaged(h, self.config.latent_channels)

    def decode(self, z):
        """[B, C, h, w] to [B, 4, 32 h, 32 w], about -1..1."""
        h = self.into(z) + z.repeat_interleave(self.config.widths[-1] // self.config.latent_channels, 1)
        h = self.decoder(h)
        return F.pixel_shuffle(h + self.head(h), PATCH)
