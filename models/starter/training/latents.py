"""Pictures to the tokens that the denoiser draws, and back: the frozen autoencoder with the sizes of its channels.

    python latents.py freeze           autoencoder.pt as it stands, with means and deviations of renders: latents.pt
    python latents.py decoder          its decoder alone anew, after `train_autoencoder.py train --decoder`
    python latents.py export FOLDER    config.json and weights in bf16, as they will ship

Once a denoiser has begun, only the decoder may change.
"""

import argparse
import json
import random
from pathlib import Path

import torch

from autoencoder import Autoencoder
from form import BUILD, CHANNELS, SIDE, SPAN
from loop import save

FROZEN = BUILD / "latents.pt"
FITTED = 256  # renders that means and deviations are of


class Latents:
    """[B, 4, H, W] in 0..1, premultiplied, to tokens [B, N, CHANNELS] of mean 0 and deviation 1, and back."""

    span, channels = SPAN, CHANNELS

    def __init__(self, path=FROZEN, device="cpu"):
        frozen = torch.load(path, map_location="cpu", mmap=True)
        self.network = Autoencoder().eval().requires_grad_(False)
        self.network.load_state_dict(frozen["weights"])
        self.network = self.network.to(device, memory_format=torch.channels_last)
        self.mean, self.deviation, self.device = frozen["mean"].to(device), frozen["deviation"].to(device), device

    @torch.no_grad()
    def tokens(self, pictures):
        return ((encoded(self.network, pictures.to(self.device)) - self.mean) / self.deviation).flatten(2).transpose(1, 2).contiguous()

    @torch.no_grad()
    def pictures(self, tokens, grid):
        z = tokens.float().transpose(1, 2).unflatten(2, grid) * self.deviation + self.mean
        with torch.autocast(z.device.type, torch.bfloat16):
            back = torch.cat([self.network.decode(some).float() for some in z.split(8)])
        return whole((back.clamp(-1, 1) + 1) / 2)


def encoded(network, pictures):
    last = lambda x: x.contiguous(memory_format=torch.channels_last)
    with torch.autocast(pictures.device.type, torch.bfloat16):
        return torch.cat([network.encode(last(some * 2 - 1)).float() for some in pictures.split(8)])


def whole(pictures):
    """What is opaque or empty but for a rounding is so altogether, and no colour is brighter than it covers."""
    alpha = ((pictures[:, 3:] - 0.02) / 0.96).clamp(0, 1)
    return torch.cat((torch.minimum(pictures[:, :3], alpha), alpha), 1)


@torch.no_grad()
def fitted(network):
    """Mean and deviation of each channel, [1, C, 1, 1], over renders as they are trained on."""
    import atlas
    from scenes import Stage
    from tasks import Tasks

    sprites, names = atlas.load()
    stage, tasks, r = Stage(sprites), Tasks(names), random.Random(20_013)
    z = torch.cat([encoded(network, stage.compose([tasks.picture(r).target for _ in range(8)], SIDE, SIDE)) for _ in range(FITTED // 8)])
    return z.mean((0, 2, 3), keepdim=True), z.std((0, 2, 3), keepdim=True)


def freeze():
    from train_autoencoder import STATE, load

    network = load()
    mean, deviation = fitted(network)
    save(FROZEN, weights=network.state_dict(), mean=mean, deviation=deviation)
    samples = torch.load(STATE, mmap=True)["samples"]
    print(f"frozen after {samples} crops; deviations of channels {deviation.min():.3f} to {deviation.max():.3f}")


def decoder():
    from train_autoencoder import load

    frozen, now = torch.load(FROZEN), load().state_dict()
    after = lambda name: name.startswith(("decoder.", "into.", "head."))
    for name, before in frozen["weights"].items():
        if not after(name) and not torch.equal(before, now[name]):
            raise SystemExit(f"{name} is not what was frozen: the denoiser would not know these latents")
    save(FROZEN, **{**frozen, "weights": now})


def export(folder):
    from safetensors.torch import save_file

    latents = Latents()
    flat = lambda t: [round(v, 6) for v in t.flatten().tolist()]
    config = {**latents.network.config.as_json(), "latents_mean": flat(latents.mean), "latents_std": flat(latents.deviation)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file({n: t.bfloat16().contiguous() for n, t in latents.network.state_dict().items()}, folder / "diffusion_pytorch_model.safetensors")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["freeze", "decoder", "export"])
    p.add_argument("folder", type=Path, nargs="?")
    o = p.parse_args()
    torch.set_num_threads(1)
    export(o.folder) if o.what == "export" else globals()[o.what]()


if __name__ == "__main__":
    main()
