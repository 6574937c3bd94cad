//! Stored numbers, and whether they are numbers: a weight that is none, or without end, makes a picture of
//! none.

use candle_core::quantized::GgmlDType;
use half::f16;

/// The first of these that is not finite.
pub(super) fn not_finite(numbers: &[f32]) -> Option<f32> {
    // Looked through without a way out, which the compiler makes one pass over whole registers of.
    let all = numbers.iter().fold(true, |all, number| all & number.is_finite());
    if all { None } else { numbers.iter().copied().find(|number| !number.is_finite()) }
}

/// The same of blocks as they are stored: the numbers in them are small integers, which only their scales
/// can take out of bounds.
pub(super) fn not_finite_in_blocks(bytes: &[u8], kind: GgmlDType) -> Option<f32> {
    let scales = scales(kind);
    let mut all = bytes.chunks_exact(kind.type_size()).flat_map(|block| {
        scales.iter().map(|&at| f16::from_le_bytes([block[at], block[at + 1]]).to_f32())
    });
    all.find(|number| !number.is_finite())
}

/// Where in a block its scales lie, which are halves; none for what is no block of these.
fn scales(kind: GgmlDType) -> &'static [usize] {
    match kind {
        GgmlDType::Q4_0 | GgmlDType::Q5_0 | GgmlDType::Q8_0 => &[0],
        GgmlDType::Q4_1 | GgmlDType::Q5_1 | GgmlDType::Q8_1 => &[0, 2],
        GgmlDType::Q4K | GgmlDType::Q5K => &[0, 2],
        // Behind 16 scales of parts and 64 bytes of numbers.
        GgmlDType::Q2K => &[80, 82],
        // Behind 32 + 64 bytes of numbers and 12 of scales of parts.
        GgmlDType::Q3K => &[108],
        // Behind 128 + 64 bytes of numbers and 16 scales of parts.
        GgmlDType::Q6K => &[208],
        _ => &[],
    }
}

/// Appends 16-bit floats as 32-bit ones, through a small buffer since a file aligns nothing.
pub(super) fn widen<H: Copy + Default>(
    bytes: &[u8],
    numbers: &mut Vec<f32>,
    from_bits: impl Fn(u16) -> H,
    convert: impl Fn(&[H], &mut [f32]),
) {
    let mut narrow = [H::default(); 2048];
    for chunk in bytes.chunks(2 * narrow.len()) {
        let count = chunk.len() / 2;
        for (to, from) in narrow.iter_mut().zip(chunk.chunks_exact(2)) {
            *to = from_bits(u16::from_le_bytes([from[0], from[1]]));
        }
        let start = numbers.len();
        numbers.resize(start + count, 0.0);
        convert(&narrow[..count], &mut numbers[start..]);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use candle_core::quantized::{QStorage, QTensor};

    use super::*;

    #[test]
    fn one_that_is_none_is_found_wherever_it_is() {
        let mut numbers = vec![1.0; 1000];
        assert_eq!(not_finite(&numbers), None);
        for (at, bad) in [(0, f32::INFINITY), (999, f32::NEG_INFINITY), (517, f32::NAN)] {
            numbers[at] = bad;
            assert_eq!(not_finite(&numbers).map(f32::to_bits), Some(bad.to_bits()));
            numbers[at] = 1.0;
        }
    }

    /// Held against candle, which unpacks them: where a scale is said to lie, one that is none makes none
    /// of its whole block, and nothing else in a block does.
    #[test]
    fn the_scales_of_blocks_lie_where_they_are_looked_for() {
        use GgmlDType::{Q2K, Q3K, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
        for kind in [Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K] {
            let unpacked = |bytes: &[u8]| -> Vec<f32> {
                let blocks =
                    QStorage::from_data(bytes.to_vec().into(), &Device::Cpu, kind).unwrap();
                let tensor = QTensor::new(blocks, 2 * kind.block_size()).unwrap();
                tensor.dequantize(&Device::Cpu).unwrap().to_vec1().unwrap()
            };
            // Each half is a number far from the largest, whatever lies where.
            let whole = vec![0x11; 2 * kind.type_size()];
            assert_eq!(not_finite_in_blocks(&whole, kind), None, "{kind:?}");
            for at in (0..kind.type_size()).step_by(2) {
                let mut bytes = whole.clone();
                let place = kind.type_size() + at;
                bytes[place..place + 2].copy_from_slice(&f16::NAN.to_le_bytes());
                let none = not_finite(&unpacked(&bytes)).is_some();
                assert_eq!(not_finite_in_blocks(&bytes, kind).is_some(), none, "{kind:?} at {at}");
            }
        }
    }
}
