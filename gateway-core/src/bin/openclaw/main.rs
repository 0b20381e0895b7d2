//! `openclaw`: the same core without a window, for scripts, servers and tests.

fn main() {}
