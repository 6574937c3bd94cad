"""The starter's two networks, with the parameter names of the formats they are exported to.

`Denoiser` computes what diffusers' `Flux2Transformer2DModel` computes in its key-value mode (same keys,
same numbers; tests/golden compares them). It is written anew because training wants two things that
inference code does not: references as a stream of their own, so that a batch without references pays
nothing for them, and few, large matrix products.

Shapes: B batch, T text tokens, N target tokens, R reference tokens, D width.
"""

from dataclasses import asdict, dataclass, field

import torch
import torch.nn as nn
import torch.nn.functional as F

from form import CHANNELS


@dataclass
class DenoiserConfig:
    """Field names are those of the transformer/config.json that diffusers reads."""

    in_channels: int = CHANNELS  # of latents; version 0.8.0: 1040, pixels of a patch and where it is (PLACES)
    out_channels: int = CHANNELS
    num_layers: int = 2
    num_single_layers: int = 6
    attention_head_dim: int = 64
    num_attention_heads: int = 4
    joint_attention_dim: int = 256
    timestep_guidance_channels: int = 256
    mlp_ratio: float = 3.0
    axes_dims_rope: list = field(default_factory=lambda: [16, 16, 16, 16])
    rope_theta: int = 2000
    eps: float = 1e-6

    def as_diffusers(self):
        return {
            "_class_name": "Flux2Transformer2DModel",
            **asdict(self),
            "patch_size": 1,
            "guidance_embeds": False,
        }


@dataclass
class TextConfig:
    vocab_size: int = 2048
    hidden_size: int = 256
    num_layers: int = 2
    num_heads: int = 4
    intermediate_size: int = 768
    max_positions: int = 32
    norm_eps: float = 1e-6

    def as_json(self):
        return {"model_type": "likeness_text", **asdict(self)}


class RMSNorm(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x.float(), self.weight.shape, self.weight, self.eps).to(x.dtype)


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


def attend(q, k, v):
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v.to(q.dtype)).transpose(1, 2).flatten(2)
    # Written out: for a hundred tokens the fused operation's backward pass is the slowest of the step on a CPU.
    scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(2, 3)).softmax(-1)
    return torch.matmul(scores.to(v.dtype), v).transpose(1, 2).flatten(2)


# ---------------------------------------------------------------------------------------- text


class TextLayer(nn.Module):
    def __init__(self, c: TextConfig):
        super().__init__()
        self.heads = c.num_heads
        self.norm1 = RMSNorm(c.hidden_size, c.norm_eps)
        self.qkv = linear(c.hidden_size, 3 * c.hidden_size)
        self.out = linear(c.hidden_size, c.hidden_size)
        self.norm2 = RMSNorm(c.hidden_size, c.norm_eps)
        self.fc_in = linear(c.hidden_size, 2 * c.intermediate_size)
        self.fc_out = linear(c.intermediate_size, c.hidden_size)

    def forward(self, h):
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in self.qkv(self.norm1(h)).chunk(3, -1))
        h = h + self.out(attend(q, k, v))
        gate, up = self.fc_in(self.norm2(h)).chunk(2, -1)
        return h + self.fc_out(F.silu(gate) * up)


class TextEncoder(nn.Module):
    """Token ids [B, T] to states [B, T, hidden_size]. Padding is an ordinary token: no mask anywhere."""

    def __init__(self, c: TextConfig):
        super().__init__()
        self.config = c
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.embed_positions = nn.Embedding(c.max_positions, c.hidden_size)
        self.layers = nn.ModuleList(TextLayer(c) for _ in range(c.num_layers))
        self.norm = RMSNorm(c.hidden_size, c.norm_eps)
        nn.init.normal_(self.embed_tokens.weight, std=0.5)
        nn.init.normal_(self.embed_positions.weight, std=0.1)

    def forward(self, ids):
        h = self.embed_tokens(ids) + self.embed_positions.weight[: ids.shape[1]]
        for layer in self.layers:
            h = layer(h)
        return self.norm(h)


# ------------------------------------------------------------------------------------ denoiser


def text_ids(length):
    ids = torch.zeros(length, 4)
    ids[:, 3] = torch.arange(length)
    return ids


def image_ids(height, width, t=0):
    """Positions of a picture of height x width patches; t is 0 for the target, 10 (i + 1) for reference i."""
    ids = torch.zeros(height, width, 4)
    ids[..., 0] = t
    ids[..., 1] = torch.arange(height)[:, None]
    ids[..., 2] = torch.arange(width)[None, :]
    return ids.view(-1, 4)


