//! console: see ARCHITECTURE.md.
