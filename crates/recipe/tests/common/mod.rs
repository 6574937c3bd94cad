//! A model as the starter declares itself.

use likeness_recipe::*;

pub fn starter() -> ModelCapabilities {
    ModelCapabilities {
        model: ModelRef { name: "likeness-starter".into(), sha256: "5a".repeat(32) },
        family: "flux2".into(),
        defaults: Defaults {
            size: Size { width: 128, height: 128 },
            steps: 4,
            guidance: 1.0,
            sampler: Sampler::FlowEuler,
            schedule: Schedule::Default,
            precision: Precision::F32,
            strength: 0.6,
            masked_strength: 0.9,
        },
        size: SizeLimits { min_side: 64, max_side: 256, multiple: 16, max_pixels: 256 * 256 },
        sizes: vec![],
        steps: Span { min: 1, max: 100 },
        guidance: Span { min: 0.0, max: 30.0 },
        samplers: vec![Sampler::FlowEuler, Sampler::FlowHeun],
        schedules: vec![Schedule::Default],
        negative: true,
        weights: false,
        vocabulary: None,
        tokens: None,
        max_references: 3,
        roles: vec![Role::Subject, Role::Style, Role::Edit],
        init: true,
        mask: true,
        loras: false,
        precisions: vec![Precision::F32, Precision::Bf16],
        approximations: vec![],
    }
}
