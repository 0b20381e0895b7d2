//! Writes the system prompt: who the agent is, where and when it works, and what the workspace's
//! own files say.

use super::workspace_tools::confined::{self, Confined};
use std::fmt::Write as _;
use std::path::Path;

/// The files of a workspace that tell an agent who it is, in the order they are read.
pub const FILES: [&str; 6] = [
    "AGENTS.md",
    "SOUL.md",
    "USER.md",
    "IDENTITY.md",
    "TOOLS.md",
    "MEMORY.md",
];

/// How much of one file goes into the prompt, in bytes; the prompt is sent with every request.
const LARGEST_FILE: usize = 20_000;

/// What the prompt says beside the files.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The agent's name.
    pub agent: &'a str,
    /// Date and time as a person would write them.
    pub now: &'a str,
    /// The user's time zone, such as `Europe/Copenhagen`.
    pub time_zone: &'a str,
}

/// Writes the system prompt of an agent whose files are in `workspace`.
///
/// Blocks for the time of reading six small files. A file that is absent is not mentioned; one
/// that cannot be read is named with the reason, so that a person who asks learns why it was not
/// followed.
pub fn system_prompt(workspace: &Path, circumstances: Circumstances<'_>) -> String {
    let Circumstances {
        agent,
        now,
        time_zone,
    } = circumstances;
    let mut prompt = format!(
        "You are {agent}, a personal assistant running in OpenClaw on the user's own computer. \
         Answer briefly and truthfully. Use the tools when they help, and say so when one failed.\n\n\
         Now: {now} (time zone {time_zone})\nWorkspace: {}\n",
        workspace.display()
    );
    let Ok(folder) = Confined::open(workspace) else {
        return prompt;
    };
    for name in FILES {
        match folder.read(name) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => append(&mut prompt, name, &text),
            Err(confined::FileRefusal::Missing) => {}
            Err(refusal) => append(&mut prompt, name, &format!("[not read: {refusal}]")),
        }
    }
    prompt
}

fn append(prompt: &mut String, name: &str, text: &str) {
    let text = text.trim();
    let end = text.floor_char_boundary(LARGEST_FILE);
    let shown = text.get(..end).unwrap_or_default();
    let cut = if end < text.len() {
        format!("\n[{name} goes on; use the read tool for the rest]")
    } else {
        String::new()
    };
    // Writing to a String cannot fail.
    if write!(prompt, "\n## {name}\n\n{shown}{cut}\n").is_err() {
        tracing::debug!(name, "a workspace file was left out of the prompt");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: Circumstances<'_> = Circumstances {
        agent: "Main",
        now: "Monday 23 November 2026, 07:25",
        time_zone: "Europe/Copenhagen",
    };

    #[test]
    fn files_stand_in_their_order_under_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("MEMORY.md", "the cat is Mis"),
            ("AGENTS.md", "be kind"),
            ("USER.md", " "),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }

        let prompt = system_prompt(folder.path(), MONDAY);

        let agents = prompt.find("## AGENTS.md\n\nbe kind").unwrap();
        let memory = prompt.find("## MEMORY.md\n\nthe cat is Mis").unwrap();
        assert!(agents < memory);
        assert!(!prompt.contains("USER.md"));
        assert!(prompt.contains("07:25 (time zone Europe/Copenhagen)"));
    }

    #[test]
    fn a_long_file_is_cut_between_characters_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("SOUL.md"),
            format!("x{}", "ø".repeat(LARGEST_FILE)),
        )
        .unwrap();

        let prompt = system_prompt(folder.path(), MONDAY);

        assert!(prompt.len() < LARGEST_FILE + 1_000);
        assert!(prompt.contains("[SOUL.md goes on"));
    }

    #[test]
    fn a_workspace_that_is_not_there_yet_gives_a_prompt_all_the_same() {
        let folder = tempfile::tempdir().unwrap();

        let prompt = system_prompt(&folder.path().join("absent"), MONDAY);

        assert!(prompt.starts_with("You are Main"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_workspace_is_not_followed() {
        let outside = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(outside.path(), "canary").unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("AGENTS.md")).unwrap();

        let prompt = system_prompt(folder.path(), MONDAY);

        assert!(!prompt.contains("canary"));
        assert!(prompt.contains("AGENTS.md\n\n[not read:"));
    }
}
