//! The fault matrix: each row is a fault made for real, and a figure that has to hold.
//!
//! Every test here runs in a network of its own and in a process of its own, so that rules of its
//! firewall concern nobody else, and so that tasks, sockets and files it leaves behind can be counted.
//! `make test` runs a small set drawn from a seed, `scripts/soak` the same tests with a thousand faults.
//!
//! Rows that other tests hold already: 10 at the first connection (`refused_login`), 14 at the gateway
//! (`disk_trouble`), 18 (`port_taken`), 19 (`killed_gateway`), 20 and 21 with the official gateways
//! (`killed_sessions`), 22 (`gateway_core::client::tests::live`).

mod clock;
mod cuts;
mod disk;
mod front;
mod gateway;
mod leaks;
mod names;
mod network;
mod other_keys;
mod packets;
mod rotated;
mod site;
mod stalls;
mod transfer;