PLACES = 16


def places(height, width):
    """Where each token is, as numbers beside it, [height width, PLACES]: sines, then cosines, of the row and the column at
    wavelengths of 32, 16, 8 and 4 tokens.

    The family tells places by rotation alone. Version 0.8.0 was trained with these and leans on them, so training on from
    it begins with them too and fades them out (`Denoiser.leaning`): what ships has none.
    """
    grid = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), -1).view(-1, 2)
    angle = (grid[:, :, None] * (torch.pi / 16 * 2 ** torch.arange(4))).flatten(1)
    return torch.cat((angle.sin(), angle.cos()), 1)


def rope(ids, axes, theta):
    """Cosines and sines [S, head_dim / 2] for positions [S, 4], one slice of the head for each axis."""
    angles = [
        ids[:, a, None].double() / theta ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        for a, dim in enumerate(axes)
    ]
    angles = torch.cat(angles, -1)
    return angles.cos().float(), angles.sin().float()


def rotate(x, rotation):
    """Turns neighbouring pairs of x [B, heads, S, head_dim]."""
    cos, sin = (r.to(x.dtype) for r in rotation)
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


def timestep_embedding(t, channels):
    """t [B] in 0..1 to [B, channels]: cosines first, as diffusers with flip_sin_to_cos."""
    half = channels // 2
    frequency = torch.exp(-torch.log(torch.tensor(10000.0)) * torch.arange(half, device=t.device) / half)
    angle = 1000.0 * t.float()[:, None] * frequency[None]
    return torch.cat((angle.cos(), angle.sin()), -1)


class TimestepEmbedder(nn.Module):
    def __init__(self, channels, dim):
        super().__init__()
        self.linear_1, self.linear_2 = linear(channels, dim), linear(dim, dim)

    def forward(self, x):
        return self.linear_2(F.silu(self.linear_1(x)))


class Modulation(nn.Module):
    """Shift, scale and gate, `sets` times, from the timestep embedding; one for all blocks of a kind."""

    def __init__(self, dim, sets):
        super().__init__()
        self.sets = sets
        self.linear = linear(dim, 3 * sets * dim)

    def forward(self, temb):
        return self.linear(F.silu(temb))[:, None].chunk(3 * self.sets, -1)


class HeadNorm(RMSNorm):
    """RMS norm of queries or keys over the head dimension, [B, S, D] to [B, heads, S, head_dim]."""

    def forward(self, x):
        return super().forward(x.unflatten(-1, (-1, self.weight.shape[0]))).transpose(1, 2)


def heads_of(v, dim):
    return v.unflatten(-1, (-1, dim)).transpose(1, 2)


def norm(x, eps):
    return F.layer_norm(x, x.shape[-1:], eps=eps)


