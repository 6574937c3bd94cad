"""Numbers for the network that makes pictures larger, from the one that is trained: tests/golden/upscaler.safetensors,
over a tiny one of random weights in tests/golden/tiny/upscaler.

    python tests/golden/upscaler.py
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
# First, since it is called as this file is.
sys.path.insert(0, str(HERE.parents[1] / "models/starter/training"))
from upscaler import Upscaler, bicubic, write_model  # noqa: E402


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(6)
    model = Upscaler(channels=10, blocks=2).eval()
    for name, tensor in model.named_parameters():
        noise = torch.randn(tensor.shape, generator=generator)
        scale = 0.1 if name.endswith("bias") else 0.8 / tensor[0].numel() ** 0.5
        tensor.copy_((noise * scale).half().float())
    write_model(model, HERE / "tiny/upscaler", "tiny-upscaler", "0")
    out = {}
    for name, height, width, transparent in (("sticker", 21, 27, True), ("small", 1, 3, True), ("opaque", 12, 9, False)):
        rgba = torch.randint(0, 256, (height, width, 4), generator=generator).byte()
        # Clear and opaque parts, as cut-outs have them.
        rgba[..., 3] = ((rgba[..., 3].float() - 128) * 3 + 128).clamp(0, 255).byte() if transparent else 255
        x = rgba.permute(2, 0, 1)[None].float() / 255
        x = torch.cat((x[:, :3] * x[:, 3:], x[:, 3:]), 1)
        out[name] = rgba
        for by in (2, 4):
            larger = model(x, by)
            out[f"{name}.{by}"] = larger[0].permute(1, 2, 0).contiguous()  # [by · height, by · width, 4]
            print(name, by, "spread", (larger - bicubic(x, by)).std().item())
    save_file(out, HERE / "upscaler.safetensors")


main()
