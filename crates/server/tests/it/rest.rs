//! The REST interface: the recorded captures of the original, replayed; what no capture shows; and the page of all routes.

mod access;
mod clock;
mod config;
mod datastores;
mod diff;
mod events;
mod front;
mod jobs;
pub mod message;
mod moves;
mod node;
mod notifications;
mod packing;
mod prune;
mod replay;
mod routes;
mod rules;
mod rules_of_tasks;
mod second_factor;
mod selection;
mod silent;
pub mod site;
mod statistics;
mod steps;
mod sync;
mod traffic;
mod usage;
