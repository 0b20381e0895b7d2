//! libFuzzer around every target of `gateway_core::fuzzing`: one program, so that there is one to build
//! and link. `FUZZ_TARGET` names the target; the arguments are libFuzzer's. `scripts/fuzz` runs it.

#![no_main]

use gateway_core::fuzzing::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|target| target.name == name);
    let names = || TARGETS.map(|target| target.name).join(" ");
    *found.unwrap_or_else(|| panic!("FUZZ_TARGET={name:?} is none of: {}", names()))
});

fuzz_target!(
    init: {
        LazyLock::force(&TARGET);
    },
    |data: &[u8]| (TARGET.run)(data)
);
