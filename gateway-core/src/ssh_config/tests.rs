//! The reader against OpenSSH's own, and what only ours has to do.

mod against_ssh;
mod arbitrary;
mod cases;
mod ours;

use super::*;
use crate::config::Platform;
use std::path::Path;

/// A user at home in `home`, whose configuration is these sources.
fn at_home(home: &Path, sources: Sources) -> Surroundings {
    let environment = Environment::new(
        [("EDGE_KEYS", "/keys"), ("SOCK", "/run/agent")],
        Some(home.to_owned()),
        Platform::Xdg,
    )
    .on_machine(Some("desk.example.org".to_owned()), Some(1000));
    Surroundings {
        environment,
        local_user: "me".to_owned(),
        sources,
    }
}

fn asked(host: &str) -> Asked<'_> {
    Asked {
        host,
        user: None,
        port: None,
    }
}
