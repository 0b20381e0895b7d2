//! Understands a handful of requests by their words, in English and Danish.
//!
//! It would rather not understand than guess: running something needs its exact shape.

use crate::agent::words;

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Intent {
    /// To know what the helper can do.
    Help,
    /// To know how the gateway is.
    Status,
    /// To see the nodes.
    Nodes,
    /// To know the time.
    Time,
    /// To show a notification.
    Notify {
        /// On this node; on the only one that can, when none is named.
        node: Option<String>,
        /// The words.
        text: String,
    },
    /// To run a program.
    Run {
        /// The program and its arguments.
        argv: Vec<String>,
        /// The node; this computer when none is named.
        node: Option<String>,
    },
    /// Something else.
    Other,
}

/// What the answer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Danish,
}

/// Words that only stand in a Danish sentence.
const DANISH: [&str; 22] = [
    "hvad", "hvordan", "hvem", "hvor", "hvornår", "jeg", "du", "er", "ikke", "klokken", "kør",
    "på", "hjælp", "noder", "enheder", "besked", "giv", "vis", "tid", "hej", "kan", "dig",
];

/// Words that stand in an English sentence too, or look Danish there.
const ENGLISH: [&str; 8] = ["what", "the", "you", "is", "how", "can", "run", "notify"];

/// What people call the computer the gateway runs on.
const HERE: [&str; 6] = [
    "this computer",
    "this machine",
    "here",
    "denne computer",
    "denne maskine",
    "computeren",
];

/// Finds out what a question is about and what language it is in.
pub(super) fn understand(question: &str) -> (Intent, Language) {
    let question = question.trim();
    let lower = question.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    (intent(question, &lower, &words), language(&words))
}

fn language(words: &[&str]) -> Language {
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(word)).count();
    let letters = words.iter().any(|word| word.contains(['æ', 'ø', 'å']));
    // "can" is English and "kan" Danish; on a draw the Danish letters decide.
    match count(&DANISH).cmp(&count(&ENGLISH)) {
        std::cmp::Ordering::Greater => Language::Danish,
        std::cmp::Ordering::Equal if letters => Language::Danish,
        std::cmp::Ordering::Equal | std::cmp::Ordering::Less => Language::English,
    }
}

fn intent(question: &str, lower: &str, words: &[&str]) -> Intent {
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    if let Some(intent) = run(question).or_else(|| notify(question)) {
        return intent;
    }
    let phrase = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    // A long text is about something, even when one of these words is in it.
    if words.len() > 9 {
        return Intent::Other;
    }
    if has(&["help", "hjælp"])
        || phrase(&["what can you", "hvad kan du", "who are you", "hvem er du"])
    {
        Intent::Help
    } else if has(&[
        "nodes",
        "node",
        "noder",
        "noderne",
        "devices",
        "enheder",
        "enhederne",
    ]) {
        Intent::Nodes
    } else if has(&["klokken", "clock", "time", "date", "dato"]) {
        Intent::Time
    } else if has(&["status", "health", "tilstand"]) || phrase(&["how are you", "hvordan går det"])
    {
        Intent::Status
    } else {
        Intent::Other
    }
}

/// `run <program and arguments> on <node>`, `kør … på …`; without a node it means this computer.
///
/// It is not guessed where the words end: the last "on" names a node, and a person sees every word
/// before anything runs.
fn run(question: &str) -> Option<Intent> {
    let rest = after_word(question, &["run", "kør"])?;
    let (command, node) = match last_split(rest, &[" on ", " på "]) {
        Some((command, node)) => (command, Some(name(node)?)),
        // "run on pi" names no program.
        None if after_word(rest, &["on", "på"]).is_some() => return None,
        None => (rest, None),
    };
    let node = node.filter(|node| !HERE.contains(&node.to_lowercase().as_str()));
    let argv = arguments(command)?;
    (!argv.is_empty()).then_some(Intent::Run { argv, node })
}

