"""Numbers for the UNet, from diffusers: tests/golden/unet.safetensors, over two tiny random networks in
tests/golden/tiny/, one shaped like SD1.5's and one like SDXL's.

    python tests/golden/unet.py
"""

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

from reference import random_network

HERE = Path(__file__).parent

# Widths that fill no panel of the kernels, heads and groups that are not the defaults.
SD15 = dict(
    sample_size=8,
    block_out_channels=[8, 12, 16, 16],
    layers_per_block=2,
    norm_num_groups=4,
    cross_attention_dim=20,
    attention_head_dim=2,
)
SDXL = dict(
    sample_size=8,
    block_out_channels=[8, 12, 16],
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    layers_per_block=1,
    norm_num_groups=4,
    cross_attention_dim=12,
    attention_head_dim=[1, 2, 4],
    transformer_layers_per_block=[1, 1, 2],
    use_linear_projection=True,
    addition_embed_type="text_time",
    addition_time_embed_dim=6,
    projection_class_embeddings_input_dim=10 + 6 * 6,
)


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(3)
    draw = lambda *shape: torch.randn(shape, generator=generator)
    out = {}
    for seed, (name, config, told) in enumerate([("sd15", SD15, False), ("sdxl", SDXL, True)]):
        model = random_network(UNet2DConditionModel, config, HERE / "tiny" / f"unet-{name}", seed)
        latents, text = draw(1, 4, 8, 16), draw(1, 7, config["cross_attention_dim"])
        added = None
        if told:
            added = {"text_embeds": draw(1, 10), "time_ids": torch.tensor([[128.0, 256, 8, 16, 512, 640]])}
            out |= {f"{name}.{key}": value for key, value in added.items()}
        for timestep in (999.0, 249.0):
            result = model(latents, timestep, text, added_cond_kwargs=added).sample
            out[f"{name}.{timestep:.0f}"] = result
            print(name, timestep, "spread", result.std().item())
        out |= {f"{name}.latents": latents, f"{name}.text": text}
    save_file({key: value.contiguous() for key, value in out.items()}, HERE / "unet.safetensors")


main()
