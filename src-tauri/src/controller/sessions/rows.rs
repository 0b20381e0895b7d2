//! What a gateway tells of its conversations, as the window lists them; pure.

use super::{
    keys::{MAIN_SESSION, is_same_session, rest_of},
    port::Choices,
};
use crate::view_model::{
    Ability, AgentView, CommandView, ModelView, SessionAbilities, SessionEdit, SessionView,
};
use gateway_core::{
    client::Offers,
    protocol::{
        connect::Scope,
        method::{
            chat::CommandEntry,
            models::{AgentSummary, AgentsListPayload, ModelChoice},
            sessions::SessionRow,
        },
    },
};
use serde_json::Value;

/// The first wire version on which conversations are pinned and put away, by whoever may write.
const SORTED_SINCE: u32 = 4;

/// Returns a conversation as it is listed.
pub(super) fn session_view(row: &SessionRow) -> SessionView {
    let key = row.key.to_string();
    let derived = row.derived_title.as_deref().map(without_time);
    let made_up = derived.or(row.display_name.as_deref());
    let title = row
        .label
        .as_deref()
        .or(made_up)
        .filter(|text| !text.is_empty());
    SessionView {
        title: title.map(str::to_owned),
        is_named: row.label.is_some(),
        preview: row.last_message_preview.clone(),
        updated_at_ms: row.updated_at.flatten().map(|at| at as f64),
        is_main: row.is_main.unwrap_or_else(|| is_main(&key)),
        pinned: row.pinned == Some(true),
        unread: row.unread == Some(true),
        archived: row.archived == Some(true),
        is_background: row.is_background == Some(true),
        has_active_run: row.has_active_run == Some(true),
        last_run_error: row.last_run_error.clone().flatten().and_then(error_text),
        agent: row.agent_id.clone(),
        model: row
            .model
            .as_deref()
            .map(|model| with_provider(row.model_provider.as_deref(), model)),
        model_is_chosen: row.model_override_source.clone().flatten().is_some(),
        thinking_level: row.thinking_level.clone(),
        thinking_options: row.thinking_options.clone().unwrap_or_default(),
        thinking_default: row.thinking_default.clone(),
        tokens_used: row
            .total_tokens
            .filter(|_| row.total_tokens_fresh != Some(false))
            .map(|tokens| tokens as f64),
        context_tokens: row.context_tokens.map(|tokens| tokens as f64),
        key,
    }
}

/// Returns a conversation that no list has, such as one nobody has written in.
pub(super) fn unlisted(key: &str) -> SessionView {
    SessionView {
        key: key.to_owned(),
        is_main: is_main(key),
        ..SessionView::default()
    }
}

fn is_main(key: &str) -> bool {
    rest_of(key).unwrap_or(key) == MAIN_SESSION
}

