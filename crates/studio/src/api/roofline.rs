//! Why a render took as long as it did: its work by kinds, beside what the machine can do.

use likeness_recipe as recipe;

use super::{data, names};

data! {
    /// Asks why the last render took as long as it did.
    pub struct RooflineRequest {
        /// Whether the machine may be measured now if it has not been: all threads for about a second.
        pub measure: bool,
    }
    /// The last render's work beside what the machine can do.
    pub struct Roofline {
        /// The last picture or draft that was made; null before the first since the program started.
        pub render: Option<RenderWork>,
        /// What the machine can do; null until it is measured, and then the rows have no limits.
        pub machine: Option<MachinePeak>,
        /// Whether a picture is being made, so that the machine cannot be measured now.
        pub busy: bool,
    }
    /// The fastest that the machine computes, as measured with the engine's own kernels.
    #[derive(Copy)]
    pub struct MachinePeak {
        /// Billions of operations a second over 32-bit floats.
        pub f32_gflops: f64,
        /// The same over bf16.
        pub bf16_gflops: f64,
        /// The same over 8-bit whole numbers.
        pub int8_gflops: f64,
        /// Billions of bytes a second from and to memory.
        pub gigabytes: f64,
    }
    /// What a render consisted of.
    pub struct RenderWork {
        /// The job; 0 for a live draft.
        pub job: i64,
        /// The model's name.
        pub model: String,
        /// Pixels from left to right.
        pub width: u32,
        /// Pixels from top to bottom.
        pub height: u32,
        /// Steps.
        pub steps: u32,
        /// `f32`, `bf16` or `int8`.
        pub precision: String,
        /// Seconds of the whole render.
        pub seconds: f64,
        /// Of these, for opening the model. They are in none of the rows.
        pub load_seconds: f64,
        /// Work by kinds, the longest first; their seconds are those of the render but for opening the
        /// model.
        pub rows: Vec<WorkRow>,
    }
    /// What one kind of operation took, what it reached, and what it could.
    #[derive(Copy)]
    pub struct WorkRow {
        /// Of which kind.
        pub kind: WorkKind,
        /// The format of the numbers that are multiplied.
        pub numbers: NumberFormat,
        /// How many operations.
        pub calls: u32,
        /// How long they took.
        pub seconds: f64,
        /// Of all rows' seconds, from 0 to 1.
        pub share: f64,
        /// Billions of operations a second; null where they were not counted.
        pub gflops: Option<f64>,
        /// Billions of bytes a second; null where they were not counted.
        pub gigabytes: Option<f64>,
        /// Billions of operations a second that the machine could have done.
        pub limit_gflops: Option<f64>,
        /// What was reached of the limit. More than 1 where numbers stayed in a cache.
        pub share_of_limit: Option<f64>,
        /// What the limit is.
        pub bound: Option<BoundBy>,
    }
}

names! {
    /// A kind of operation.
    pub enum WorkKind {
        /// Weights times activations.
        Product,
        /// A product over the neighbours of each pixel.
        Convolution,
        /// Everything sees everything.
        Attention,
        /// Numbers brought to a common size.
        Norm,
        /// What is done to numbers one by one.
        Elementwise,
        /// All else.
        Other,
    }
    /// The format of numbers that are multiplied.
    pub enum NumberFormat {
        /// 32-bit floats.
        F32,
        /// The upper half of these.
        Bf16,
        /// Whole numbers of 8 bits.
        Int8,
    }
    /// What holds an operation back where nothing else does.
    pub enum BoundBy {
        /// Arithmetic.
        Compute,
        /// Memory.
        Memory,
    }
}

impl From<&recipe::Peak> for MachinePeak {
    fn from(peak: &recipe::Peak) -> Self {
        Self {
            f32_gflops: peak.f32 / 1e9,
            bf16_gflops: peak.bf16 / 1e9,
            int8_gflops: peak.int8 / 1e9,
            gigabytes: peak.bandwidth / 1e9,
        }
    }
}

impl From<&recipe::RooflineRow> for WorkRow {
    fn from(row: &recipe::RooflineRow) -> Self {
        Self {
            kind: row.kind.into(),
            numbers: row.numbers.into(),
            calls: row.calls,
            seconds: row.seconds,
            share: row.share,
            gflops: row.gflops,
            gigabytes: row.gigabytes,
            limit_gflops: row.limit_gflops,
            share_of_limit: row.share_of_limit,
            bound: row.bound.map(|bound| match bound {
                recipe::Bound::Compute => BoundBy::Compute,
                recipe::Bound::Memory => BoundBy::Memory,
            }),
        }
    }
}

impl From<recipe::WorkKind> for WorkKind {
    fn from(kind: recipe::WorkKind) -> Self {
        match kind {
            recipe::WorkKind::Product => Self::Product,
            recipe::WorkKind::Convolution => Self::Convolution,
            recipe::WorkKind::Attention => Self::Attention,
            recipe::WorkKind::Norm => Self::Norm,
            recipe::WorkKind::Elementwise => Self::Elementwise,
            recipe::WorkKind::Other => Self::Other,
        }
    }
}

impl From<recipe::Numbers> for NumberFormat {
    fn from(numbers: recipe::Numbers) -> Self {
        match numbers {
            recipe::Numbers::F32 => Self::F32,
            recipe::Numbers::Bf16 => Self::Bf16,
            recipe::Numbers::Int8 => Self::Int8,
        }
    }
}
