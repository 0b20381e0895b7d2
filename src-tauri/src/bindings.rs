//! Collects every command and event; a test keeps the window's generated copy in step.

use crate::{commands, events};
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands, collect_events};

/// Returns the one list of what the window can call and hear.
///
/// `build.rs` names the same commands for the permission system; a command that is missing there
/// cannot be called.
pub fn builder() -> Builder<tauri::Wry> {
    Builder::<tauri::Wry>::new()
        .error_handling(ErrorHandlingMode::Result)
        // What goes out and what comes in have one shape each: `null` for what is absent.
        .disable_serde_phases()
        .commands(collect_commands![
            commands::resend_all,
            commands::resend_quick_chat,
            commands::leave_quick_chat,
            commands::close_quick_chat,
            commands::resend_spoken,
            commands::close_spoken,
            commands::save_settings,
            commands::check_address,
            commands::connect,
            commands::disconnect,
            commands::reconnect_now,
            commands::trust_host_key,
            commands::answer_question,
            commands::cancel_question,
            commands::run_check,
            commands::cancel_check,
            commands::connection_history,
            commands::connection_day,
            commands::chat_history,
            commands::chat_earlier,
            commands::send_chat,
            commands::edit_gateways,
            commands::keep_draft,
            commands::note_unsaved,
            commands::unsent,
            commands::forget_message,
            commands::cancel_message,
            commands::forget_histories,
            commands::chat_message,
            commands::open_link,
            commands::abort_chat,
            commands::choose_session,
            commands::create_session,
            commands::edit_session,
            commands::decide_approval,
            commands::answer_agent,
            commands::decide_pairing,
            commands::use_found_config,
            commands::finish_first_run,
            commands::choose_identity_file,
            commands::fetch_gateway_secret,
            commands::add_sign_in_key,
            commands::undo_sign_in_key,
            commands::close_sign_in_key,
            commands::privacy,
            commands::delete_stored,
            commands::forget_history,
            commands::open_own_folder,
            commands::reset_app,
            commands::read_invitation,
            commands::accept_invitation,
            commands::forget_invitation,
            commands::offer_repair,
            commands::run_repair,
            commands::stop_repair,
            commands::gateway_log,
            commands::prepare_report,
            commands::save_report,
            commands::open_report_folder,
            commands::show_openclaw_change,
            commands::write_openclaw_change,
            commands::set_shortcut,
            commands::set_voice,
            commands::set_voice_triggers,
            commands::voice_act,
            commands::look_at_voice,
            commands::edit_voice_models,
        ])
        .events(collect_events![
            events::ConnectionChanged,
            events::CheckChanged,
            events::SettingsChanged,
            events::ChatChanged,
            events::AgentRequestsChanged,
            events::SignInKeyChanged,
            events::GatewayReportChanged,
            events::RepairChanged,
            events::InvitationChanged,
            events::SessionsChanged,
            events::VoiceChanged,
            events::VoiceLevelChanged,
            events::PageRequested,
        ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use specta_typescript::Typescript;
    use std::{env, fs, path::Path};

    const COMMITTED: &str = "../ui/src/ipc/bindings.ts";

    /// Set `UPDATE_BINDINGS=1` to write the file instead of comparing it.
    #[test]
    fn the_committed_bindings_are_what_the_code_generates() {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
        let scratch = tempfile::tempdir().unwrap();
        let fresh = scratch.path().join("bindings.ts");
        builder().export(Typescript::default(), &fresh).unwrap();
        let generated = fs::read_to_string(fresh).unwrap();

        if env::var_os("UPDATE_BINDINGS").is_some() {
            fs::create_dir_all(committed.parent().unwrap()).unwrap();
            fs::write(&committed, &generated).unwrap();
        }

        let current = fs::read_to_string(&committed).unwrap_or_default();
        assert!(
            current == generated,
            "{} is out of step; run: UPDATE_BINDINGS=1 cargo test -p openclaw-tray bindings",
            committed.display()
        );
    }

    #[test]
    fn the_permission_system_names_the_same_commands() {
        let build_script = include_str!("../build.rs");
        let capabilities = [
            include_str!("../capabilities/main.json"),
            include_str!("../capabilities/quick.json"),
            include_str!("../capabilities/spoken.json"),
        ];
        let here = include_str!("bindings.rs");

        for line in here.lines() {
            let Some(command) = line.trim().strip_prefix("commands::") else {
                continue;
            };
            let command = command.trim_end_matches(',');
            assert!(
                build_script.contains(&format!("\"{command}\"")),
                "{command}"
            );
            let permission = format!("\"allow-{}\"", command.replace('_', "-"));
            let is_given = capabilities.iter().any(|given| given.contains(&permission));
            assert!(is_given, "{permission}");
        }
    }
}
