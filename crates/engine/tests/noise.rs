//! Noise from seeds: PyTorch's bit for bit, and our own for ever.

mod common;

use common::{Golden, root};
use likeness_engine::sampling::noise::{counted_block, normal};
use likeness_engine::weights::hash::sha256;
use likeness_recipe::NoiseSource::{Likeness, Torch};

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

fn hash(numbers: &[f32]) -> String {
    sha256(&numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

#[test]
fn torch_noise_is_torch_s() {
    let golden = Golden::read(&root("tests/golden/noise.safetensors"));
    for (seed, count) in [
        (0, 1),
        (42, 5),
        (7, 15),
        (42, 16),
        (3, 17),
        ((1 << 32) + 5, 100),
        ((1 << 63) + 12345, 4096),
    ] {
        let expected = &golden.get(&format!("{seed}_{count}")).1;
        let (found, expected) = (bits(&normal(Torch, seed, count)), bits(expected));
        let first = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert_eq!(first, None, "the first number that differs of {count} with seed {seed}");
        assert_eq!(found.len(), expected.len());
    }
    let large = normal(
        Torch,
        golden.about("large_seed").parse().unwrap(),
        golden.about("large_count").parse().unwrap(),
    );
    assert_eq!(hash(&large), golden.about("large_sha256"), "a million numbers");
}

/// Changing this hash changes every picture anyone has made: it may never change.
#[test]
fn our_noise_never_changes() {
    assert_eq!(hash(&normal(Likeness, 1234567, 10_001)), OURS);
}

const OURS: &str = "8ea820242d2d4b022a501c7aa1cf07f6752e82c057c6dcf5356c5f02cc102aa7";

#[test]
fn our_noise_can_be_drawn_from_any_place() {
    let all = normal(Likeness, 5, 4003);
    for block in [0, 1, 17, 999] {
        assert_eq!(
            bits(&counted_block(5, block)),
            bits(&all[4 * block as usize..][..4]),
            "block {block}"
        );
    }
    assert_eq!(bits(&normal(Likeness, 5, 4001)), bits(&all[..4001]), "fewer are the first of more");
}

#[test]
fn our_noise_is_normal() {
    let numbers = normal(Likeness, 99, 1 << 18);
    let moment = |power: i32| {
        numbers.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / numbers.len() as f64
    };
    let (mean, variance, kurtosis) = (moment(1), moment(2), moment(4));
    assert!(
        mean.abs() < 0.01 && (variance - 1.0).abs() < 0.01 && (kurtosis - 3.0).abs() < 0.05,
        "mean {mean}, variance {variance}, fourth moment {kurtosis}"
    );
    let beside: f64 = numbers.windows(2).map(|pair| f64::from(pair[0] * pair[1])).sum();
    assert!(
        (beside / numbers.len() as f64).abs() < 0.01,
        "neighbours have nothing to do with one another"
    );
    assert_ne!(normal(Likeness, 99, 8), normal(Likeness, 100, 8), "seeds differ");
    assert_ne!(
        normal(Likeness, 99, 8),
        normal(Likeness, 99 + (1 << 32), 8),
        "in their upper half too"
    );
}
