"""What the golden scripts share: an independent text encoder, and the reference sampler over diffusers'
Flux2Transformer2DModel. The writers of the three layouts are the exporter's, in models/starter/training.

Needs torch, diffusers 0.42.1, tokenizers, safetensors and numpy; nothing of the Rust build.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import Flux2Transformer2DModel
from diffusers.models.transformers.transformer_flux2 import (
    Flux2KVAttnProcessor,
    Flux2KVParallelSelfAttnProcessor,
)
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

sys.path.append(str(Path(__file__).parents[2] / "models/starter/training"))
from layouts import write_folder  # noqa: E402,F401


# --- text -------------------------------------------------------------------------------------


def text_encoder(weights, config, ids):
    """The starter's text encoder as plain functions over its tensors: ids [l] -> [l, hidden]."""
    w = {name: tensor.float() for name, tensor in weights.items()}
    heads, eps = config["num_heads"], config["norm_eps"]

    def rms(x, name):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * w[name]

    x = w["embed_tokens.weight"][ids] + w["embed_positions.weight"][: len(ids)]
    for i in range(config["num_layers"]):
        layer = f"layers.{i}."
        q, k, v = (rms(x, layer + "norm1.weight") @ w[layer + "qkv.weight"].T).chunk(3, -1)
        split = lambda t: t.unflatten(-1, (heads, -1)).transpose(0, 1)  # [heads, l, d]
        q, k, v = split(q), split(k), split(v)
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        attended = (scores.softmax(-1) @ v).transpose(0, 1).flatten(1)
        x = x + attended @ w[layer + "out.weight"].T
        a, b = (rms(x, layer + "norm2.weight") @ w[layer + "fc_in.weight"].T).chunk(2, -1)
        x = x + (F.silu(a) * b) @ w[layer + "fc_out.weight"].T
    return rms(x, "norm.weight")


