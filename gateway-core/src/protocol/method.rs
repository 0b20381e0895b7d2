//! The methods we call: for each a marker type that names it and ties its params to its payload.
//!
//! One file per family. A method without an entry here can still be called by name with raw JSON
//! through [`crate::client::Session::call_raw`].

pub mod agent;
pub mod approvals;
pub mod channels;
pub mod chat;
pub mod config;
pub mod cron;
pub mod devices;
pub mod health;
pub mod models;
pub mod nodes;
pub mod questions;
pub mod sessions;
pub mod voice;

use super::connect::Scope;
use serde::{Serialize, de::DeserializeOwned};

/// A method of the gateway.
pub trait Method {
    /// Its name on the wire.
    const NAME: &'static str;
    /// The scope it needs, as the schema lists it.
    const NEEDS: Needs;
    /// What it takes.
    type Params: Serialize + DeserializeOwned + Send + 'static;
    /// What it returns.
    type Payload: Serialize + DeserializeOwned + Send + 'static;
}

/// The scope a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// `operator.read`.
    Read,
    /// `operator.write`.
    Write,
    /// `operator.admin`.
    Admin,
    /// `operator.approvals`.
    Approvals,
    /// `operator.questions`.
    Questions,
    /// `operator.pairing`.
    Pairing,
    /// `operator.talk`.
    Talk,
    /// Depends on the params; at least `operator.write`.
    Dynamic,
}

impl Needs {
    /// Returns the scope without which the method is refused.
    pub fn scope(self) -> Scope {
        match self {
            Self::Read => Scope::Read,
            Self::Write | Self::Dynamic => Scope::Write,
            Self::Admin => Scope::Admin,
            Self::Approvals => Scope::Approvals,
            Self::Questions => Scope::Questions,
            Self::Pairing => Scope::Pairing,
            Self::Talk => Scope::Talk,
        }
    }
}

params! {
    /// Params of a method that takes none.
    NoParams {}
}

shape! {
    /// The payload of a method that only says it worked.
    Done {}
    may have {
        /// Whether it worked.
        ok: bool,
    }
}

/// How the tests reach the params and payload of a method by its name.
#[cfg(test)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) reread_params: fn(serde_json::Value) -> serde_json::Result<serde_json::Value>,
    pub(super) reread_payload: fn(serde_json::Value) -> serde_json::Result<serde_json::Value>,
}

#[cfg(test)]
impl Entry {
    fn of<M: Method>() -> Self {
        Self {
            name: M::NAME,
            reread_params: reread::<M::Params>,
            reread_payload: reread::<M::Payload>,
        }
    }
}

#[cfg(test)]
fn reread<T: Serialize + DeserializeOwned>(
    value: serde_json::Value,
) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(serde_json::from_value::<T>(value)?)
}

/// Every method that has types.
#[cfg(test)]
pub(super) fn catalogue() -> Vec<Entry> {
    [
        agent::entries(),
        approvals::entries(),
        channels::entries(),
        chat::entries(),
        config::entries(),
        cron::entries(),
        devices::entries(),
        health::entries(),
        models::entries(),
        nodes::entries(),
        questions::entries(),
        sessions::entries(),
        voice::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
