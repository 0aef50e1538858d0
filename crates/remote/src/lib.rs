//! remote: see ARCHITECTURE.md.
