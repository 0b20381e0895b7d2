//! The helper's words, in English and Danish.

mod status;

pub(super) use status::status;

use super::intent::Language;
use serde_json::Value;

/// How an AI model is added, in one line.
const ADD_MODEL: [&str; 2] = [
    "To add an AI model: put a provider under models.providers and its model under agents.defaults.model in openclaw.json, or start Ollama on this computer.",
    "Sådan tilføjer du en AI-model: skriv en udbyder under models.providers og dens model under agents.defaults.model i openclaw.json, eller start Ollama på denne computer.",
];

/// Why there is no node to invoke a command on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoNode {
    /// None has this name.
    Unknown,
    /// It is not connected.
    Away,
    /// It does not offer the command, or nobody approved it yet.
    Cannot,
    /// None was named, and not exactly one could.
    NotNamed,
}

/// How much of a program's output is repeated, in bytes.
const LONGEST_OUTPUT: usize = 4_000;

/// A node, as far as the helper speaks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Its id.
    pub(super) id: String,
    /// What people call it.
    pub(super) name: String,
    /// Its operating system.
    pub(super) platform: String,
    /// Whether it is there now.
    pub(super) connected: bool,
    /// Whether somebody must approve it first.
    pub(super) waiting: bool,
    /// What can be asked of it.
    pub(super) commands: Vec<String>,
}

fn choose(language: Language, [english, danish]: [&str; 2]) -> &str {
    match language {
        Language::English => english,
        Language::Danish => danish,
    }
}

pub(super) fn help(language: Language) -> &'static str {
    choose(
        language,
        [
            "I am the built-in helper: no AI model is configured yet, so I understand only a few requests.\n\
             - status: how the gateway and this session are\n\
             - nodes: which devices are connected\n\
             - time: what time it is here\n\
             - notify <node>: <text>: show a notification\n\
             - run <program and arguments>: run something on this computer, once you approve it\n\
             - run <program and arguments> on <node>: the same on one of your devices",
            "Jeg er den indbyggede hjælper: der er ikke sat nogen AI-model op endnu, så jeg forstår kun få ting.\n\
             - status: hvordan gatewayen og denne samtale har det\n\
             - noder: hvilke enheder der er forbundet\n\
             - klokken: hvad klokken er her\n\
             - giv besked på <node>: <tekst>: vis en notifikation\n\
             - kør <program og argumenter>: kør noget på denne computer, når du har godkendt det\n\
             - kør <program og argumenter> på <node>: det samme på en af dine enheder",
        ],
    )
}

pub(super) fn not_understood(language: Language) -> &'static str {
    choose(
        language,
        [
            "No AI model is configured, so I cannot answer that. I am the built-in helper; I can show status, nodes and the time, notify a node, and run something here or on a node once you approve it (say \"help\").",
            "Der er ikke sat nogen AI-model op, så det kan jeg ikke svare på. Jeg er den indbyggede hjælper; jeg kan vise status, noder og klokken give besked på en node og køre noget her eller på en node, når du har godkendt det (sig \"hjælp\").",
        ],
    )
}

/// Offers the models of an Ollama on this computer, else says how a model is added.
pub(super) fn ollama(language: Language, models: Option<&[String]>) -> String {
    let add = choose(language, ADD_MODEL);
    match models {
        None => add.to_owned(),
        Some([]) => format!(
            "{}\n{add}",
            choose(
                language,
                [
                    "Ollama runs on this computer but has no model yet: run `ollama pull` with a model's name.",
                    "Ollama kører på denne computer, men har ingen model endnu: kør `ollama pull` med navnet på en model.",
                ],
            )
        ),
        Some(models) => {
            let names = models.join(", ");
            let first = models.first().map_or("", String::as_str);
            match language {
                Language::English => format!(
                    "Ollama runs on this computer with {names}. To use it, add the provider \"ollama\" with baseUrl http://127.0.0.1:11434 and api \"ollama\" to models.providers, and set agents.defaults.model to \"ollama/{first}\" in openclaw.json."
                ),
                Language::Danish => format!(
                    "Ollama kører på denne computer med {names}. Brug den ved at tilføje udbyderen \"ollama\" med baseUrl http://127.0.0.1:11434 og api \"ollama\" under models.providers og sætte agents.defaults.model til \"ollama/{first}\" i openclaw.json."
                ),
            }
        }
    }
}

pub(super) fn time(language: Language, now: &str) -> String {
    match language {
        Language::English => format!("It is {now}."),
        Language::Danish => format!("Klokken er {now}."),
    }
}

pub(super) fn tool_missing(language: Language, tool: &str) -> String {
    match language {
        Language::English => format!("I cannot do that here: the tool {tool} is not available."),
        Language::Danish => format!("Det kan jeg ikke her: værktøjet {tool} er ikke til rådighed."),
    }
}

