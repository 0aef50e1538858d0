//! format: see ARCHITECTURE.md.
