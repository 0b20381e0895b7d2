//! Starts of `openclaw gateway run` that cannot succeed.

use crate::support::{CountingPort, Home};

#[test]
fn a_port_that_is_held_names_who_holds_it() {
    let home = Home::new();
    let held = CountingPort::open();
    let port = held.port.to_string();
    let token_file = home.path().join("token");

    let ran = home.run([
        "gateway".as_ref(),
        "run".as_ref(),
        "--bind".as_ref(),
        "loopback".as_ref(),
        "--port".as_ref(),
        port.as_ref(),
        "--token-file".as_ref(),
        token_file.as_os_str(),
    ]);

    assert_eq!(ran.exit, 1, "{ran:?}");
    let pid = format!("(pid {})", std::process::id());
    assert!(ran.stderr.contains(&pid), "{ran:?}");
    assert!(ran.stderr.contains("choose another --port"), "{ran:?}");
}
