//! One module for each user journey, against the real SSH server and the real gateway.

mod accessible;
mod agent_keys;
mod also_here;
mod approval_cards;
mod attachments;
mod browser_page;
mod changed_host_key;
mod conversations;
mod cut_conversation;
mod desktop_keeps;
mod diagnostics;
mod direct;
mod disk_trouble;
mod earlier_messages;
mod fault_matrix;
mod first_connection;
mod forwarding_forbidden;
mod gateway_bind;
mod gateway_down;
mod gateway_secret;
mod history;
mod hostile_content;
mod jump_host;
mod kept_offline;
mod killed_gateway;
mod killed_program;
mod killed_sessions;
mod no_leak;
mod no_storm;
mod notifications;
mod official_cli;
mod official_node_host;
mod official_tui;
mod one_instance;
mod one_time_code;
mod openclaw_change;
mod pairing_card;
mod passphrase;
mod password_account;
mod port_taken;
mod privacy;
mod quick_chat;
mod quick_switching;
mod reference_client;
mod refused_login;
mod server_card;
mod server_check;
mod server_repair;
mod server_restart;
mod setup_link;
mod several_gateways;
mod shortcuts;
mod sign_in_key;
mod spoken;
mod squatter;
mod this_computer;
mod tray_menu;
mod unknown_host_key;
mod voice_window;
mod woken_up;
mod wrong_service;
mod wrong_token;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every file of this folder is a journey that runs: one that is not declared would never be missed.
#[test]
fn no_journey_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let declared: BTreeSet<String> = include_str!("main.rs")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned()))
        .collect();
    let present: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".rs")
                .filter(|stem| *stem != "main")
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(declared, present);
}
