//! Where tensors are computed, and with which instructions.

use candle_core::Device;
use likeness_recipe::RenderError;

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
    /// Opens the device.
    pub fn open(self) -> Result<Device, RenderError> {
        let opened = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda(number) => Device::new_cuda(number),
            Self::Metal(number) => Device::new_metal(number),
        };
        opened.map_err(|error| RenderError::Internal(format!("{self:?} cannot be opened: {error}")))
    }
}

/// Why `LIKENESS_CPU` is not followed to the letter; none where it is. A program that starts says it,
/// and goes on only where a lesser set is used.
pub use likeness_kernels::cpu::{Unmet as UnmetInstructions, unmet as unmet_instructions};

/// The instructions that the kernels use on this processor, decided once when the program starts.
pub fn instruction_set() -> &'static str {
    likeness_kernels::Isa::get().name()
}
