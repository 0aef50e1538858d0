//! crypto: see ARCHITECTURE.md.
