"""Muon for the matrices inside a network, AdamW for the rest, with one learning rate schedule for both.

Muon: Keller Jordan, https://kellerjordan.github.io/posts/muon/; the update's size is matched to AdamW's as in
"Muon is Scalable for LLM Training" (arXiv 2502.16982), so both take the same rate.
"""

import torch


def orthogonalised(g, steps=5):
    """Newton-Schulz towards the nearest semi-orthogonal matrix, for a stack [K, m, n]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * (s @ s)) @ x
    return (x.mT if tall else x).float()


class Muon:
    """Convolutions count as matrices of what each output sees, those of many outputs as several: what it costs grows with
    the square of the smaller side, and would be as much as the step of a convolution that doubles."""

    def __init__(self, parameters, momentum=0.95, decay=0.01, rows=None):
        self.stacks, self.rows = {}, rows
        for p in parameters:
            self.stacks.setdefault(tuple(self.matrices(p).shape[1:]), []).append(p)
        self.momentum, self.decay = momentum, decay
        self.buffers = {shape: torch.cat([torch.zeros_like(self.matrices(p)) for p in ps]) for shape, ps in self.stacks.items()}

    def matrices(self, tensor):
        """[K, m, n]"""
        matrix = tensor.flatten(1)
        return matrix.view(-1, min(self.rows or len(matrix), len(matrix)), matrix.shape[1])

    @torch.no_grad()
    def step(self, rate):
        for shape, parameters in self.stacks.items():
            g, buffer = torch.cat([self.matrices(p.grad) for p in parameters]), self.buffers[shape]
            buffer.mul_(self.momentum).add_(g)
            update = orthogonalised(g + self.momentum * buffer) * (0.2 * max(shape) ** 0.5)
            for p, u in zip(parameters, update.split([len(self.matrices(p)) for p in parameters])):
                p.mul_(1 - rate * self.decay).sub_(u.view_as(p), alpha=rate)


class Optimiser:
    """`step(rate)` after gradients are in place; `state()` and `restore()` for resuming.

    `inner(name, parameter)` says what Muon takes. AdamW takes the rest, each at the share of the rate that
    `share(name)` gives it."""

    def __init__(self, model, inner, share=lambda name: 1.0, decay=0.01, rows=None):
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        self.muon = Muon([p for n, p in named if inner(n, p)], decay=decay, rows=rows)
        rest = {}
        for n, p in named:
            if not inner(n, p):
                rest.setdefault(share(n), []).append(p)
        self.shares = list(rest)
        self.adam = torch.optim.AdamW([dict(params=ps) for ps in rest.values()], lr=0.0, betas=(0.9, 0.98), weight_decay=0.0, fused=True)

    def step(self, rate):
        self.muon.step(rate)
        for group, share in zip(self.adam.param_groups, self.shares):
            group["lr"] = share * rate
        self.adam.step()

    def state(self):
        return {"muon": self.muon.buffers, "adam": self.adam.state_dict()}

    def restore(self, state):
        """Begins afresh where other parameters are trained than before."""
        shapes = lambda buffers: {shape: b.shape for shape, b in buffers.items()}
        if shapes(state["muon"]) != shapes(self.muon.buffers):
            return
        self.muon.buffers = {shape: b.to(self.muon.buffers[shape]) for shape, b in state["muon"].items()}
        self.adam.load_state_dict(state["adam"])
