//! End-to-end and tidy tests live in this package.