def token_ids(tokenizer, prompt, manifest):
    """Padded to a multiple with the pad token; an empty prompt is padding alone."""
    text = manifest["text"]
    ids = tokenizer.encode(prompt, add_special_tokens=False).ids
    assert len(ids) <= text["max_tokens"], prompt
    length = -(-max(len(ids), 1) // text["pad_multiple"]) * text["pad_multiple"]
    return torch.tensor(ids + [text["pad_token_id"]] * (length - len(ids)))


# --- pictures as tokens -----------------------------------------------------------------------


def patchify(picture, patch):
    """[c, h, w] -> [rows * columns, c * patch * patch], channels outermost in a token."""
    c, h, w = picture.shape
    grid = picture.reshape(c, h // patch, patch, w // patch, patch)
    return grid.permute(1, 3, 0, 2, 4).reshape(h // patch * (w // patch), c * patch * patch)


def picture_tokens(rgba, patch):
    """RGBA bytes [h, w, 4] -> tokens of premultiplied numbers in [-1, 1]."""
    x = torch.from_numpy(rgba).float() / 255
    x = torch.cat([x[..., :3] * x[..., 3:], x[..., 3:]], -1)
    return patchify((2 * x - 1).permute(2, 0, 1), patch)


def place_features(rows, columns, count):
    """Where each token is, [rows * columns, count]: sines, then cosines, of row and column at wavelengths 32, 16, 8…"""
    angle = lambda at: [at * np.pi / 16 * 2**i for i in range(count // 4)]
    both = np.array([angle(row) + angle(column) for row in range(rows) for column in range(columns)])
    return torch.from_numpy(np.concatenate([np.sin(both), np.cos(both)], 1)).float()


def noise_tokens(noise):
    """NCHW [1, c, rows, columns] -> [rows * columns, c]."""
    return noise[0].flatten(1).T.contiguous()


def grid_ids(time, rows, columns):
    return torch.tensor([[time, y, x, 0] for y in range(rows) for x in range(columns)]).float()


def text_ids(length):
    return torch.tensor([[0, 0, 0, i] for i in range(length)]).float()


# --- the network in KV mode, and a sampler over it ----------------------------------------------


class Reference:
    """diffusers' network with references from the first step on, as its KV mode has them."""

    def __init__(self, model, places=0):
        """`places`: numbers beside a token's own that say where it is (image.place_features of the manifest)."""
        self.model, self.places = model.float().eval(), places
        for block in self.model.transformer_blocks:
            block.attn.set_processor(Flux2KVAttnProcessor())
        for block in self.model.single_transformer_blocks:
            block.attn.set_processor(Flux2KVParallelSelfAttnProcessor())

    @torch.no_grad()
    def __call__(self, x, grid, sigma, text, references=(), cache=None):
        """x [n, c]; references: (tokens, (rows, columns)) each; -> (output [n, c], cache)"""
        placed = lambda tokens, grid: torch.cat([tokens, place_features(*grid, self.places)], 1) if self.places else tokens
        x, x_ids = placed(x, grid), grid_ids(0, *grid)
        call = dict(
            encoder_hidden_states=text[None],
            timestep=torch.tensor([sigma], dtype=torch.float32),
            txt_ids=text_ids(len(text)),
            return_dict=False,
        )
        if cache is not None:
            out = self.model(hidden_states=x[None], img_ids=x_ids, kv_cache=cache, kv_cache_mode="cached", **call)
            return out[0][0], cache
        if not references:
            return self.model(hidden_states=x[None], img_ids=x_ids, **call)[0][0], None
        tokens = torch.cat([placed(*reference) for reference in references])
        ids = torch.cat([grid_ids(10 + 10 * i, *grid) for i, (_, grid) in enumerate(references)])
        out, cache = self.model(
            hidden_states=torch.cat([tokens, x])[None],
            img_ids=torch.cat([ids, x_ids]),
            kv_cache_mode="extract",
            num_ref_tokens=len(tokens),
            **call,
        )
        return out[0], cache

    def sample(self, noise, grid, steps, text, references=(), guidance=1.0, negative=None, heun=False):
        """The tokens of the picture after `steps` steps; the network predicts the clean picture."""
        sigmas = torch.linspace(1, 1 / steps, steps).tolist() + [0.0]
        cache = None

        def clean(x, sigma):
            nonlocal cache
            out, cache_ = self(x, grid, sigma, text, references, cache)
            if guidance != 1.0:
                other, _ = self(x, grid, sigma, negative, references, cache_)
                out = other + guidance * (out - other)
            cache = cache_
            return out

        x = noise
        for sigma, after in zip(sigmas, sigmas[1:]):
            v = (x - clean(x, sigma)) / sigma
            there = x + (after - sigma) * v
            if heun and after > 0:
                v = (v + (there - clean(there, after)) / after) / 2
                there = x + (after - sigma) * v
            x = there
        return x


def cached_keys(cache):
    """Every layer's K and V of the references, [layer, k or v, heads, tokens, head]."""
    layers = [*cache.double_block_caches, *cache.single_block_caches]
    pair = lambda layer: torch.stack([layer.k_ref[0], layer.v_ref[0]]).transpose(1, 2)
    return torch.stack([pair(layer) for layer in layers]).contiguous()


# --- making weights ---------------------------------------------------------------------------


def randomise(state, seed):
    """Every tensor random and exact in f16, norms around 1: nothing stays at a neutral value that
    would hide a swapped half or a forgotten norm."""
    generator = torch.Generator().manual_seed(seed)
    out = {}
    for name, tensor in state.items():
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith(".bias"):
            value = 0.3 * noise
        elif tensor.dim() == 1:
            value = 1 + 0.3 * noise
        elif name.startswith("embed_"):
            value = noise
        else:
            value = noise * 1.2 / tensor[0].numel() ** 0.5
        out[name] = value.half().float()
    return out


def random_network(kind, config, folder, seed):
    """A network of diffusers with random weights, saved as diffusers saves it, in f16."""
    model = kind(**config).eval()
    model.load_state_dict(randomise(model.state_dict(), seed))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_config(folder)
    state = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "diffusion_pytorch_model.safetensors")
    return model


def random_text_encoder(config, seed):
    d, m = config["hidden_size"], config["intermediate_size"]
    shapes = {"embed_tokens.weight": (config["vocab_size"], d), "embed_positions.weight": (config["max_positions"], d)}
    for i in range(config["num_layers"]):
        layer = f"layers.{i}."
        shapes |= {
            layer + "norm1.weight": (d,),
            layer + "qkv.weight": (3 * d, d),
            layer + "out.weight": (d, d),
            layer + "norm2.weight": (d,),
            layer + "fc_in.weight": (2 * m, d),
            layer + "fc_out.weight": (d, m),
        }
    shapes["norm.weight"] = (d,)
    return randomise({name: torch.empty(shape) for name, shape in shapes.items()}, seed)


def train_tokenizer(texts, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def read_folder(folder):
    """(manifest, Reference, text: prompt -> embedding) of a model in the diffusers layout."""
    folder = Path(folder)
    manifest = json.loads((folder / "starter.json").read_text())
    config = json.loads((folder / "transformer/config.json").read_text())
    model = Flux2Transformer2DModel.from_config(config)
    model.load_state_dict(load_file(folder / "transformer/diffusion_pytorch_model.safetensors"))
    text_config = json.loads((folder / "text_encoder/config.json").read_text())
    text_state = load_file(folder / "text_encoder/model.safetensors")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer/tokenizer.json"))
    encode = lambda prompt: text_encoder(text_state, text_config, token_ids(tokenizer, prompt, manifest))
    return manifest, Reference(model, manifest["image"].get("place_features", 0)), encode
