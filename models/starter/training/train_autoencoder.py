"""Trains the autoencoder on crops of pictures.

    python train_autoencoder.py train --minutes 60        resumes from autoencoder.pt if it is there
    python train_autoencoder.py train --decoder ...       the encoder stays as it is: latents that a denoiser knows stay good
    python train_autoencoder.py measure                   on held-out renders at full size: PSNR, slope at subject edges
    python train_autoencoder.py sheet out.png             held-out renders, and beside each what came back

L1, twice the L1 of the slopes, and an L1 of what is left at a fourth of the size. Latents are to be easy to learn too:
halved ones decode to the halved picture (scale equivariance, arXiv 2502.14831), and the first channels alone to the
picture's structure (after DC-AE 1.5, arXiv 2508.00413). Noise on them while the decoder learns, so that it forgives what
a denoiser gets wrong (after RAE, arXiv 2510.11690).
"""

import argparse

import torch
import torch.nn.functional as F

import loop
from autoencoder import Autoencoder
from edges import edge_slope
from form import BUILD, CHANNELS
from optimiser import Optimiser
from pictures import Crops, Pictures, held_out

STATE = BUILD / "autoencoder.pt"
NOISE = 0.06  # mean deviation of the noise on the latents, of their own
FRONTS = (16, 32, 64)  # channels that are decoded alone at times
SPREAD = 1e-2  # what latents cost whose mean square is not near one


def slopes(t):
    return t[..., 1:] - t[..., :-1], t[..., 1:, :] - t[..., :-1, :]


def apart(y, x):
    edges = sum((a - b).abs().mean() for a, b in zip(slopes(y), slopes(x)))
    coarse = (F.avg_pool2d(y, 4) - F.avg_pool2d(x, 4)).abs().mean()
    return (y - x).abs().mean() + 2 * edges + coarse


def front(z, generator):
    """Latents of which each picture keeps only some of the first channels."""
    kept = z.new_tensor(FRONTS)[torch.randint(len(FRONTS), (len(z),), generator=generator, device=z.device)]
    return z * (torch.arange(CHANNELS, device=z.device) < kept[:, None])[:, :, None, None]


def losses(model, x, generator):
    draw = dict(generator=generator, device=x.device)
    with torch.autocast(x.device.type, torch.bfloat16):
        z = model.encode(x).float()
        size = z.pow(2).mean()
        deviation = NOISE * 2 * size.detach().sqrt() * torch.rand(len(z), 1, 1, 1, **draw)
        noisy = z + deviation * torch.randn(z.shape, **draw)
        y = model.decode(noisy).float()
        half = F.avg_pool2d(noisy, 2)
        few = len(z) // 2
        small = model.decode(torch.cat((half[:few], front(half[few:], generator)))).float()
    wanted = F.avg_pool2d(x, 2)
    parts = {"picture": apart(y, x), "half": apart(small[:few], wanted[:few])}
    parts["front"] = (F.avg_pool2d(small[few:], 2) - F.avg_pool2d(wanted[few:], 2)).abs().mean()
    total = parts["picture"] + 0.15 * parts["half"] + 0.15 * parts["front"] + SPREAD * size.log().pow(2)
    told = {**parts, "size": size, "psnr": psnr(y.detach(), x)}
    return total, {name: (value.detach(), 1) for name, value in told.items()}


def psnr(y, x):
    """Mean of the pictures' own, for pictures in -1..1."""
    return (-10 * ((y.clamp(-1, 1) - x).pow(2).flatten(1).mean(1) / 4).clamp(min=1e-7).log10()).mean()


def begin(rank, step, options):
    model = Autoencoder().to(options.device, memory_format=torch.channels_last)
    crops = Crops(Pictures(1_000_000 + step + 7919 * rank))
    generator = torch.Generator(options.device).manual_seed(1000 * step + rank)
    if options.decoder:
        for module in (model.stem, model.encoder, model.out):
            module.requires_grad_(False)

    def work():
        x = crops.next(options.batch, options.side).to(options.device).contiguous(memory_format=torch.channels_last)
        loss, told = losses(model, x, generator)
        return loop.Work(loss, len(x), told)

    return loop.Job(model, Optimiser(model, lambda name, p: p.ndim == 4, decay=0.0, rows=256), work, decay=0.98)


def load(path=STATE, weights="averaged"):
    model = Autoencoder()
    model.load_state_dict(torch.load(path, map_location="cpu", mmap=True)[weights])
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)


@torch.no_grad()
def through(model, pictures, batch=8):
    """Pictures in 0..1 as they come back."""
    last = lambda x: x.contiguous(memory_format=torch.channels_last)
    back = torch.cat([model.decode(model.encode(last(some * 2 - 1))) for some in pictures.split(batch)])
    return (back.clamp(-1, 1) + 1) / 2


def measure(path=STATE):
    pictures, masks = held_out()
    back = through(load(path), pictures)
    print(f"PSNR {psnr(back * 2 - 1, pictures * 2 - 1):.2f} dB, slope at subject edges over renders' {edge_slope(back, masks) / edge_slope(pictures, masks):.3f}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["train", "measure", "sheet"])
    p.add_argument("out", nargs="?")
    p.add_argument("--side", type=int, default=128, help="of crops")
    p.add_argument("--decoder", action="store_true", help="train the decoder alone")
    loop.arguments(p, minutes=60, rate=1.5e-3, hold=0.5, batch=24)
    o = p.parse_args()
    if o.what == "train":
        return loop.run(STATE, begin, o)
    torch.set_num_threads(1)
    if o.what == "measure":
        return measure()
    from sheet import sheet

    pictures = held_out(20)[0]
    sheet([([a.numpy(), b.numpy()], "") for a, b in zip(pictures, through(load(), pictures))], o.out, 4, 0)


if __name__ == "__main__":
    main()