/// `notify <node>: <text>`, `notify <text> on <node>`, `notify <text>`; `giv besked …`.
fn notify(question: &str) -> Option<Intent> {
    let rest = after_word(
        question,
        &[
            "notify",
            "giv besked",
            "send besked",
            "notificer",
            "underret",
        ],
    )?;
    // "notify on pi: …" and "giv besked på pi: …" name the node first.
    let rest = after_word(rest, &["on", "på"]).unwrap_or(rest);
    let (node, text) = match rest.split_once(':') {
        Some((node, text)) if !node.trim().contains(char::is_whitespace) => (name(node), text),
        Some(_) | None => match last_split(rest, &[" on ", " på "]) {
            Some((text, node)) if !node.trim().contains(char::is_whitespace) => (name(node), text),
            Some(_) | None => (None, rest),
        },
    };
    let text = text.trim().trim_matches('"').to_owned();
    (!text.is_empty()).then_some(Intent::Notify { node, text })
}

/// Returns what follows a first word (or two) of a text, whatever its capitals.
fn after_word<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let text = text.trim_start();
    words.iter().find_map(|word| {
        let end = text
            .char_indices()
            .nth(word.chars().count())
            .map(|(at, _)| at)?;
        let (first, rest) = text.split_at(end);
        (first.to_lowercase() == **word && rest.starts_with(char::is_whitespace))
            .then(|| rest.trim_start())
    })
}

fn last_split<'a>(text: &'a str, between: &[&str]) -> Option<(&'a str, &'a str)> {
    between.iter().find_map(|between| text.rsplit_once(between))
}

fn name(text: &str) -> Option<String> {
    let name = text
        .trim()
        .trim_matches(['"', '\''])
        .trim_end_matches(['.', '!', '?']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Splits a command as [`words`] does; a quote that is not closed is not understood.
fn arguments(command: &str) -> Option<Vec<String>> {
    let words = words::split(command).ok()?;
    Some(words.into_iter().map(|word| word.text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(argv: &[&str], node: &str) -> Intent {
        Intent::Run {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            node: Some(node.to_owned()),
        }
    }

    fn run_here(argv: &[&str]) -> Intent {
        Intent::Run {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            node: None,
        }
    }

    fn notify(node: Option<&str>, text: &str) -> Intent {
        Intent::Notify {
            node: node.map(str::to_owned),
            text: text.to_owned(),
        }
    }

    #[test]
    fn requests_are_understood_in_both_languages() {
        use Language::{Danish, English};
        let cases = [
            ("What can you do?", Intent::Help, English),
            ("help", Intent::Help, English),
            ("Hvad kan du?", Intent::Help, Danish),
            ("hjælp", Intent::Help, Danish),
            ("status", Intent::Status, English),
            ("How is the gateway's health?", Intent::Status, English),
            ("Vis status", Intent::Status, Danish),
            ("which nodes are connected", Intent::Nodes, English),
            ("Hvilke enheder er på?", Intent::Nodes, Danish),
            ("what time is it", Intent::Time, English),
            ("Hvad er klokken?", Intent::Time, Danish),
            ("run uname -a on pi", run(&["uname", "-a"], "pi"), English),
            (
                "Run echo 'a  b' \"\" on pi.",
                run(&["echo", "a  b", ""], "pi"),
                English,
            ),
            ("kør ls -l på stuen", run(&["ls", "-l"], "stuen"), Danish),
            ("run ls -l", run_here(&["ls", "-l"]), English),
            ("run uname on this computer", run_here(&["uname"]), English),
            ("kør df på denne computer", run_here(&["df"]), Danish),
            (
                "notify pi: dinner is ready",
                notify(Some("pi"), "dinner is ready"),
                English,
            ),
            (
                "notify dinner on the table",
                notify(None, "dinner on the table"),
                English,
            ),
            ("Notify dinner on pi", notify(Some("pi"), "dinner"), English),
            (
                "giv besked på pi: maden er klar",
                notify(Some("pi"), "maden er klar"),
                Danish,
            ),
            ("Write me a poem about the sea", Intent::Other, English),
            (
                "Skriv et digt om havet, så jeg bliver glad",
                Intent::Other,
                Danish,
            ),
            ("run 'ls on pi", Intent::Other, English),
            ("run on pi", Intent::Other, English),
            ("", Intent::Other, English),
        ];
        for (question, intent, language) in cases {
            assert_eq!(understand(question), (intent, language), "{question}");
        }
    }

    #[test]
    fn a_long_text_is_not_mistaken_for_a_request() {
        let question = "please summarise this article about the status of nodes in peer to peer networks over time";

        assert_eq!(understand(question).0, Intent::Other);
    }
}
