"""Numbers for the autoencoders, from diffusers: tests/golden/vae.safetensors, over three tiny random
networks in tests/golden/tiny/: with quant convolutions, without, and the tiny kind.

    python tests/golden/vae.py
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from safetensors.torch import save_file

from reference import random_network

HERE = Path(__file__).parent

LEVELS = dict(
    down_block_types=["DownEncoderBlock2D"] * 3,
    up_block_types=["UpDecoderBlock2D"] * 3,
    block_out_channels=[8, 12, 20],
)
KL = dict(LEVELS, layers_per_block=1, latent_channels=4, norm_num_groups=4, sample_size=16)
BARE = dict(
    LEVELS,
    layers_per_block=2,
    latent_channels=6,
    norm_num_groups=2,
    sample_size=16,
    use_quant_conv=False,
    use_post_quant_conv=False,
)
TINY = dict(
    encoder_block_out_channels=[10, 10, 10],
    decoder_block_out_channels=[10, 10, 10],
    num_encoder_blocks=[1, 2, 1],
    num_decoder_blocks=[2, 1, 1],
)


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(4)
    draw = lambda *shape: torch.randn(shape, generator=generator)
    out = {}
    for seed, (name, kind, config) in enumerate(
        [("kl", AutoencoderKL, KL), ("bare", AutoencoderKL, BARE), ("tiny", AutoencoderTiny, TINY)]
    ):
        model = random_network(kind, config, HERE / "tiny" / f"vae-{name}", seed)
        picture = draw(1, 3, 16, 24).clamp(-1, 1)
        latents = draw(1, config.get("latent_channels", 4), 8, 10)
        out |= {f"{name}.picture": picture, f"{name}.latents": latents}
        if kind is AutoencoderTiny:
            out[f"{name}.encoded"] = model.encode(picture).latents
        else:
            distribution = model.encode(picture).latent_dist
            out[f"{name}.encoded"] = distribution.mean
            # Within the bounds that diffusers cuts it to.
            out[f"{name}.log_variance"] = distribution.logvar
        out[f"{name}.decoded"] = model.decode(latents).sample
        print(name, "spread", out[f"{name}.encoded"].std().item(), out[f"{name}.decoded"].std().item())
        if name == "kl":
            model.enable_tiling()
            out[f"{name}.tiled"] = model.decode(latents).sample
    save_file({key: value.contiguous() for key, value in out.items()}, HERE / "vae.safetensors")


main()
