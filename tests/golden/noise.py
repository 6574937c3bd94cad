"""torch.randn's own numbers, which `--noise-source torch` must give bit for bit.

    python tests/golden/noise.py

Whole tensors for sizes around the two code paths of PyTorch (below 16, and blocks of 16 with a
remainder), and the hash of a large one. PyTorch's numbers differ in the last bit between processors
with AVX2 and those without; these are the former's, which is every x86 machine of the last ten years.
"""

import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file

assert torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


def draw(seed, count):
    return torch.randn(count, generator=torch.Generator().manual_seed(seed))


cases = [(0, 1), (42, 5), (7, 15), (42, 16), (3, 17), (2**32 + 5, 100), (2**63 + 12345, 4096)]
large = draw(1234567, 1 << 20)
path = Path(__file__).parent / "noise.safetensors"
save_file(
    {f"{seed}_{count}": draw(seed, count) for seed, count in cases},
    path,
    metadata={"large_seed": "1234567", "large_count": str(1 << 20),
              "large_sha256": hashlib.sha256(large.numpy().astype("<f4").tobytes()).hexdigest()},
)
print(path, path.stat().st_size)
