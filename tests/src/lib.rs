//! The harness: real servers, real programs and a real desktop session, each started by the test
//! that needs it and gone when that test ends, however it ends.
//!
//! In reading order: [`wait`] and [`process`] are the ground; [`ports`], [`temp_home`], [`http`],
//! [`long_runs`] and [`tools`] are small helps; [`ssh_server`], [`gateway`], [`our_gateway`],
//! [`model_provider`], [`plain_http`], [`tls_front`] and [`forwarding_proxy`] are the servers, [`home_server`] three
//! of them together, [`server_account`] an account on one with the programs it finds there,
//! [`node_host`] the official program that serves one; [`laptop`] has the core alone; [`cli`], [`app`],
//! [`desktop`], [`webdriver`] and [`chromium`] drive our programs, [`terminal`] those that want a
//! terminal, and [`microphone`] speaks to those that listen; [`network`] puts a test apart from the machine; [`acknowledged`], [`canaries`], [`delivery`],
//! [`pins`] and [`shape`] judge what was left behind or answered.
//!
//! Nothing here is told apart by a fixed port or a shared home, nothing sleeps for a guessed time,
//! and a missing tool is an error, never a skipped test.

pub mod acknowledged;
pub mod app;
pub mod canaries;
pub mod chromium;
pub mod cli;
pub mod core;
pub mod delivery;
pub mod desktop;
pub mod fault_proxy;
pub mod forwarding_proxy;
pub mod gateway;
pub mod home_server;
pub mod http;
pub mod kept;
pub mod keyboard;
pub mod laptop;
pub mod long_runs;
pub mod microphone;
pub mod model_provider;
pub mod network;
pub mod node_host;
pub mod our_gateway;
pub mod pins;
pub mod plain_http;
pub mod ports;
pub mod process;
pub mod server_account;
pub mod shape;
pub mod ssh_server;
pub mod temp_home;
pub mod terminal;
pub mod tls_front;
pub mod tools;
pub mod wait;
pub mod webdriver;
