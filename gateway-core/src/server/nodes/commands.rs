//! Which commands nodes may offer, and who has to approve them. Pure.

use crate::protocol::connect::Scope;
use serde_json::Value;

/// Commands every node may offer (protocol §10: what a gateway kept of a Linux node).
const EVERYWHERE: [&str; 5] = [
    "system.notify",
    "talk.ptt.start",
    "talk.ptt.stop",
    "talk.ptt.cancel",
    "talk.ptt.once",
];
/// Further commands of computers.
const COMPUTERS: [&str; 5] = [
    "system.run",
    "system.run.prepare",
    "system.which",
    "system.execApprovals.get",
    "system.execApprovals.set",
];
/// Further commands of machines with a screen the assistant may draw on.
const CANVAS: [&str; 5] = [
    "canvas.present",
    "canvas.hide",
    "canvas.navigate",
    "canvas.eval",
    "canvas.snapshot",
];
/// Further commands of phones.
const PHONES: [&str; 2] = ["device.status", "device.info"];
/// Commands that look at the user's surroundings or affairs: only where the owner has named them.
const PRIVATE: [&str; 8] = [
    "camera.",
    "screen.",
    "location.",
    "contacts.",
    "calendar.",
    "sms.",
    "photos.",
    "reminders.",
];

/// What the owner's configuration says about commands: `gateway.nodes.commands.allow` and `deny`.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct CommandPolicy {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl CommandPolicy {
    /// Reads it from the official configuration.
    pub(in super::super) fn of(openclaw_json: &Value) -> Self {
        let words = |name: &str| {
            openclaw_json
                .pointer(&format!("/gateway/nodes/commands/{name}"))
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|word| word.as_str().map(|word| word.trim().to_owned()))
                .collect()
        };
        Self {
            allow: words("allow"),
            deny: words("deny"),
        }
    }

    /// Returns whether nodes of this platform may offer a command.
    ///
    /// # Errors
    ///
    /// Says why not, in the words clients know (protocol §10).
    pub(in super::super) fn admits(&self, platform: &str, command: &str) -> Result<(), String> {
        let named = |list: &[String]| list.iter().any(|word| word == command);
        if named(&self.deny) {
            return Err("is denied by gateway.nodes.commands.deny".to_owned());
        }
        if named(&self.allow) {
            return Ok(());
        }
        if PRIVATE.iter().any(|prefix| command.starts_with(prefix)) {
            return Err("requires explicit gateway.nodes.commands.allow opt-in".to_owned());
        }
        let usual: &[&[&str]] = match platform.trim().to_ascii_lowercase().as_str() {
            "linux" | "windows" | "win32" => &[&EVERYWHERE, &COMPUTERS],
            "macos" | "darwin" => &[&EVERYWHERE, &COMPUTERS, &CANVAS],
            "ios" | "ipados" | "android" => &[&EVERYWHERE, &CANVAS, &PHONES],
            _ => &[&EVERYWHERE],
        };
        if usual.iter().any(|list| list.contains(&command)) {
            return Ok(());
        }
        Err(format!(
            "is not in the allowlist for platform \"{platform}\""
        ))
    }
}

/// Returns whether a command gives power over the machine beyond one harmless act: it runs
/// programs, touches files, or changes what the node itself permits.
pub(in super::super) fn is_powerful(command: &str) -> bool {
    const POWERFUL: [&str; 9] = [
        "system.run",
        "system.execApprovals.",
        "system.which",
        "terminal.",
        "file.",
        "dir.",
        "fs.",
        "mcp.",
        "browser.",
    ];
    POWERFUL.iter().any(|prefix| command.starts_with(prefix))
}

/// Returns whether only an administrator may ask a node for this by hand. Looking where a program is
/// and how a command would be read runs nothing; official gateways take both from whoever may write.
pub(in super::super) fn is_for_administrators(command: &str) -> bool {
    is_powerful(command) && !["system.which", "system.run.prepare"].contains(&command)
}

/// Returns whether a command reads or changes what the node itself permits. It has methods of its
/// own, so that nobody changes it in passing.
pub(in super::super) fn is_about_approvals(command: &str) -> bool {
    command.starts_with("system.execApprovals.")
}

/// Returns the scopes somebody needs to approve a surface with these commands (protocol §10).
pub(in super::super) fn approve_scopes(commands: &[String]) -> Vec<Scope> {
    let mut scopes = vec![Scope::Pairing];
    if commands.iter().any(|command| is_powerful(command)) {
        scopes.push(Scope::Admin);
    } else if !commands.is_empty() {
        scopes.push(Scope::Write);
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_linux_node_keeps_what_an_official_gateway_kept() {
        let policy = CommandPolicy::default();
        let kept: Vec<&str> = [
            "system.notify",
            "system.run",
            "canvas.present",
            "device.status",
            "talk.ptt.start",
        ]
        .into_iter()
        .filter(|command| policy.admits("linux", command).is_ok())
        .collect();

        assert_eq!(kept, ["system.notify", "system.run", "talk.ptt.start"]);
        assert!(
            policy
                .admits("linux", "camera.snap")
                .unwrap_err()
                .contains("gateway.nodes.commands.allow")
        );
        assert!(
            policy
                .admits("linux", "device.status")
                .unwrap_err()
                .contains("for platform \"linux\"")
        );
    }

    #[test]
    fn the_owner_can_add_and_take_away_and_taking_away_wins() {
        let policy = CommandPolicy::of(&json!({"gateway": {"nodes": {"commands": {
            "allow": ["camera.snap", "system.run"], "deny": ["system.run"],
        }}}}));

        assert!(policy.admits("linux", "camera.snap").is_ok());
        assert!(policy.admits("linux", "system.run").is_err());
    }

    #[test]
    fn looking_for_a_program_is_for_whoever_may_write_and_the_rest_is_not() {
        for open in ["system.which", "system.run.prepare", "system.notify"] {
            assert!(!is_for_administrators(open), "{open}");
        }
        for closed in ["system.run", "system.execApprovals.set", "file.write"] {
            assert!(is_for_administrators(closed), "{closed}");
        }
        let surface = ["system.which".to_owned()];
        assert!(approve_scopes(&surface).contains(&Scope::Admin));
    }

    #[test]
    fn running_programs_needs_an_administrator() {
        let words = |commands: &[&str]| {
            let owned: Vec<String> = commands.iter().map(|word| (*word).to_owned()).collect();
            approve_scopes(&owned)
        };
        assert_eq!(words(&[]), [Scope::Pairing]);
        assert_eq!(words(&["system.notify"]), [Scope::Pairing, Scope::Write]);
        assert_eq!(
            words(&["system.notify", "system.run"]),
            [Scope::Pairing, Scope::Admin]
        );
    }
}
