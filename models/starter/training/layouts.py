"""The three layouts in which a FLUX.2 denoiser comes: diffusers' folder, the original authors' single file
(BFL), and GGUF with Q8_0 matrices. The golden scripts write their small checkpoints with the same functions.
"""

import hashlib
import json
import struct

import numpy as np
import torch
from safetensors.torch import save_file

# Files of a model folder.
DENOISER = "transformer/diffusion_pytorch_model.safetensors"
TEXT_ENCODER = "text_encoder/model.safetensors"
TOKENIZER = "tokenizer/tokenizer.json"

OUTER = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    "time_guidance_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_guidance_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
    "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
    "single_stream_modulation.linear": "single_stream_modulation.lin",
    "proj_out": "final_layer.linear",
}
DOUBLE = {
    "attn.to_out.0.weight": "img_attn.proj.weight",
    "attn.to_add_out.weight": "txt_attn.proj.weight",
    "attn.norm_q.weight": "img_attn.norm.query_norm.scale",
    "attn.norm_k.weight": "img_attn.norm.key_norm.scale",
    "attn.norm_added_q.weight": "txt_attn.norm.query_norm.scale",
    "attn.norm_added_k.weight": "txt_attn.norm.key_norm.scale",
    "ff.linear_in.weight": "img_mlp.0.weight",
    "ff.linear_out.weight": "img_mlp.2.weight",
    "ff_context.linear_in.weight": "txt_mlp.0.weight",
    "ff_context.linear_out.weight": "txt_mlp.2.weight",
}
SINGLE = {
    "attn.to_qkv_mlp_proj.weight": "linear1.weight",
    "attn.to_out.weight": "linear2.weight",
    "attn.norm_q.weight": "norm.query_norm.scale",
    "attn.norm_k.weight": "norm.key_norm.scale",
}


def to_original(state):
    """diffusers' names to the original authors' (BFL): the inverse of diffusers' own conversion."""
    out = {}
    for name, tensor in state.items():
        kind, _, rest = name.partition(".")
        if kind == "transformer_blocks":
            number, _, inner = rest.partition(".")
            if inner in DOUBLE:
                out[f"double_blocks.{number}.{DOUBLE[inner]}"] = tensor
            elif inner in ("attn.to_q.weight", "attn.add_q_proj.weight"):
                names = [name, name.replace("q.", "k.").replace("q_", "k_"), name.replace("q.", "v.").replace("q_", "v_")]
                stream = "img" if inner == "attn.to_q.weight" else "txt"
                out[f"double_blocks.{number}.{stream}_attn.qkv.weight"] = torch.cat([state[n] for n in names])
        elif kind == "single_transformer_blocks":
            number, _, inner = rest.partition(".")
            out[f"single_blocks.{number}.{SINGLE[inner]}"] = tensor
        elif name == "norm_out.linear.weight":
            scale, shift = tensor.chunk(2)
            out["final_layer.adaLN_modulation.1.weight"] = torch.cat([shift, scale])
        else:
            out[OUTER[name.removesuffix(".weight")] + ".weight"] = tensor
    return {name: tensor.contiguous() for name, tensor in out.items()}


def quantise_q8_0(tensor):
    """Blocks of 32: an f16 scale and 32 signed bytes. -> (bytes, the numbers they stand for)"""
    rows = tensor.numpy().astype(np.float32).reshape(-1, 32)
    scale = np.abs(rows).max(1, keepdims=True) / 127
    inverse = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1), 0)
    numbers = np.rint(rows * inverse).astype(np.int8)
    half = scale.astype(np.float16)
    stored = np.concatenate([half.view(np.uint8), numbers.view(np.uint8)], 1).tobytes()
    meant = half.astype(np.float32) * numbers
    return stored, torch.from_numpy(meant.reshape(tensor.shape))


