"""The starter as it ships: version 0.8.0, which draws pixels in patches of 16 at 128 x 128. What the new one is measured
beside, and what it begins from; this file goes when the new one has taken its place."""

from pathlib import Path

import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer

from network import PLACES, DenoiserConfig, Starter, TextConfig

FOLDER = Path(__file__).parent.parent
PATCH = 16
PIXELS = 4 * PATCH**2


class Patches:
    """What `latents.Latents` is, for pixels: pictures [B, 4, H, W] in 0..1 to tokens [B, N, PIXELS], and back."""

    span, channels = PATCH, PIXELS

    def tokens(self, pictures):
        return F.pixel_unshuffle(pictures * 2 - 1, PATCH).flatten(2).transpose(1, 2).contiguous()

    def pictures(self, tokens, grid):
        return ((F.pixel_shuffle(tokens.float().transpose(1, 2).unflatten(2, grid), PATCH) + 1) / 2).clamp(0, 1)


def tokenizer():
    return Tokenizer.from_file(str(FOLDER / "tokenizer/tokenizer.json"))


def model():
    text = TextConfig(vocab_size=tokenizer().get_vocab_size())
    whole = Starter(DenoiserConfig(in_channels=PIXELS + PLACES, out_channels=PIXELS), text)
    floats = lambda path: {n: t.float() for n, t in load_file(FOLDER / path).items()}
    whole.denoiser.load_state_dict(floats("transformer/diffusion_pytorch_model.safetensors"))
    whole.text_encoder.load_state_dict(floats("text_encoder/model.safetensors"))
    return whole.eval().requires_grad_(False)
