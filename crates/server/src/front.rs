//! The network side: the socket, TLS, and HTTP as far as bytes go. Requests go to `dispatch`.

mod connection;
mod delivery;
mod held;
mod lingering;
pub mod listener;
mod peers;
mod prefixed;
pub mod rules;
mod throttled;
