//! The closed lists of a recipe: what a sampler, schedule, precision, noise source or role may be called.
//!
//! Adding one: a row here, then the family that can run it lists it in its `ModelCapabilities`.

/// Declares an enum whose names are the same in JSON, on the command line and in error messages.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every one there is, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in recipes, on the command line and in messages.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The one called `name`, exactly as [`Self::name`] spells it.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use named;

named! {
    /// How a step goes from one noise level to the next.
    Sampler {
        /// Euler over the k-diffusion sigmas.
        Euler = "euler",
        /// Euler with fresh noise at every step.
        EulerAncestral = "euler_a",
        /// DPM-Solver++ of the second order, multistep.
        Dpmpp2m = "dpmpp_2m",
        /// The same as a stochastic differential equation.
        Dpmpp2mSde = "dpmpp_2m_sde",
        /// Denoising diffusion implicit models.
        Ddim = "ddim",
        /// Unified predictor and corrector.
        UniPc = "unipc",
        /// Latent consistency models.
        Lcm = "lcm",
        /// Trajectory consistency distillation.
        Tcd = "tcd",
        /// Euler along the straight path of a flow-matching model.
        FlowEuler = "flow_euler",
        /// Heun's two-evaluation step along that path.
        FlowHeun = "flow_heun",
    }
}

named! {
    /// How the noise levels are spaced.
    Schedule {
        /// The family's own.
        Default = "default",
        /// Karras et al., rho 7.
        Karras = "karras",
        /// Evenly spaced in the logarithm.
        Exponential = "exponential",
        /// Evenly spaced timesteps without the last, as the original SD code spaces them.
        SgmUniform = "sgm_uniform",
        /// Evenly picked from the model's own sigmas.
        Simple = "simple",
        /// Quantiles of a beta distribution.
        Beta = "beta",
    }
}

named! {
    /// Which generator turns the seed into the first noise.
    NoiseSource {
        /// Our counter-based generator: any part of the noise can be drawn on its own.
        Likeness = "likeness",
        /// PyTorch's CPU generator bit for bit, as ComfyUI and diffusers use it.
        Torch = "torch",
    }
}

named! {
    /// The number format that the network computes in. All but `f32` are approximations.
    Precision {
        /// 32-bit floats.
        F32 = "f32",
        /// bfloat16 products with 32-bit sums.
        Bf16 = "bf16",
        /// 8-bit integer products.
        Int8 = "int8",
    }
}

named! {
    /// What a reference picture is for.
    Role {
        /// The thing that should be in the picture.
        Subject = "subject",
        /// The manner in which the picture should be drawn.
        Style = "style",
        /// The picture that the prompt changes.
        Edit = "edit",
    }
}

named! {
    /// What becomes of a picture's alpha once it is drawn. A network gives it as numbers that are seldom
    /// quite 1, so that even a landscape could be seen through a little.
    #[derive(Default)]
    Alpha {
        /// It stays as it is drawn: cut-outs have soft edges.
        #[default]
        Drawn = "drawn",
        /// There is none: the picture has a background.
        Opaque = "opaque",
        /// There is none where the picture that it is made from has none.
        Source = "source",
    }
}

impl Alpha {
    /// Whether it stays as it is drawn, which is what a recipe that says nothing means.
    pub fn is_drawn(&self) -> bool {
        *self == Self::Drawn
    }
}
