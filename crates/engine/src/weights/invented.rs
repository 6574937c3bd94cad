//! Weights that are made up: speed does not depend on what weights say, so a network of any size is
//! timed without its file.

use half::f16;
use likeness_kernels::Blocks;

/// How tensors are made up.
pub(super) struct Invented {
    seed: u64,
    /// Linear layers whose rows are whole blocks are stored so.
    blocks: Option<Blocks>,
}

impl Invented {
    pub fn new(seed: u64, blocks: Option<Blocks>) -> Self {
        Self { seed, blocks }
    }

    /// The blocks that rows of so many numbers are stored in.
    pub fn blocks(&self, columns: usize) -> Option<Blocks> {
        self.blocks.filter(|kind| columns.is_multiple_of(kind.sizes().0))
    }

    /// Appends random numbers in the range that trained ones have: norms near 1, biases near 0, and
    /// rows that keep the size of what they are multiplied with.
    pub fn numbers(&self, name: &str, shape: &[usize], numbers: &mut Vec<f32>) {
        let inputs = shape.get(1..).unwrap_or_default().iter().product::<usize>();
        let (around, spread) = match shape {
            [_] if name.ends_with(".bias") => (0.0, 0.1),
            [_] => (1.0, 0.1),
            _ => (0.0, spread(inputs)),
        };
        let mut random = Random::new(self.seed, name);
        numbers.extend((0..shape.iter().product::<usize>()).map(|_| {
            let unit = (random.next() >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
            around + spread * unit
        }));
    }

    /// Rows of random blocks.
    pub fn rows_of_blocks(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
        kind: Blocks,
    ) -> Vec<u8> {
        let mut random = Random::new(self.seed, name);
        blocks(kind, rows, columns, &mut || random.next())
    }
}

/// How far random weights go from 0 so that rows keep the size of what they are multiplied with.
fn spread(inputs: usize) -> f32 {
    (3.0 / inputs.max(1) as f32).sqrt()
}

/// Rows of blocks as a file has them, of random numbers in the range that trained ones have. `columns`
/// is a multiple of what a block holds.
pub(crate) fn blocks(
    kind: Blocks,
    rows: usize,
    columns: usize,
    random: &mut impl FnMut() -> u64,
) -> Vec<u8> {
    let (numbers, size) = kind.sizes();
    let count = rows * (columns / numbers);
    let mut bytes = vec![0u8; count * size];
    for word in bytes.chunks_mut(4) {
        // The upper half of a congruential generator's state is the random one.
        word.copy_from_slice(&((random() >> 32) as u32).to_le_bytes()[..word.len()]);
    }
    let spread = spread(columns);
    let half = |number: f32| f16::from_f32(number).to_le_bytes();
    for block in bytes.chunks_exact_mut(size) {
        match kind {
            Blocks::Q8_0 => block[..2].copy_from_slice(&half(spread / 127.0)),
            Blocks::Q4K => {
                // Scales and minima of 6 bits: on the average 32 times 7.5 less 32 times 7.5.
                block[..2].copy_from_slice(&half(spread / 240.0));
                block[2..4].copy_from_slice(&half(spread / 32.0));
            }
        }
    }
    bytes
}

/// A plain congruential generator that begins with a hash (FNV-1a) of a name, so that no two tensors
/// are alike.
struct Random(u64);

impl Random {
    fn new(seed: u64, name: &str) -> Self {
        Self(name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}
