//! The noise levels of flow matching, from 1 (noise) to 0 (picture).

/// How a model's levels are bent towards noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shift {
    /// Not at all: the starter.
    None,
    /// By exp(mu), with mu fitted to picture size and steps: klein.
    Exponential,
}

/// `steps` levels evenly spaced from 1 to 1/steps, shifted, then 0. `tokens` is the picture's length.
pub fn flow_sigmas(steps: usize, tokens: usize, shift: Shift) -> Vec<f32> {
    let mu = empirical_mu(tokens, steps);
    (0..steps)
        .map(|i| {
            let sigma = (1.0
                - i as f64 * (1.0 - 1.0 / steps as f64) / (steps as f64 - 1.0).max(1.0))
                as f32;
            match shift {
                Shift::None => sigma,
                Shift::Exponential => exponential(mu, f64::from(sigma)) as f32,
            }
        })
        .chain([0.0])
        .collect()
}

/// The levels that are left when a picture is started from, from above 0 (keep it) to 1 (from noise): as
/// many of the first are skipped as diffusers skips, and the last step is always taken.
pub fn from_strength(sigmas: &[f32], strength: f32) -> &[f32] {
    let steps = sigmas.len() - 1;
    // A strength is meant as a decimal, and the nearest float may be a little more: of five steps 0.8 would
    // skip 0.99999994. What a float cannot tell apart counts as the decimal.
    let skipped = steps as f64 * (1.0 - f64::from(strength) + f64::from(f32::EPSILON));
    &sigmas[(skipped.max(0.0) as usize).min(steps.saturating_sub(1))..]
}

fn exponential(mu: f64, sigma: f64) -> f64 {
    let shift = libm::exp(mu);
    shift / (shift + (1.0 / sigma - 1.0))
}

/// The authors' fit: two lines over the picture's length, for 10 and for 200 steps, and between them
/// a line over the steps.
fn empirical_mu(tokens: usize, steps: usize) -> f64 {
    let tokens = tokens as f64;
    let at_200 = 0.000_169_27 * tokens + 0.456_666_66;
    if tokens > 4300.0 {
        return at_200;
    }
    let at_10 = 8.738_095_24e-5 * tokens + 1.898_333_33;
    let slope = (at_200 - at_10) / 190.0;
    slope * steps as f64 + (at_200 - 200.0 * slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What diffusers' FlowMatchEulerDiscreteScheduler makes of `compute_empirical_mu`.
    #[test]
    fn klein_s_levels_are_those_of_diffusers() {
        let cases: [(usize, usize, &[f32]); 4] = [
            (64, 4, &[1.0, 0.954_691_7, 0.875_368_9, 0.700_708_57, 0.0]),
            (1024, 4, &[1.0, 0.958_085_36, 0.883_981_9, 0.717_496_6, 0.0]),
            (4096, 28, &[1.0, 0.995_710_5, 0.991_131_9, 0.986_234_2, 0.980_982_6, 0.975_337_5]),
            (5000, 4, &[1.0, 0.916_951_5, 0.786_342_2, 0.550_923_9, 0.0]),
        ];
        for (tokens, steps, expected) in cases {
            let sigmas = flow_sigmas(steps, tokens, Shift::Exponential);
            assert_eq!(sigmas.len(), steps + 1);
            for (found, expected) in sigmas.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{sigmas:?} for {tokens} tokens, {steps} steps"
                );
            }
        }
    }

    #[test]
    fn the_starter_s_levels_are_even() {
        assert_eq!(flow_sigmas(4, 64, Shift::None), [1.0, 0.75, 0.5, 0.25, 0.0]);
        assert_eq!(flow_sigmas(1, 64, Shift::None), [1.0, 0.0]);
    }

    #[test]
    fn strength_cuts_off_the_first_levels() {
        let sigmas = flow_sigmas(4, 64, Shift::None);
        for (strength, first) in
            [(1.0, 1.0), (0.99, 1.0), (0.75, 0.75), (0.5, 0.5), (0.25, 0.25), (0.01, 0.25)]
        {
            assert_eq!(from_strength(&sigmas, strength)[0], first, "strength {strength}");
        }
    }

    /// diffusers skips `int(steps - steps · strength)`, here in whole hundredths, which are exact.
    #[test]
    fn every_strength_skips_as_many_steps_as_its_decimal_says() {
        for steps in 1..=100 {
            let sigmas = flow_sigmas(steps, 64, Shift::None);
            for hundredths in 1..=100 {
                let strength: f32 = format!("{}.{:02}", hundredths / 100, hundredths % 100)
                    .parse()
                    .expect("it is a number");
                let skipped = (steps * (100 - hundredths) / 100).min(steps - 1);
                let left = from_strength(&sigmas, strength);
                assert_eq!(left, &sigmas[skipped..], "{steps} steps, strength {strength}");
            }
        }
        // What was off by one, by the numbers of diffusers.
        for (steps, strength, skipped) in
            [(5, 0.8, 1), (5, 0.2, 4), (10, 0.6, 4), (20, 0.85, 3), (4, 0.999_999, 0)]
        {
            let sigmas = flow_sigmas(steps, 64, Shift::None);
            assert_eq!(from_strength(&sigmas, strength).len(), steps + 1 - skipped, "{strength}");
        }
    }
}
