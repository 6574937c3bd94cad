//! What is compared, as one list: each line of the table is a row here.

/// One line of the table.
pub struct Line {
    /// What `--only` calls it.
    pub name: &'static str,
    /// What it says in the table.
    pub text: &'static str,
    /// How it is found out.
    pub kind: Kind,
    /// As `likeness bench` and `bench/peer.py` call it; nothing where the kind says all.
    pub work: &'static str,
    /// The number format that we compute in.
    pub precision: &'static str,
    /// Whether all sides are held to AVX2.
    pub avx2: bool,
    /// Whom we are compared with, each with its number format; the fastest counts.
    pub peers: &'static [(Peer, &'static str)],
    /// At most this, as a ratio ours/theirs or in seconds; nothing where none was set.
    pub target: Option<f64>,
    /// How often each side is started, in turn.
    pub rounds: u32,
    /// How often each start runs the work after its warm-up. Short works are run more often.
    pub runs: u32,
}

/// What a line is about.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Seconds of a run, against a peer's.
    Speed,
    /// Most memory that a process held, against a peer's.
    Memory,
    /// Seconds from the start of the program to its end with the starter's first picture on disk.
    FirstPicture,
    /// The same with a library of 50,000 pictures, against a few.
    LargeLibrary,
}

/// Who else can compute it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Peer {
    /// diffusers on PyTorch.
    Torch,
    /// The same network, converted.
    OpenVino,
    /// Only where its program is given.
    StableDiffusionCpp,
}

use Peer::{OpenVino, StableDiffusionCpp, Torch};

impl Peer {
    /// All, in the order of the table's columns.
    pub const ALL: [Self; 3] = [Torch, OpenVino, StableDiffusionCpp];

    /// As people call it.
    pub fn text(self) -> &'static str {
        match self {
            Torch => "PyTorch",
            OpenVino => "OpenVINO",
            StableDiffusionCpp => "stable-diffusion.cpp",
        }
    }
}

const BOTH_BF16: &[(Peer, &str)] = &[(Torch, "bf16"), (OpenVino, "bf16")];
const BOTH_F32: &[(Peer, &str)] = &[(Torch, "f32"), (OpenVino, "f32")];
const TORCH_BF16: &[(Peer, &str)] = &[(Torch, "bf16")];
const TORCH_F32: &[(Peer, &str)] = &[(Torch, "f32")];

/// The lines that have a target, then single operations, which explain them.
pub const LINES: &[Line] = &[
    Line {
        peers: BOTH_BF16,
        target: Some(0.8),
        rounds: 3,
        ..speed("unet", "SD1.5-shaped UNet step 512², bf16", "sd15-unet", "bf16")
    },
    Line {
        avx2: true,
        peers: BOTH_F32,
        target: Some(0.9),
        runs: 3,
        ..speed("unet-avx2", "SD1.5-shaped UNet step 512², f32, held to AVX2", "sd15-unet", "f32")
    },
    Line {
        peers: BOTH_BF16,
        target: Some(0.8),
        rounds: 3,
        ..speed("vae", "VAE decode 512², bf16", "sd15-vae", "bf16")
    },
    Line {
        avx2: true,
        peers: BOTH_F32,
        target: Some(0.8),
        rounds: 1,
        runs: 2,
        ..speed("vae-avx2", "VAE decode 512², f32, held to AVX2", "sd15-vae", "f32")
    },
    Line {
        peers: TORCH_BF16,
        target: Some(0.9),
        rounds: 3,
        ..speed(
            "klein",
            "FLUX.2-klein-shaped stack, 512 text + 1024 image tokens, bf16",
            "klein-stack",
            "bf16",
        )
    },
    Line {
        peers: &[(StableDiffusionCpp, "q8_0")],
        target: Some(0.3),
        rounds: 1,
        ..speed("klein-q8_0", "FLUX.2-klein-shaped stack, Q8_0 weights", "klein-stack", "q8_0")
    },
    Line {
        peers: TORCH_BF16,
        target: Some(0.5),
        rounds: 3,
        runs: 20,
        ..speed("starter", "starter, 4 steps, warm, bf16", "starter", "bf16")
    },
    Line {
        kind: Kind::Memory,
        peers: &[(StableDiffusionCpp, "f16")],
        target: Some(0.8),
        rounds: 1,
        runs: 1,
        ..speed("memory", "peak memory, SD1.5-shaped 512²", "sd15", "bf16")
    },
    Line {
        kind: Kind::FirstPicture,
        target: Some(1.0),
        rounds: 7,
        ..speed("first", "process start to first starter picture on disk, cold", "", "bf16")
    },
    Line {
        kind: Kind::LargeLibrary,
        target: Some(1.05),
        rounds: 7,
        ..speed("large", "first picture with 50,000 in the library, against a few", "", "bf16")
    },
    operation("matmul 4096×1280×1280, bf16", "matmul:4096x1280x1280", "bf16", TORCH_BF16),
    operation("conv 3×3, 320 channels, 64², bf16", "conv3x3:320x64x64", "bf16", TORCH_BF16),
    operation("conv 3×3, 640 channels, 32², bf16", "conv3x3:640x32x32", "bf16", TORCH_BF16),
    operation("conv 3×3, 1280 channels, 16², bf16", "conv3x3:1280x16x16", "bf16", TORCH_BF16),
    operation(
        "attention, 8 heads of 40, 4096 tokens, bf16",
        "attention:8x4096x40",
        "bf16",
        TORCH_BF16,
    ),
    operation("matmul 4096×1280×1280, f32", "matmul:4096x1280x1280", "f32", TORCH_F32),
    operation("conv 3×3, 320 channels, 64², f32", "conv3x3:320x64x64", "f32", TORCH_F32),
    operation("conv 3×3, 640 channels, 32², f32", "conv3x3:640x32x32", "f32", TORCH_F32),
    operation("conv 3×3, 1280 channels, 16², f32", "conv3x3:1280x16x16", "f32", TORCH_F32),
    operation(
        "attention, 8 heads of 40, 4096 tokens, f32",
        "attention:8x4096x40",
        "f32",
        TORCH_F32,
    ),
];

const fn speed(
    name: &'static str,
    text: &'static str,
    work: &'static str,
    precision: &'static str,
) -> Line {
    let kind = Kind::Speed;
    Line {
        name,
        text,
        kind,
        work,
        precision,
        avx2: false,
        peers: &[],
        target: None,
        rounds: 2,
        runs: 5,
    }
}

/// A single operation; `--only op` means all of them.
const fn operation(
    text: &'static str,
    work: &'static str,
    precision: &'static str,
    peers: &'static [(Peer, &'static str)],
) -> Line {
    Line { peers, rounds: 3, runs: 20, ..speed("op", text, work, precision) }
}