fn error_text(told: Value) -> Option<String> {
    match told {
        Value::String(text) => Some(text),
        Value::Object(error) => error.get("message")?.as_str().map(str::to_owned),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn with_provider(provider: Option<&str>, model: &str) -> String {
    match provider {
        Some(provider) if !model.starts_with(&format!("{provider}/")) => {
            format!("{provider}/{model}")
        }
        Some(_) | None => model.to_owned(),
    }
}

/// Takes over what an event says of a conversation; what events leave out stays as the list had it.
pub(super) fn take_over(known: &mut SessionView, told: &SessionRow) {
    let fresh = session_view(told);
    *known = SessionView {
        title: fresh.title.or(known.title.take()),
        preview: fresh.preview.or(known.preview.take()),
        ..fresh
    };
}

/// Returns what can be done over a session with these offers.
pub(super) fn abilities(offers: &Offers) -> SessionAbilities {
    let sorts = offers.protocol >= SORTED_SINCE;
    let writes = offers.allows(&Scope::Write);
    let administers = offers.scopes.contains(&Scope::Admin);
    let served = |method: &str, allowed: bool| match (offers.serves(method), allowed) {
        (false, _) => Ability::No,
        (true, true) => Ability::Yes,
        (true, false) => Ability::NeedsAdmin,
    };
    let changes = administers || (sorts && writes);
    SessionAbilities {
        create: if writes {
            served("sessions.create", true)
        } else {
            Ability::No
        },
        change: served("sessions.patch", changes),
        sort: if sorts {
            served("sessions.patch", changes)
        } else {
            Ability::No
        },
        delete: served("sessions.delete", changes),
        fork: if writes {
            served("sessions.fork", true)
        } else {
            Ability::No
        },
        compact: served("sessions.compact", administers),
        reset: served("sessions.reset", administers),
    }
}

/// Returns what an edit needs.
pub(super) fn ability_for(edit: &SessionEdit, can: &SessionAbilities) -> Ability {
    match edit {
        SessionEdit::Rename { .. } | SessionEdit::Model { .. } | SessionEdit::Thinking { .. } => {
            can.change
        }
        SessionEdit::Pin { .. } | SessionEdit::Archive { .. } | SessionEdit::MarkUnread { .. } => {
            can.sort
        }
        SessionEdit::Delete => can.delete,
        SessionEdit::Reset => can.reset,
        SessionEdit::Compact => can.compact,
        SessionEdit::Fork => can.fork,
    }
}

/// Shows an edit before the gateway has carried it out. What cannot be taken back is shown afterwards.
pub(super) fn apply(edit: &SessionEdit, row: &mut SessionView) {
    match edit {
        SessionEdit::Rename { title } => {
            row.is_named = title.is_some();
            row.title.clone_from(title);
        }
        SessionEdit::Pin { pinned } => row.pinned = *pinned,
        SessionEdit::Archive { archived } => row.archived = *archived,
        SessionEdit::MarkUnread { unread } => row.unread = *unread,
        SessionEdit::Model { model } => {
            row.model_is_chosen = model.is_some();
            // Which one the default is, the gateway tells.
            if model.is_some() {
                row.model.clone_from(model);
            }
        }
        SessionEdit::Thinking { level } => row.thinking_level.clone_from(level),
        SessionEdit::Delete | SessionEdit::Reset | SessionEdit::Compact | SessionEdit::Fork => {}
    }
}

/// Returns the rows with that one among them.
pub(super) fn with_row(mut rows: Vec<SessionView>, key: &str) -> Vec<SessionView> {
    if !rows.iter().any(|row| is_same_session(key, &row.key)) {
        rows.push(unlisted(key));
    }
    rows
}

/// Takes off the time that older gateways put before what was said, `[Mon 2026-11-30 20:21 UTC] …`.
fn without_time(title: &str) -> &str {
    let is_time = |text: &str| {
        let words: Vec<_> = text.split(' ').collect();
        let date = words.get(1).copied().unwrap_or_default();
        words.len() == 4 && date.len() == 10 && date.split('-').count() == 3
    };
    match title
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        Some((time, said)) if is_time(time) => said,
        Some(_) | None => title,
    }
}

/// Returns the agents, the default one first.
pub(super) fn agents(choices: &Choices) -> Vec<AgentView> {
    let Some(AgentsListPayload {
        agents, default_id, ..
    }) = &choices.agents
    else {
        return Vec::new();
    };
    let mut agents: Vec<AgentView> = agents.iter().map(agent_view).collect();
    agents.sort_by_key(|agent| agent.id != *default_id);
    agents
}

fn agent_view(agent: &AgentSummary) -> AgentView {
    let calls_itself = |identity: &Value| identity.get("name")?.as_str().map(str::to_owned);
    let name = agent.identity.as_ref().and_then(calls_itself);
    AgentView {
        id: agent.id.clone(),
        name: name
            .or_else(|| agent.name.clone())
            .unwrap_or_else(|| agent.id.clone()),
    }
}

/// Returns the models.
pub(super) fn models(choices: &Choices) -> Vec<ModelView> {
    choices.models.iter().map(model_view).collect()
}

fn model_view(model: &ModelChoice) -> ModelView {
    ModelView {
        id: with_provider(Some(&model.provider), &model.id),
        name: model.name.clone(),
        is_available: model.available != Some(false),
    }
}

/// Returns what a message may begin with.
pub(super) fn commands(choices: &Choices) -> Vec<CommandView> {
    choices.commands.iter().map(command_view).collect()
}

fn command_view(command: &CommandEntry) -> CommandView {
    let mut written = command.text_aliases.clone().unwrap_or_default();
    let text = format!("/{}", command.name);
    // Some are written otherwise than they are called.
    let text = match written.first() {
        Some(first) if !written.contains(&text) => first.clone(),
        Some(_) | None => text,
    };
    written.retain(|alias| *alias != text);
    CommandView {
        text,
        aliases: written,
        description: command.description.clone().unwrap_or_default(),
        takes_more: command.accepts_args == Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::chat::AttachmentLimits;
    use serde_json::json;

    fn row(told: Value) -> SessionRow {
        serde_json::from_value(told).unwrap()
    }

    fn offers(protocol: u32, scopes: &[Scope], methods: &[&str]) -> Offers {
        Offers {
            protocol,
            methods: methods.iter().map(|name| (*name).to_owned()).collect(),
            scopes: scopes.to_vec(),
            main_session: None,
            attachments: AttachmentLimits::default(),
        }
    }

    const SERVED: [&str; 6] = [
        "sessions.create",
        "sessions.patch",
        "sessions.delete",
        "sessions.fork",
        "sessions.compact",
        "sessions.reset",
    ];

    #[test]
    fn a_row_is_shown_as_the_gateway_tells_it() {
        let view = session_view(&row(json!({
            "key": "agent:main:dashboard:7", "derivedTitle": "Backups", "updatedAt": 5,
            "isMain": false, "pinned": true, "unread": true, "hasActiveRun": true,
            "modelProvider": "ollama", "model": "qwen", "modelOverrideSource": "user",
            "thinkingOptions": ["off", "low"], "totalTokens": 11, "contextTokens": 64000,
            "lastRunError": {"message": "No key."}, "agentId": "main",
        })));
        assert_eq!(view.title.as_deref(), Some("Backups"));
        assert!(!view.is_named && view.pinned && view.unread && view.has_active_run);
        assert_eq!(view.model.as_deref(), Some("ollama/qwen"));
        assert!(view.model_is_chosen);
        assert_eq!(view.last_run_error.as_deref(), Some("No key."));
        assert_eq!(
            (view.tokens_used, view.context_tokens),
            (Some(11.0), Some(64000.0))
        );

        let other = session_view(&row(json!({
            "key": "agent:main:main", "label": "Home", "totalTokens": 0, "totalTokensFresh": false,
            "modelOverrideSource": null, "lastRunError": null,
        })));
        assert!(other.is_main && other.is_named && !other.model_is_chosen);
        assert_eq!((other.tokens_used, other.last_run_error), (None, None));
    }

    #[test]
    fn a_title_is_what_was_said_and_not_when() {
        let titled = |title: &str| session_view(&row(json!({"key": "k", "derivedTitle": title})));
        for (told, shown) in [
            ("[Mon 2026-11-30 20:21 UTC] on the disk", "on the disk"),
            ("[draft] a letter", "[draft] a letter"),
            ("plain", "plain"),
        ] {
            assert_eq!(titled(told).title.as_deref(), Some(shown));
        }
    }

    #[test]
    fn an_event_leaves_what_it_does_not_say() {
        let mut known = session_view(&row(json!({
            "key": "k", "derivedTitle": "Backups", "lastMessagePreview": "ok", "unread": false,
        })));
        take_over(&mut known, &row(json!({"key": "k", "unread": true})));
        assert_eq!(known.title.as_deref(), Some("Backups"));
        assert_eq!(known.preview.as_deref(), Some("ok"));
        assert!(known.unread);
    }

    #[test]
    fn what_can_be_done_is_what_is_served_and_allowed() {
        let writer = [Scope::Read, Scope::Write];
        let now = abilities(&offers(4, &writer, &SERVED));
        assert_eq!(
            (now.create, now.change, now.sort),
            (Ability::Yes, Ability::Yes, Ability::Yes)
        );
        assert_eq!((now.delete, now.fork), (Ability::Yes, Ability::Yes));
        assert_eq!(
            (now.compact, now.reset),
            (Ability::NeedsAdmin, Ability::NeedsAdmin)
        );

        let before = abilities(&offers(3, &writer, &SERVED[..3]));
        assert_eq!(
            (before.create, before.change),
            (Ability::Yes, Ability::NeedsAdmin)
        );
        assert_eq!(
            (before.sort, before.delete),
            (Ability::No, Ability::NeedsAdmin)
        );
        assert_eq!((before.fork, before.compact), (Ability::No, Ability::No));

        let admin = abilities(&offers(3, &[Scope::Admin], &SERVED));
        assert_eq!((admin.change, admin.compact), (Ability::Yes, Ability::Yes));
        let reader = abilities(&offers(4, &[Scope::Read], &SERVED));
        assert_eq!((reader.create, reader.fork), (Ability::No, Ability::No));
    }

    #[test]
    fn a_command_is_named_as_it_is_written() {
        let named = |told: Value| command_view(&serde_json::from_value(told).unwrap());
        let help = named(json!({"name": "help", "textAliases": ["/help", "/h"]}));
        assert_eq!(
            (help.text.as_str(), help.aliases),
            ("/help", vec!["/h".to_owned()])
        );
        let docks = named(json!({"name": "dock:x", "textAliases": ["/dock-x"]}));
        assert_eq!(docks.text, "/dock-x");
        assert_eq!(named(json!({"name": "plain"})).text, "/plain");
    }

    #[test]
    fn the_default_agent_comes_first_under_the_name_it_gives_itself() {
        let choices = Choices {
            agents: serde_json::from_value(json!({
                "defaultId": "main", "mainKey": "main", "scope": "per-sender",
                "agents": [{"id": "ghost", "identity": {"name": "Boo"}}, {"id": "main"}],
            }))
            .unwrap(),
            ..Choices::default()
        };
        let names: Vec<_> = agents(&choices)
            .into_iter()
            .map(|agent| agent.name)
            .collect();
        assert_eq!(names, ["main", "Boo"]);
    }
}
