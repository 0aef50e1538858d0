//! Changes of the configuration as whole steps.
