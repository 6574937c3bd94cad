//! Pictures of channels on their way through a network, and the memory that they live in.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use candle_core::{Result, Tensor};
use likeness_kernels::{Aligned, Moments};

use super::{refused, slice, with_slices};
use crate::profile::{Cost, timed};

/// Pixels of channels [height · width, channels]. A sequence of tokens is a picture one pixel wide.
pub struct Map {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
    numbers: Numbers,
    buffers: Buffers,
    moments: OnceLock<Moments>,
}

enum Numbers {
    /// What our kernels work on.
    Own(Buffer),
    /// What candle works on [height · width, channels].
    Tensor(Tensor),
}

impl Map {
    /// A picture from a tensor [height · width, channels], on the tensor's device. What a network makes
    /// of it on the CPU lies in `buffers`.
    pub fn new(x: &Tensor, height: usize, width: usize, buffers: &Buffers) -> Result<Self> {
        let (pixels, channels) = x.dims2()?;
        if height.checked_mul(width) != Some(pixels) || pixels == 0 {
            candle_core::bail!("{height} by {width} is not {pixels} pixels");
        }
        let numbers = Numbers::Tensor(x.contiguous()?);
        let (buffers, moments) = (buffers.clone(), OnceLock::new());
        Ok(Self { height, width, channels, numbers, buffers, moments })
    }

    /// Pixels.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// As a tensor [height · width, channels].
    pub fn tensor(&self) -> Result<Tensor> {
        match &self.numbers {
            Numbers::Tensor(x) => Ok(x.clone()),
            Numbers::Own(x) => {
                Tensor::from_slice(x, (self.pixels(), self.channels), &candle_core::Device::Cpu)
            }
        }
    }

    /// A picture of other sizes with the numbers of `x`, in the same buffers.
    pub(super) fn like(&self, x: Tensor, height: usize, width: usize) -> Result<Self> {
        Self::new(&x, height, width, &self.buffers)
    }

    /// A picture that `fill` writes every number of, and may know the moments of.
    pub(super) fn filled(
        &self,
        (height, width, channels): (usize, usize, usize),
        fill: impl FnOnce(&mut [f32]) -> Result<Option<Moments>>,
    ) -> Result<Self> {
        let mut numbers = self.buffers.take(height * width * channels);
        let moments = OnceLock::new();
        if let Some(known) = fill(&mut numbers)? {
            moments.get_or_init(|| known);
        }
        let (numbers, buffers) = (Numbers::Own(numbers), self.buffers.clone());
        Ok(Self { height, width, channels, numbers, buffers, moments })
    }

    /// The same in memory of its own, which is no larger than it and goes back to the system: for what
    /// outlives a run of the network.
    pub(super) fn kept(
        &self,
        (height, width, channels): (usize, usize, usize),
        fill: impl FnOnce(&mut [f32]) -> Result<()>,
    ) -> Result<Self> {
        let mut numbers = Buffer::apart(height * width * channels);
        fill(&mut numbers)?;
        let (numbers, buffers) = (Numbers::Own(numbers), self.buffers.clone());
        Ok(Self { height, width, channels, numbers, buffers, moments: OnceLock::new() })
    }

    /// Bytes of the memory that its numbers lie in.
    pub fn bytes(&self) -> usize {
        size_of::<f32>()
            * match &self.numbers {
                Numbers::Own(buffer) => buffer.numbers.len(),
                Numbers::Tensor(x) => x.elem_count(),
            }
    }

    /// The same picture with its numbers changed, on the CPU.
    pub(super) fn changed(self, change: impl FnOnce(&mut [f32]) -> Result<()>) -> Result<Self> {
        let mut own = match self.numbers {
            Numbers::Own(_) => self,
            Numbers::Tensor(_) => self.filled((self.height, self.width, self.channels), |out| {
                self.lend(|x| {
                    out.copy_from_slice(x);
                    Ok(None)
                })
            })?,
        };
        own.moments = OnceLock::new();
        if let Numbers::Own(numbers) = &mut own.numbers {
            change(numbers)?;
        }
        Ok(own)
    }

    /// Lends out its numbers, on the CPU.
    pub(super) fn lend<T>(&self, run: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
        match &self.numbers {
            Numbers::Own(x) => run(x),
            Numbers::Tensor(x) => with_slices([Some(x)], |[x]| run(x.unwrap_or_default())),
        }
    }

    /// The same of one that may not be there.
    pub(super) fn lend_maybe<T>(
        map: Option<&Self>,
        run: impl FnOnce(Option<&[f32]>) -> Result<T>,
    ) -> Result<T> {
        match map {
            Some(map) => map.lend(|x| run(Some(x))),
            None => run(None),
        }
    }

    /// Whether it lies where our kernels run.
    pub(super) fn is_on_cpu(&self) -> bool {
        match &self.numbers {
            Numbers::Own(_) => true,
            Numbers::Tensor(x) => x.device().is_cpu(),
        }
    }

