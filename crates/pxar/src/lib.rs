//! pxar: see ARCHITECTURE.md.
