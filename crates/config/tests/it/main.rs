//! Tests of the configuration files: the original's files byte for byte, the syntaxes by tables, whole changes on a temporary directory.

mod dir;
mod edit;
mod files;
mod fixtures;
mod guard;
mod identity;
mod jobs;
mod notifications;
mod places;
mod references;
mod section_config;
mod takeover;
mod tfa;
