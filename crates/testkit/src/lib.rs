//! What tests of several crates need: chunk stores, one in memory and a wrapper that fails where it is told to; programs run by ordinary users.
//!
//! Both stores keep the contract of `store::ChunkStore`; the one in memory is stricter than the real one and has a clock that tests can turn.
//! Only ever a dev-dependency.

mod faulty;
mod memory;
pub mod ordinary;

pub use faulty::{Fault, FaultyChunks};
pub use memory::MemoryChunks;