pub(super) fn tool_failed(language: Language, tool: &str, answer: &str) -> String {
    let answer = shortened(answer);
    match language {
        Language::English => format!("That did not work. {tool} says: {answer}"),
        Language::Danish => format!("Det lykkedes ikke. {tool} siger: {answer}"),
    }
}

pub(super) fn nodes(language: Language, nodes: &[Node]) -> String {
    if nodes.is_empty() {
        return choose(
            language,
            [
                "No nodes are paired with this gateway.",
                "Ingen noder er parret med denne gateway.",
            ],
        )
        .to_owned();
    }
    let connected = nodes.iter().filter(|node| node.connected).count();
    let total = nodes.len();
    let mut text = match language {
        Language::English => format!("{connected} of {total} nodes connected:"),
        Language::Danish => format!("{connected} af {total} noder er forbundet:"),
    };
    for node in nodes {
        let state = match (node.connected, node.waiting) {
            (_, true) => choose(language, ["waits for approval", "venter på godkendelse"]),
            (true, false) => choose(language, ["connected", "forbundet"]),
            (false, false) => choose(language, ["not connected", "ikke forbundet"]),
        };
        let platform = &node.platform;
        let commands = node.commands.join(", ");
        let mut parts = vec![state];
        parts.extend(
            [platform.as_str(), commands.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty()),
        );
        text.push_str(&format!("\n- {}: {}", node.name, parts.join("; ")));
    }
    text
}

pub(super) fn no_node(
    language: Language,
    problem: NoNode,
    wanted: Option<&str>,
    command: &str,
) -> String {
    let node = wanted.unwrap_or_default();
    match (language, problem) {
        (Language::English, NoNode::Unknown) => {
            format!("There is no node called {node}. Say \"nodes\" to see them.")
        }
        (Language::Danish, NoNode::Unknown) => {
            format!("Der er ingen node ved navn {node}. Sig \"noder\" for at se dem.")
        }
        (Language::English, NoNode::Away) => format!("{node} is not connected now."),
        (Language::Danish, NoNode::Away) => format!("{node} er ikke forbundet lige nu."),
        (Language::English, NoNode::Cannot) => {
            format!("{node} does not offer {command}, or it is not approved yet.")
        }
        (Language::Danish, NoNode::Cannot) => {
            format!("{node} tilbyder ikke {command}, eller det er ikke godkendt endnu.")
        }
        (Language::English, NoNode::NotNamed) => {
            format!("Say which node: not exactly one connected node offers {command}.")
        }
        (Language::Danish, NoNode::NotNamed) => {
            format!(
                "Sig hvilken node: der er ikke netop én forbundet node, der tilbyder {command}."
            )
        }
    }
}

/// Words what a node answered: exit code and output of a program, else that it was done.
pub(super) fn invoked(language: Language, node: &str, command: &str, answer: &Value) -> String {
    let payload = answer.get("payload").unwrap_or(answer);
    let text = |key: &str| payload.get(key).and_then(Value::as_str).unwrap_or_default();
    if command != "system.run" {
        return match language {
            Language::English => format!("Done: {node} shows the notification."),
            Language::Danish => format!("Gjort: {node} viser notifikationen."),
        };
    }
    let output = [text("stdout"), text("stderr")]
        .into_iter()
        .filter(|output| !output.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    let code = payload.get("exitCode").and_then(Value::as_i64);
    let mut said = match (language, code) {
        (Language::English, Some(0)) => format!("{node} ran it."),
        (Language::Danish, Some(0)) => format!("{node} kørte det."),
        (Language::English, Some(code)) => format!("{node} ran it; it ended with code {code}."),
        (Language::Danish, Some(code)) => format!("{node} kørte det; det endte med kode {code}."),
        (Language::English, None) => {
            format!("{node} answered: {}", shortened(&payload.to_string()))
        }
        (Language::Danish, None) => format!("{node} svarede: {}", shortened(&payload.to_string())),
    };
    if !output.is_empty() {
        said.push_str(&format!("\n```\n{}\n```", shortened(output.trim_end())));
    }
    said
}

/// Words what a program on this computer printed.
pub(super) fn ran_here(language: Language, output: &str) -> String {
    let done = choose(
        language,
        ["This computer ran it.", "Denne computer kørte det."],
    );
    format!("{done}\n```\n{}\n```", shortened(output.trim_end()))
}

fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_OUTPUT);
    let shown = text.get(..end).unwrap_or_default();
    if end < text.len() {
        format!("{shown}…")
    } else {
        shown.to_owned()
    }
}