def write_gguf(path, state, architecture="flux2"):
    """GGUF version 3; matrices as Q8_0, vectors as F32. -> the state that it stands for"""
    text = lambda s: struct.pack("<Q", len(s.encode())) + s.encode()
    infos, blobs, meant, offset = b"", [], {}, 0
    for name, tensor in state.items():
        if tensor.dim() == 2:
            blob, meant[name] = quantise_q8_0(tensor)
            kind = 8
        else:
            blob, meant[name], kind = tensor.numpy().astype("<f4").tobytes(), tensor.float(), 0
        dims = tuple(reversed(tensor.shape))
        infos += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
        blob += bytes(-len(blob) % 32)
        blobs.append(blob)
        offset += len(blob)
    metadata = text("general.architecture") + struct.pack("<I", 8) + text(architecture)
    metadata += text("general.alignment") + struct.pack("<II", 4, 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(state), 2) + metadata + infos
    path.write_bytes(head + bytes(-len(head) % 32) + b"".join(blobs))
    return meant


def from_original(state):
    """The original names back to diffusers', for what a GGUF file stands for."""
    back = {v: k for k, v in OUTER.items()}
    double, single = {v: k for k, v in DOUBLE.items()}, {v: k for k, v in SINGLE.items()}
    out = {}
    for name, tensor in state.items():
        kind, _, rest = name.partition(".")
        number, _, inner = rest.partition(".")
        if kind == "double_blocks" and "qkv" in inner:
            parts = "to_q to_k to_v" if inner.startswith("img") else "add_q_proj add_k_proj add_v_proj"
            for part, chunk in zip(parts.split(), tensor.chunk(3)):
                out[f"transformer_blocks.{number}.attn.{part}.weight"] = chunk
        elif kind == "double_blocks":
            out[f"transformer_blocks.{number}.{double[inner]}"] = tensor
        elif kind == "single_blocks":
            out[f"single_transformer_blocks.{number}.{single[inner]}"] = tensor
        elif name.startswith("final_layer.adaLN"):
            shift, scale = tensor.chunk(2)
            out["norm_out.linear.weight"] = torch.cat([scale, shift])
        else:
            out[back[name.removesuffix(".weight")] + ".weight"] = tensor
    return out


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_folder(folder, manifest, model_config, state, text_config, text_state, tokenizer, layout="diffusers"):
    """A model folder with its manifest. -> the transformer's state as the written file means it"""
    folder.mkdir(parents=True, exist_ok=True)
    half = lambda state: {name: tensor.half().contiguous() for name, tensor in state.items()}
    files, meant = [], state
    if layout == "diffusers":
        index = {
            "_class_name": "Flux2KleinPipeline",
            "transformer": ["diffusers", "Flux2Transformer2DModel"],
            "text_encoder": ["likeness", "LikenessTextEncoder"],
            "tokenizer": ["tokenizers", "Tokenizer"],
        }
        write_json(folder / "model_index.json", index)
        write_json(folder / "transformer/config.json", {"_class_name": "Flux2Transformer2DModel", **model_config})
        save_file(half(state), folder / DENOISER)
        files += ["model_index.json", "transformer/config.json", DENOISER]
    elif layout == "single":
        prefixed = {f"model.diffusion_model.{name}": t for name, t in to_original(state).items()}
        save_file(prefixed, folder / "model.safetensors")
        files.append("model.safetensors")
    elif layout == "gguf":
        meant = from_original(write_gguf(folder / "model-Q8_0.gguf", to_original(state)))
        files.append("model-Q8_0.gguf")
    write_json(folder / "text_encoder/config.json", text_config)
    save_file(half(text_state), folder / TEXT_ENCODER)
    (folder / TOKENIZER).parent.mkdir(exist_ok=True)
    tokenizer.save(str(folder / TOKENIZER), pretty=False)
    files += ["text_encoder/config.json", TEXT_ENCODER, TOKENIZER]
    describe = lambda data: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest = {**manifest, "files": [{"path": f, **describe((folder / f).read_bytes())} for f in files]}
    write_json(folder / "starter.json", manifest)
    return meant
