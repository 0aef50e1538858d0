//! Chunk stores for tests: one in memory, and a wrapper that fails where it is told to.
//!
//! Both keep the contract of `store::ChunkStore`; the one in memory is stricter than the real one and has a clock that tests can turn.
//! Only ever a dev-dependency.

mod faulty;
mod memory;

pub use faulty::{Fault, FaultyChunks};
pub use memory::MemoryChunks;
