//! From noise to picture: the first noise, the noise levels, and the steps between them.

mod mt19937;
pub mod noise;
mod philox;
pub mod samplers;
pub mod schedule;
