//! tree: see ARCHITECTURE.md.
