"""A network that learns to tell a model's pictures from renders: whatever it finds, an eye may find too."""

import torch
import torch.nn as nn
import torch.nn.functional as F

WIDTHS = (24, 48, 96, 128)


class Stage(nn.Module):
    """Half the size, then a residual."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.down, self.norm = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs)
        self.more, self.after = nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = F.relu(self.norm(self.down(x)))
        return F.relu(x + self.after(self.more(x)))


class Teller(nn.Module):
    """[B, 4, 128, 128] in -1..1 to a score: above nothing for pictures that a model drew. It is given what differs from a
    pixel's surroundings too, and reads the means and the most of every stage: what is drawn must not hide how."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(Stage(inputs, outputs) for inputs, outputs in zip((8, *WIDTHS), WIDTHS))
        self.out = nn.Linear(2 * sum(WIDTHS), 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x):
        fine = x - F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        h, seen = torch.cat((x, 4 * fine), 1).contiguous(memory_format=torch.channels_last), []
        for stage in self.stages:
            h = stage(h)
            seen += [h.mean((2, 3)), h.amax((2, 3))]
        return self.out(torch.cat(seen, 1))[:, 0]


def trained_and_tested(pictures, renders, steps=300, batch=32, rate=2e-3, seed=1):
    """Trained on two thirds of both, [N, 4, 128, 128] in 0..1; the share of the others that is told right."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    split = 2 * len(pictures) // 3
    x = torch.cat((pictures[:split], renders[:split]))
    truth = torch.cat((torch.ones(split), torch.zeros(split)))
    teller = Teller().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(teller.parameters(), rate, weight_decay=0.02)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 30, 2 * (1 - step / steps))
        rows = torch.randint(len(x), (batch,), generator=generator)
        some = moved(x[rows], generator)
        with torch.autocast("cpu", torch.bfloat16):
            score = teller(some * 2 - 1)
        F.binary_cross_entropy_with_logits(score.float(), truth[rows]).backward()
        optimiser.step()
        optimiser.zero_grad()
    teller.eval()
    with torch.no_grad():
        right = lambda some, drawn: torch.cat([(teller(p * 2 - 1) > 0) == drawn for p in some.split(64)])
        return torch.cat((right(pictures[split:], True), right(renders[split:], False))).float().mean().item()


def moved(pictures, generator):
    """Mirrored or not, and a few pixels aside."""
    if torch.rand(1, generator=generator) < 0.5:
        pictures = pictures.flip(3)
    down, across = (int(v) for v in torch.randint(-6, 7, (2,), generator=generator))
    return torch.roll(pictures, (down, across), (2, 3))
