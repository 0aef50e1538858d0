//! The real binaries end to end: what README and the guide promise, and what happens on the worst day.
//!
//! Each test has a house of its own (`house.rs`). Lower floors have their own tests; here stands only what needs processes.

mod house;
mod likeness;
mod terminal;

mod acceptance;
mod captures;
mod closed;
mod collection;
mod crowd;
mod damage;
mod examples;
mod kills;
mod lasting;
mod metrics;
mod mounts;
mod moving;
mod moving_crowd;
mod mutations;
mod nearest;
mod plugin;
mod prompts;
mod refusals;
mod rescue;
mod resume;
mod shown;
mod split;
mod takeover;
mod tiny;
