//! testkit: see ARCHITECTURE.md.
