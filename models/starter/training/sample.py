"""Pictures from the weights as they stand, in PyTorch: for eyes during training, and the teacher's side of distilling.

    python sample.py sheet.png --steps 24 --guidance 2.5      from build/state.pt
"""

import argparse
from pathlib import Path

import torch

import tokenizer as tok
import carry
from form import BUILD, FORM
from batches import PATCH, to_patches
from network import unpatchify

# Fixed prompts for every sheet, so that sheets can be laid side by side.
PROMPTS = [
    "a red fox on a snowy beach, paper cut",
    "sticker of a panda, 3d style",
    "a blue fire engine on a table, flat style",
    "an octopus underwater, cartoon",
    "a mug on a wooden table, 3d",
    "a mug and a croissant on a table, cartoon style",
    "three strawberries on a pink background, minimal",
    "a purple dragon in the mountains, pixel art",
    "a rocket in space, neon",
    "a cactus in the desert, watercolour",
    "a penguin in the snow",
    "a lion to the right of a tree in a meadow, flat",
    "a bicycle against a brick wall, bold outline",
    "a dinosaur in a forest, pencil drawing",
    "a pizza, transparent background, 3d style",
    "a guitar on a yellow gradient, minimal style",
    "a green car in a city at night, flat style",
    "a cat and a dog at sunset, cartoon",
    "a small butterfly on polka dots",
    "a unicorn on stripes, 3d",
]


def encoded(tokenizer, captions):
    ids = [tokenizer.encode(c).ids[: tok.MAX_TOKENS] for c in captions]
    length = max(len(tok.padded(i)) for i in ids)
    return torch.tensor([tok.padded(i, length) for i in ids])


def guided(denoiser, text, empty, rotations, references, guidance, plain=None, emphasis=0.0):
    """A function (x, sigma) to the predicted picture, with classifier-free guidance on the prompt, and with `emphasis` more
    of what sets it apart from the `plain` one, of the same length."""
    full, short = rotations

    def predict(x, sigma):
        s = torch.full((x.shape[0],), float(sigma), device=x.device)
        seen = prediction = denoiser(x, s, text, full, references).float()
        if guidance != 1.0:
            free = denoiser(x, s, empty, short, references).float()
            prediction = free + guidance * (seen - free)
        if emphasis:
            prediction = prediction + emphasis * (seen - denoiser(x, s, plain, full, references).float())
        return prediction

    return predict


def euler_step(predict, x, now, then):
    """A step along the velocity (x - prediction) / sigma; one to zero lands on the prediction."""
    return x + (then - now) * (x - predict(x, now)) / now


def euler(predict, x, sigmas):
    for now, then in zip(sigmas, [*sigmas[1:], 0.0]):
        x = euler_step(predict, x, now, then)
    return x


@torch.no_grad()
def sample(model, captions, references=None, size=(FORM.side, FORM.side), steps=4, guidance=1.0, seed=0, batch=32):
    """[B, 4, H, W] in 0..1, premultiplied. `references`: list of picture tensors [B, 4, h, w] in 0..1."""
    tokenizer, out = tok.load(), []
    height, width = size
    grid = (height // PATCH, width // PATCH)
    generator = torch.Generator().manual_seed(seed)
    lengths = [len(tok.padded(tokenizer.encode(c).ids[: tok.MAX_TOKENS])) for c in captions]
    device = model.denoiser.proj_out.weight.device
    order = sorted(range(len(captions)), key=lambda i: lengths[i])  # one text length a batch, as the engine pads
    noise = torch.randn(len(captions), grid[0] * grid[1], 4 * PATCH**2, generator=generator)
    result = [None] * len(captions)
    while order:
        rows = [i for i in order[:batch] if lengths[i] == lengths[order[0]]]
        order = order[len(rows) :]
        ids = encoded(tokenizer, [captions[i] for i in rows])
        empty = torch.full((len(rows), tok.PAD_MULTIPLE), tok.PAD)
        seen = torch.cat([to_patches(r[rows]) for r in references], 1).to(device) if references else None
        grids = [(r.shape[2] // PATCH, r.shape[3] // PATCH) for r in references or []]
        rotations = [model.denoiser.rotations(n, grid, grids) for n in (ids.shape[1], tok.PAD_MULTIPLE)]
        ids, empty, x = (t.to(device) for t in (ids, empty, noise[rows]))
        with torch.autocast(device.type, torch.bfloat16):
            predict = guided(model.denoiser, model.text_encoder(ids), model.text_encoder(empty), rotations, seen, guidance)
            x = euler(predict, x, [1 - i / steps for i in range(steps)])
        for i, picture in zip(rows, (unpatchify(x, height, width, PATCH) + 1) / 2):
            result[i] = picture.clamp(0, 1).cpu()
    return torch.stack(result)


def load(path=BUILD / "state.pt", weights="averaged"):
    """The averaged weights of a training state, or of a folder of pieces that travelled (or its last ones: `model`)."""
    from train import build_model

    model, path = build_model(), Path(path)
    state = carry.read(path) if path.is_dir() else torch.load(path, map_location="cpu", mmap=True)
    model.load_state_dict(state[weights])
    return model.eval()


def main():
    from sheet import sheet

    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--state", default=BUILD / "state.pt")
    p.add_argument("--weights", default="averaged")
    p.add_argument("--device", default="cpu")
    p.add_argument("--steps", type=int, default=24)
    p.add_argument("--guidance", type=float, default=2.5)
    p.add_argument("--seed", type=int, default=0)
    o = p.parse_args()
    torch.set_num_threads(1)
    pictures = sample(load(o.state, o.weights).to(o.device), PROMPTS, steps=o.steps, guidance=o.guidance, seed=o.seed)
    sheet([([x.numpy()], c) for x, c in zip(pictures, PROMPTS)], o.out, columns=10)


if __name__ == "__main__":
    main()
