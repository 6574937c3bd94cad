"""What the peers compute: networks of the real shape with random weights, single operations, and the starter.

Speed does not depend on what weights say, as long as nothing overflows and nothing is subnormal. Each work is a
module and the inputs that it is called with; `WORKS` names them as `likeness bench` does.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, Flux2Transformer2DModel, UNet2DConditionModel

# Weights repeat one block of random numbers, each tensor from a place of its own, since OpenVINO keeps equal
# tensors once: to draw a billion numbers would take longer than to run the network.
BLOCK = torch.randn(1 << 20, generator=torch.Generator().manual_seed(1), dtype=torch.float32)

# Where PyTorch is faster with channels innermost, by work and precision, tried on an AMX-class Xeon: the faster
# layout is what we are compared with.
CHANNELS_LAST = {
    ("sd15-unet", "bf16"),
    ("sd15-vae", "bf16"),
    ("sd15-vae", "f32"),
    ("conv3x3:320x64x64", "f32"),
    ("conv3x3:320x64x64", "bf16"),
    ("conv3x3:640x32x32", "f32"),
    ("conv3x3:640x32x32", "bf16"),
    ("conv3x3:1280x16x16", "bf16"),
}

# SD1.5's, where they are not what diffusers takes them to be.
SD15_UNET = dict(cross_attention_dim=768)
SD15_VAE = dict(
    down_block_types=["DownEncoderBlock2D"] * 4,
    up_block_types=["UpDecoderBlock2D"] * 4,
    block_out_channels=[128, 256, 512, 512],
    layers_per_block=2,
)


def work(name, size):
    """The module and its inputs, in PyTorch's default number format."""
    kind, _, shape = name.partition(":")
    numbers = [int(number) for number in shape.split("x")] if shape else []
    return WORKS[kind](*numbers) if numbers else WORKS[kind](size)


def sd15_unet(size):
    """One step: latents [1, 4, size/8, size/8], told 77 tokens of text."""
    latent = size // 8
    net = invented(UNet2DConditionModel, **SD15_UNET)
    inputs = noise(1, 4, latent, latent), torch.tensor([500.0]), noise(1, 77, 768)
    return Call(net, lambda net, *given: net(*given, return_dict=False)[0]), inputs


