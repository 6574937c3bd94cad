//! Where tensors are computed, and with which instructions.

use candle_core::Device;
use likeness_recipe::{Precision, RenderError};

/// The devices that this build knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Processor {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA device by number, in builds with the feature `cuda`.
    Cuda(usize),
    /// An Apple device by number, in builds with the feature `metal`.
    Metal(usize),
}

impl Processor {
    /// The one that this build computes with.
    pub fn usual() -> Self {
        if cfg!(feature = "cuda") {
            Self::Cuda(0)
        } else if cfg!(feature = "metal") {
            Self::Metal(0)
        } else {
            Self::Cpu
        }
    }

    /// In what it multiplies: what no kernel of ours does is left to candle, in floats.
    pub fn precisions(self) -> &'static [Precision] {
        match self {
            Self::Cpu => &[Precision::F32, Precision::Bf16, Precision::Int8],
            Self::Cuda(_) | Self::Metal(_) => &[Precision::F32],
        }
    }

    /// What is multiplied in where nobody asks for something else: weights of 16 bits and fewer lose next
    /// to nothing in bf16 products, where there are instructions for them.
    pub fn precision(self, weights_are_narrow: bool) -> Precision {
        let has_bf16 = likeness_kernels::Isa::get() >= likeness_kernels::Isa::Avx512;
        match weights_are_narrow && has_bf16 && self.precisions().contains(&Precision::Bf16) {
            true => Precision::Bf16,
            false => Precision::F32,
        }
    }

    /// Opens the device.
    pub fn open(self) -> Result<Device, RenderError> {
        let (opened, name) = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda(number) => (Device::new_cuda(number), format!("the CUDA device {number}")),
            Self::Metal(number) => {
                (Device::new_metal(number), format!("the Metal device {number}"))
            }
        };
        opened.map_err(|error| RenderError::Internal(format!("{name} cannot be opened: {error}")))
    }
}

/// Why `LIKENESS_CPU` is not followed to the letter; none where it is. A program that starts says it,
/// and goes on only where a lesser set is used.
pub use likeness_kernels::cpu::{Unmet as UnmetInstructions, unmet as unmet_instructions};

/// The instructions that the kernels use on this processor, decided once when the program starts.
pub fn instruction_set() -> &'static str {
    likeness_kernels::Isa::get().name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_given_a_precision_that_is_refused() {
        for processor in [Processor::Cpu, Processor::Cuda(0), Processor::Metal(0)] {
            for narrow in [false, true] {
                let usual = processor.precision(narrow);
                assert!(processor.precisions().contains(&usual), "{processor:?}: {usual}");
            }
        }
        assert_eq!(Processor::Cpu.precision(false), Precision::F32, "nothing is lost unasked");
    }
}