    /// Lends out the numbers of several, on the CPU.
    pub(super) fn lend_all<T>(
        maps: &[&Self],
        run: impl FnOnce(&[&[f32]]) -> Result<T>,
    ) -> Result<T> {
        // Guards of candle's storages must live as long as the slices that are lent.
        let guards: Vec<_> = maps
            .iter()
            .map(|map| match &map.numbers {
                Numbers::Own(_) => None,
                Numbers::Tensor(x) => Some(x.storage_and_layout()),
            })
            .collect();
        let slices = maps
            .iter()
            .zip(&guards)
            .map(|(map, guard)| match (&map.numbers, guard) {
                (Numbers::Own(x), _) => Ok(&**x),
                (_, Some((storage, layout))) => slice(storage, layout),
                (_, None) => candle_core::bail!("a tensor without storage"),
            })
            .collect::<Result<Vec<_>>>()?;
        run(&slices)
    }

    /// Sums over its pixels, as whoever made it left them or counted now.
    pub(super) fn moments(&self) -> Result<&Moments> {
        if self.moments.get().is_none() {
            let counted = self.lend(|x| {
                timed(Cost::moments(x.len()), || Moments::of(x, self.channels).map_err(refused))
            })?;
            self.moments.get_or_init(|| counted);
        }
        self.moments.get().ok_or_else(|| candle_core::Error::Msg("no moments".into()))
    }
}

/// Memory that pictures leave behind for the next ones: fresh memory costs a page fault for every
/// 4 KiB, which is as much as writing to it.
#[derive(Clone, Default)]
pub struct Buffers {
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    free: Vec<Aligned<f32>>,
    /// Numbers of the largest picture there was.
    most: usize,
}

impl Buffers {
    /// Bytes that lie here for the next pictures.
    pub fn held(&self) -> u64 {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.free.iter().map(|one| 4 * one.len() as u64).sum()
    }

    fn take(&self, len: usize) -> Buffer {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let Shelf { free, most } = &mut *shelf;
        *most = len.max(*most);
        // The smallest that is large enough, however large: what a network begins with is small, and has
        // the memory of what it ended with the time before.
        let fits = (0..free.len()).filter(|&i| free[i].len() >= len);
        let best = fits.min_by_key(|&i| free[i].len());
        let numbers = match best {
            Some(best) => free.swap_remove(best),
            None => {
                // A network grows to larger pictures and does not come back to the small ones, but the
                // next run wants the largest again.
                free.sort_by_key(|one| std::cmp::Reverse(one.len()));
                let mut kept = 0;
                free.retain(|one| {
                    kept += one.len();
                    kept <= 2 * (*most).max(1 << 24)
                });
                // Rows of pixels that begin in the middle of a line of the cache touch one line more each.
                Aligned::new(len)
            }
        };
        Buffer { numbers, len, home: Some(self.clone()) }
    }
}

/// Numbers that go back where they came from: to a shelf, or to the system.
struct Buffer {
    numbers: Aligned<f32>,
    len: usize,
    home: Option<Buffers>,
}

impl Buffer {
    /// `len` numbers that come from no shelf.
    fn apart(len: usize) -> Self {
        Self { numbers: Aligned::new(len), len, home: None }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(home) = &self.home else { return };
        let numbers = std::mem::take(&mut self.numbers);
        home.shelf.lock().unwrap_or_else(PoisonError::into_inner).free.push(numbers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_where_it_fits() {
        let buffers = Buffers::default();
        let first = buffers.take(100).as_ptr();
        assert_eq!(buffers.take(90).as_ptr(), first);
        let both = (buffers.take(100), buffers.take(100));
        assert_ne!(both.0.as_ptr(), both.1.as_ptr());
        drop(both);
        assert_eq!(buffers.take(10).len(), 10);
        assert!(buffers.held() >= 4 * 200, "{} bytes wait", buffers.held());
    }

    #[test]
    fn what_is_kept_leaves_the_shelf_alone() {
        let buffers = Buffers::default();
        drop(buffers.take(1000));
        let on_the_shelf = || -> Vec<usize> {
            let shelf = buffers.shelf.lock().unwrap();
            shelf.free.iter().map(|one| one.len()).collect()
        };
        let x = Tensor::zeros((4, 6), candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
        let x = Map::new(&x, 4, 1, &buffers).unwrap();
        let kept = x.kept((4, 1, 3), |_| Ok(())).unwrap();
        assert_eq!((kept.bytes(), on_the_shelf()), (4 * 12, vec![1000]), "as large as it is");
        drop(kept);
        assert_eq!(on_the_shelf(), [1000], "and gone with it");
        let made = x.filled((4, 1, 3), |_| Ok(None)).unwrap();
        assert_eq!((made.bytes(), on_the_shelf()), (4000, vec![]), "others are as large as fits");
    }
}