def sd15_vae(size):
    """Latents [1, 4, size/8, size/8] to a picture [1, 3, size, size]."""
    net = invented(AutoencoderKL, **SD15_VAE)
    del net.encoder
    latents = noise(1, 4, size // 8, size // 8)
    return Call(net, lambda net, latents: net.decode(latents, return_dict=False)[0]), (latents,)


def klein_stack(size):
    """FLUX.2-klein-4B's transformer with one of its double and four of its single blocks: 512 tokens of text,
    (size/16)² of picture."""
    net = invented(
        Flux2Transformer2DModel,
        in_channels=128,
        num_layers=1,
        num_single_layers=4,
        attention_head_dim=128,
        num_attention_heads=24,
        joint_attention_dim=7680,
        mlp_ratio=3.0,
        axes_dims_rope=[32, 32, 32, 32],
        rope_theta=2000,
        guidance_embeds=False,
    )
    side = size // 16
    inputs = noise(1, side * side, 128), noise(1, 512, 7680), torch.tensor([0.5]), grid(side, side), words(512)
    return Call(net, flux2), inputs


def starter(_):
    """The shipped weights: a prompt to the bytes of a picture, at the manifest's own steps and guidance. With
    and without the prompt are one batch, and what does not depend on the prompt is made once."""
    root = Path(__file__).parents[1]
    sys.path.append(str(root / "tests/golden"))
    import reference
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    folder = root / "models/starter"
    read = lambda name: json.loads((folder / name).read_text())
    manifest, text_config = read("starter.json"), read("text_encoder/config.json")
    config = {name: value for name, value in read("transformer/config.json").items() if not name.startswith("_")}
    net = invented(Flux2Transformer2DModel, **config)
    net.load_state_dict(load_file(folder / "transformer/diffusion_pytorch_model.safetensors"))
    text_state = load_file(folder / "text_encoder/model.safetensors")
    text_state = {name: tensor.float() for name, tensor in text_state.items()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer/tokenizer.json"))
    encode = lambda prompt: reference.text_encoder(
        text_state, text_config, reference.token_ids(tokenizer, prompt, manifest)
    )

    usual, image = manifest["defaults"], manifest["image"]
    rows, columns = (usual[side] // manifest["limits"]["multiple"] for side in ("height", "width"))
    places = reference.place_features(rows, columns, image["place_features"])
    picture, nothing, steps = grid(rows, columns), encode(""), usual["steps"]
    sigmas = torch.linspace(1, 1 / steps, steps).tolist() + [0.0]

    def paint(net, x):
        x, kind = x.float(), net.dtype
        told = encode("a red fox on a snowy beach, paper cut")
        # At a guidance of 1 nobody asks about the empty prompt, nor do we.
        text = torch.stack([told] if usual["guidance"] == 1 else [told, nothing]).to(kind)
        ids = words(text.shape[1])
        for sigma, after in zip(sigmas, sigmas[1:]):
            seen = torch.cat([x, places], 1).to(kind).expand(len(text), -1, -1)
            told, *free = flux2(net, seen, text, torch.tensor([sigma]), picture, ids).float()
            clean = free[0] + usual["guidance"] * (told - free[0]) if free else told
            x = x + (after - sigma) * (x - clean) / sigma
        patch = image["patch_size"]
        pixels = x.reshape(rows, columns, -1, patch, patch).permute(0, 3, 1, 4, 2)
        return ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).contiguous()

    return Call(net, paint), (reference.noise_tokens(noise(1, net.config.out_channels, rows, columns)),)


def matmul(rows, inner, columns):
    """[rows, inner] by a weight [columns, inner]."""
    return Call(None, lambda _, x, w: F.linear(x, w)), (noise(rows, inner), noise(columns, inner) * inner**-0.5)


def conv3x3(channels, height, width):
    """As many channels out as in, stride 1, padded."""
    weight = noise(channels, channels, 3, 3) * (9 * channels) ** -0.5
    return Call(None, lambda _, x, w: F.conv2d(x, w, padding=1)), (noise(1, channels, height, width), weight)


def attention(heads, tokens, head):
    """Of `tokens` to themselves."""
    inputs = tuple(noise(1, heads, tokens, head) for _ in range(3))
    return Call(None, lambda _, *given: F.scaled_dot_product_attention(*given)), inputs


WORKS = {
    "sd15-unet": sd15_unet,
    "sd15-vae": sd15_vae,
    "klein-stack": klein_stack,
    "starter": starter,
    "matmul": matmul,
    "conv3x3": conv3x3,
    "attention": attention,
}


class Call(torch.nn.Module):
    """A network and how it is called."""

    def __init__(self, net, how):
        super().__init__()
        self.net, self.how = net, how
        self.eval().requires_grad_(False)

    def forward(self, *inputs):
        return self.how(self.net, *inputs)


def flux2(net, tokens, text, timestep, picture, words):
    given = dict(hidden_states=tokens, encoder_hidden_states=text, img_ids=picture, txt_ids=words)
    return net(timestep=timestep.to(tokens.dtype), return_dict=False, **given)[0]


def grid(rows, columns):
    places = [[0, y, x, 0] for y in range(rows) for x in range(columns)]
    return torch.tensor(places, dtype=torch.float32)


def words(length):
    return torch.tensor([[0, 0, 0, i] for i in range(length)], dtype=torch.float32)


def invented(kind, **config):
    """A network of diffusers with random weights, norms at 1 and offsets at 0."""
    with torch.device("meta"):
        net = kind(**config)
    net = net.to_empty(device="cpu").requires_grad_(False)
    assert not list(net.buffers()), "a buffer would hold whatever memory held"
    for number, (name, tensor) in enumerate(net.named_parameters()):
        if tensor.dim() == 1:
            tensor.fill_(0.0 if name.endswith("bias") else 1.0)
            continue
        flat, scale = tensor.view(-1), tensor[0].numel() ** -0.5
        block = BLOCK.roll(number * 997)
        for at in range(0, flat.numel(), BLOCK.numel()):
            piece = flat[at : at + BLOCK.numel()]
            torch.mul(block[: piece.numel()], scale, out=piece)
    return net


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))