class FeedForward(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.linear_in, self.linear_out = linear(dim, 2 * hidden), linear(hidden, dim)

    def forward(self, x):
        gate, up = self.linear_in(x).chunk(2, -1)
        return self.linear_out(F.silu(gate) * up)


class JointAttention(nn.Module):
    def __init__(self, dim, head_dim, eps):
        super().__init__()
        self.head_dim = head_dim
        self.to_q, self.to_k, self.to_v = linear(dim, dim), linear(dim, dim), linear(dim, dim)
        self.add_q_proj, self.add_k_proj, self.add_v_proj = linear(dim, dim), linear(dim, dim), linear(dim, dim)
        self.norm_q, self.norm_k = HeadNorm(head_dim, eps), HeadNorm(head_dim, eps)
        self.norm_added_q, self.norm_added_k = HeadNorm(head_dim, eps), HeadNorm(head_dim, eps)
        self.to_out = nn.ModuleList([linear(dim, dim)])
        self.to_add_out = linear(dim, dim)

    def image(self, x, rotation):
        q = rotate(self.norm_q(self.to_q(x)), rotation)
        k = rotate(self.norm_k(self.to_k(x)), rotation)
        return q, k, heads_of(self.to_v(x), self.head_dim)

    def text(self, x, rotation):
        q = rotate(self.norm_added_q(self.add_q_proj(x)), rotation)
        k = rotate(self.norm_added_k(self.add_k_proj(x)), rotation)
        return q, k, heads_of(self.add_v_proj(x), self.head_dim)


class DoubleBlock(nn.Module):
    def __init__(self, c: DenoiserConfig, dim):
        super().__init__()
        self.eps = c.eps
        self.attn = JointAttention(dim, c.attention_head_dim, c.eps)
        self.ff = FeedForward(dim, int(dim * c.mlp_ratio))
        self.ff_context = FeedForward(dim, int(dim * c.mlp_ratio))

    def forward(self, txt, img, mod_txt, mod_img, rot, cached):
        shift1, scale1, gate1, shift2, scale2, gate2 = mod_img
        c_shift1, c_scale1, c_gate1, c_shift2, c_scale2, c_gate2 = mod_txt
        q, k, v = self.attn.image((1 + scale1) * norm(img, self.eps) + shift1, rot["image"])
        cq, ck, cv = self.attn.text((1 + c_scale1) * norm(txt, self.eps) + c_shift1, rot["text"])
        keys, values = [ck, k], [cv, v]
        if cached is not None:
            keys.insert(1, cached[0])
            values.insert(1, cached[1])
        out = attend(torch.cat((cq, q), 2), torch.cat(keys, 2), torch.cat(values, 2))
        length = txt.shape[1]
        txt = txt + c_gate1 * self.attn.to_add_out(out[:, :length])
        img = img + gate1 * self.attn.to_out[0](out[:, length:])
        txt = txt + c_gate2 * self.ff_context((1 + c_scale2) * norm(txt, self.eps) + c_shift2)
        img = img + gate2 * self.ff((1 + scale2) * norm(img, self.eps) + shift2)
        return txt, img

    def reference(self, ref, mod, rot):
        """References see only themselves; what they leave behind is their keys and values."""
        shift1, scale1, gate1, shift2, scale2, gate2 = mod
        q, k, v = self.attn.image((1 + scale1) * norm(ref, self.eps) + shift1, rot)
        ref = ref + gate1 * self.attn.to_out[0](attend(q, k, v))
        ref = ref + gate2 * self.ff((1 + scale2) * norm(ref, self.eps) + shift2)
        return ref, (k, v)


class ParallelAttention(nn.Module):
    def __init__(self, dim, hidden, head_dim, eps):
        super().__init__()
        self.dim, self.head_dim = dim, head_dim
        self.to_qkv_mlp_proj = linear(dim, 3 * dim + 2 * hidden)
        self.to_out = linear(dim + hidden, dim)
        self.norm_q, self.norm_k = HeadNorm(head_dim, eps), HeadNorm(head_dim, eps)

    def project(self, x, rotation):
        q, k, v, mlp = self.to_qkv_mlp_proj(x).split((self.dim,) * 3 + (self.to_qkv_mlp_proj.out_features - 3 * self.dim,), -1)
        gate, up = mlp.chunk(2, -1)
        q, k = rotate(self.norm_q(q), rotation), rotate(self.norm_k(k), rotation)
        return q, k, heads_of(v, self.head_dim), F.silu(gate) * up


class SingleBlock(nn.Module):
    def __init__(self, c: DenoiserConfig, dim):
        super().__init__()
        self.eps = c.eps
        self.attn = ParallelAttention(dim, int(dim * c.mlp_ratio), c.attention_head_dim, c.eps)

    def forward(self, x, mod, rotation, cached=None, text_length=0):
        shift, scale, gate = mod
        q, k, v, mlp = self.attn.project((1 + scale) * norm(x, self.eps) + shift, rotation)
        own = (k, v)
        if cached is not None:
            k = torch.cat((k[:, :, :text_length], cached[0], k[:, :, text_length:]), 2)
            v = torch.cat((v[:, :, :text_length], cached[1], v[:, :, text_length:]), 2)
        x = x + gate * self.attn.to_out(torch.cat((attend(q, k, v), mlp), -1))
        return x, own


class Denoiser(nn.Module):
    """Predicts the clean picture, in tokens [B, N, out_channels], from a noisy one."""

    def __init__(self, c: DenoiserConfig):
        super().__init__()
        self.config = c
        self.leaning = 1.0  # on places, where there are any
        dim = c.num_attention_heads * c.attention_head_dim
        self.time_guidance_embed = nn.ModuleDict({"timestep_embedder": TimestepEmbedder(c.timestep_guidance_channels, dim)})
        self.double_stream_modulation_img = Modulation(dim, 2)
        self.double_stream_modulation_txt = Modulation(dim, 2)
        self.single_stream_modulation = Modulation(dim, 1)
        self.x_embedder = linear(c.in_channels, dim)
        self.context_embedder = linear(c.joint_attention_dim, dim)
        self.transformer_blocks = nn.ModuleList(DoubleBlock(c, dim) for _ in range(c.num_layers))
        self.single_transformer_blocks = nn.ModuleList(SingleBlock(c, dim) for _ in range(c.num_single_layers))
        self.norm_out = nn.ModuleDict({"linear": linear(dim, 2 * dim)})
        self.proj_out = linear(dim, c.out_channels)
        for m in (self.double_stream_modulation_img, self.double_stream_modulation_txt, self.single_stream_modulation):
            nn.init.normal_(m.linear.weight, std=0.02)
        nn.init.zeros_(self.norm_out["linear"].weight)
        nn.init.zeros_(self.proj_out.weight)

    def rotations(self, text_length, grid, reference_grids=()):
        """Rotary tables and places; they depend on shapes only, so a batch of one shape makes them once."""
        c = self.config
        make = lambda ids: rope(ids, c.axes_dims_rope, c.rope_theta)
        text, image = text_ids(text_length), image_ids(*grid)
        tables = {"text": make(text), "image": make(image), "both": make(torch.cat((text, image)))}
        if reference_grids:
            tables["reference"] = make(torch.cat([image_ids(*g, t=10 * (i + 1)) for i, g in enumerate(reference_grids)]))
            tables["reference_places"] = (torch.cat([places(*g) for g in reference_grids]),)
        tables["image_places"] = (places(*grid),)
        device = self.proj_out.weight.device
        return {name: tuple(x.to(device) for x in table) for name, table in tables.items()}

    def embedded(self, x, placed):
        """[B, N, out_channels], and perhaps where they are, [N, PLACES], to [B, N, D]."""
        if self.config.in_channels > self.config.out_channels:
            x = torch.cat((x, self.leaning * placed.to(x.dtype).expand(len(x), -1, -1)), -1)
        return self.x_embedder(x)

    def time(self, t):
        return self.time_guidance_embed["timestep_embedder"](
            timestep_embedding(t, self.config.timestep_guidance_channels).to(self.proj_out.weight.dtype)
        )

    def card(self, references, rot):
        """Keys and values of references [B, R, out_channels] for every block: the same at each step, for each prompt."""
        temb = self.time(torch.zeros(references.shape[0], device=references.device))
        double, single = self.double_stream_modulation_img(temb), self.single_stream_modulation(temb)
        ref, card = self.embedded(references, rot["reference_places"][0]), []
        for block in self.transformer_blocks:
            ref, kv = block.reference(ref, double, rot["reference"])
            card.append(kv)
        for block in self.single_transformer_blocks:
            ref, kv = block(ref, single, rot["reference"])
            card.append(kv)
        return card

    def forward(self, x, sigma, text, rot, references=None, seen=None):
        """`seen`: a list that takes the picture's states after each block, [B, N, D], for who judges by them."""
        temb = self.time(sigma)
        mod_img, mod_txt = self.double_stream_modulation_img(temb), self.double_stream_modulation_txt(temb)
        mod_single = self.single_stream_modulation(temb)
        blocks = len(self.transformer_blocks) + len(self.single_transformer_blocks)
        cards = iter([None] * blocks if references is None else self.card(references, rot))
        img, txt = self.embedded(x, rot["image_places"][0]), self.context_embedder(text)
        for block in self.transformer_blocks:
            txt, img = block(txt, img, mod_txt, mod_img, rot, next(cards))
            if seen is not None:
                seen.append(img)
        length = txt.shape[1]
        h = torch.cat((txt, img), 1)
        for block in self.single_transformer_blocks:
            h, _ = block(h, mod_single, rot["both"], next(cards), length)
            if seen is not None:
                seen.append(h[:, length:])
        scale, shift = self.norm_out["linear"](F.silu(temb))[:, None].chunk(2, -1)
        return self.proj_out((1 + scale) * norm(h[:, length:], self.config.eps) + shift)


class Starter(nn.Module):
    """Text encoder and denoiser, trained together."""

    def __init__(self, denoiser=DenoiserConfig(), text=TextConfig()):
        super().__init__()
        self.denoiser, self.text_encoder = Denoiser(denoiser), TextEncoder(text)

    def forward(self, x, sigma, ids, rot, references=None):
        return self.denoiser(x, sigma, self.text_encoder(ids), rot, references)

