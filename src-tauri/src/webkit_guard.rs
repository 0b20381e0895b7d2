//! Linux: keeps WebKitGTK from drawing an empty window where its DMABUF renderer does not work.
//!
//! WebKitGTK reads `WEBKIT_DISABLE_DMABUF_RENDERER` when it starts. Setting a variable in a running
//! process is unsound, so the program replaces itself once with the variable set.

use anyhow::Context as _;
use std::{env, os::unix::process::CommandExt as _, path::Path, process::Command};

const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Replaces this process with itself under the guard, or returns when none is needed.
///
/// # Errors
///
/// Fails when the program cannot be found or started again.
pub(crate) fn apply() -> anyhow::Result<()> {
    let wanted = needed(
        env::var_os(VARIABLE).is_some(),
        Path::new("/dev/dri").is_dir(),
        Path::new("/sys/module/nvidia").is_dir(),
    );
    if !wanted {
        return Ok(());
    }
    let program = env::current_exe().context("the program's own file is not known")?;
    let problem = Command::new(program)
        .args(env::args_os().skip(1))
        .env(VARIABLE, "1")
        .exec();
    Err(problem).context("the program could not start itself again")
}

/// Buffers cannot be shared where there is no render device, and NVIDIA's driver shares them badly;
/// whoever has set the variable has decided.
fn needed(decided: bool, render_devices: bool, nvidia: bool) -> bool {
    !decided && (!render_devices || nvidia)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_is_for_machines_without_shareable_buffers_and_never_overrides_the_user() {
        assert!(needed(false, false, false));
        assert!(needed(false, true, true));
        assert!(!needed(false, true, false));
        assert!(!needed(true, false, true));
    }
}
