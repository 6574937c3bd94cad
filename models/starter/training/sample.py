"""Pictures from weights, in PyTorch: for eyes and measures during training, and the teacher's side of distilling.

    python sample.py sheet.png --steps 24 --guidance 2.5      from state.pt
    python sample.py sheet.png --shipped --steps 4            version 0.8.0, as it ships
"""

import argparse

import torch

import tokenizer as tok
from form import BUILD, SIDE

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


def even(steps):
    return [1 - i / steps for i in range(steps)]


class Drawer:
    """A model with what makes its tokens: `draw` gives [B, 4, H, W] in 0..1, premultiplied. `side` is that of its squares."""

    def __init__(self, model, codec, tokenizer, side, steps=4, guidance=1.0):
        self.model, self.codec, self.tokenizer, self.side = model, codec, tokenizer, side
        self.steps, self.guidance = steps, guidance

    @torch.no_grad()
    def draw(self, captions, references=None, size=None, seed=0, batch=32):
        """references: list of [B, 4, h, w], of the same size as what is drawn or reduced to it by whole pixels."""
        height, width = size or (self.side, self.side)
        grid = (height // self.codec.span, width // self.codec.span)
        device = self.model.denoiser.proj_out.weight.device
        noise = torch.randn(len(captions), grid[0] * grid[1], self.codec.channels, generator=torch.Generator().manual_seed(seed))
        lengths = [len(tok.padded(self.tokenizer.encode(c).ids[: tok.MAX_TOKENS])) for c in captions]
        order = sorted(range(len(captions)), key=lambda i: lengths[i])  # one text length a batch, as the engine pads
        result = [None] * len(captions)
        while order:
            rows = [i for i in order[:batch] if lengths[i] == lengths[order[0]]]
            order = order[len(rows) :]
            seen = [r[rows] for r in references or []]
            tokens = torch.cat([self.codec.tokens(r.to(device)) for r in seen], 1) if seen else None
            grids = [(r.shape[2] // self.codec.span, r.shape[3] // self.codec.span) for r in seen]
            ids = encoded(self.tokenizer, [captions[i] for i in rows]).to(device)
            empty = torch.full((len(rows), tok.PAD_MULTIPLE), tok.PAD, device=device)
            rotations = [self.model.denoiser.rotations(n, grid, grids) for n in (ids.shape[1], tok.PAD_MULTIPLE)]
            with torch.autocast(device.type, torch.bfloat16):
                text, free = self.model.text_encoder(ids), self.model.text_encoder(empty)
                predict = guided(self.model.denoiser, text, free, rotations, tokens, self.guidance)
                x = euler(predict, noise[rows].to(device), even(self.steps))
            for i, picture in zip(rows, self.codec.pictures(x, grid)):
                result[i] = picture.cpu()
        return torch.stack(result)


def of_shipped(steps=4, guidance=1.0):
    import shipped

    return Drawer(shipped.model(), shipped.Patches(), shipped.tokenizer(), 128, steps, guidance)


def of_state(path=BUILD / "state.pt", weights="averaged", steps=4, guidance=1.0, device="cpu"):
    from latents import Latents
    from train import load

    return Drawer(load(path, weights).to(device), Latents(device=device), tok.load(), SIDE, steps, guidance)


def arguments(parser, steps, guidance):
    parser.add_argument("--shipped", action="store_true", help="version 0.8.0")
    parser.add_argument("--state", default=BUILD / "state.pt")
    parser.add_argument("--weights", default="averaged")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--guidance", type=float, default=guidance)
    parser.add_argument("--seed", type=int, default=0)


def drawer(options):
    if options.shipped:
        return of_shipped(options.steps, options.guidance)
    return of_state(options.state, options.weights, options.steps, options.guidance, options.device)


def main():
    from sheet import sheet

    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    arguments(p, 24, 2.5)
    o = p.parse_args()
    torch.set_num_threads(1)
    pictures = drawer(o).draw(PROMPTS, seed=o.seed)
    sheet([([x.numpy()], c) for x, c in zip(pictures, PROMPTS)], o.out, columns=5)


if __name__ == "__main__":
    main()
