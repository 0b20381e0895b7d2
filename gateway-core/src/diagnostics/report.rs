//! What goes into a report: files of text, each redacted, each bounded.
//!
//! Everything is put together here and nowhere else, so that nothing gets in beside the redactor.

use super::redactor::{Kind, Redactor};
use crate::bounded_file::{self, Bounds};
use crate::config::{Environment, FileProblem, GatewayUrl, Places, Profile, Settings, paths};
use crate::connection::question::Question;
use crate::connection::snapshot::Snapshot;
use crate::connection::timeline;
use crate::credentials::Keeping;
use crate::server::logbook;
use crate::tunnel::SshTarget;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io;

/// How much of a log is read: what is taken out of it leaves less.
const LOG_READ: u64 = 1024 * 1024;

/// How large the app's log becomes, and how many full ones are kept: some weeks at `info`.
pub const APP_LOG: Bounds = Bounds {
    largest: 2 * 1024 * 1024,
    older: 2,
};

/// How much of the app's log a report holds, in bytes.
const LOG: usize = 512 * 1024;

/// How much of the local gateway's log a report holds, in bytes.
const GATEWAY_LOG: usize = 160 * 1024;

/// How much any other file of a report holds; only settings beyond reason come near. All of them
/// together stay below a megabyte, however badly they can be packed.
const OTHER: usize = 56 * 1024;

/// Ends what was too long.
const CUT: &str = "\n… the rest was too long\n";

/// What a report is made of, as it is known.
#[derive(Debug)]
pub struct Facts {
    /// When it is made.
    pub made_at: Timestamp,
    /// The program and its version.
    pub program: String,
    /// The system it runs on.
    pub system: String,
    /// The version of the web view, where there is one.
    pub webview: Option<String>,
    /// Where secrets are kept.
    pub keeping: Keeping,
    /// The settings in force.
    pub settings: Settings,
    /// What is wrong with the settings file.
    pub settings_problem: Option<FileProblem>,
    /// The connection as it is; `None` where no app runs that has one.
    pub connection: Option<Snapshot>,
    /// What happened to the connection, oldest first; the last [`timeline::KEPT`] count.
    pub timeline: Vec<Value>,
    /// What "Check my server" found the last time it ran.
    pub check: Option<Value>,
    /// The end of the app's log.
    pub log: String,
    /// The end of the log of the gateway on this computer.
    pub gateway_log: String,
}

/// A report, ready to be shown and saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    files: Vec<ReportFile>,
}

/// One file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// Its name in the archive.
    pub name: &'static str,
    /// All of its text.
    pub text: String,
}

const README: &str = "\
A report of OpenClaw Tray. It was made on your computer and sent nowhere.

about.json       versions, the system, where secrets are kept
connection.json  the connection as it was
timeline.jsonl   the last events of the connection, one on each line
settings.json    the settings
check.json       the last result of \"Check my server\"
log.txt          the end of the log
gateway-log.txt  the end of the log of the gateway on this computer

Names of computers, people and profiles are replaced by host-1, user-1, profile-1 and so on, the same
one everywhere, and what looks like a secret by ***. Messages are never in a log.
";

impl Report {
    /// Puts a report together. `environment` tells whose computer this is, so that it can be left out.
    pub fn of(facts: &Facts, environment: &Environment) -> Self {
        let mut redactor = Redactor::default();
        hide_names(&mut redactor, facts, environment);
        redactor.learn_from(&facts.log);
        redactor.learn_from(&facts.gateway_log);
        // The logs first: what is found there may stand in the other files, too.
        let log = end(redactor.text(&facts.log), LOG);
        let gateway_log = end(redactor.text(&facts.gateway_log), GATEWAY_LOG);
        let skip = facts.timeline.len().saturating_sub(timeline::KEPT);
        let mut lines = String::new();
        for event in facts.timeline.iter().skip(skip) {
            let mut event = event.clone();
            redactor.value(&mut event);
            lines.push_str(&format!("{event}\n"));
        }
        if lines.is_empty() {
            lines.push_str("no event is known\n");
        }
        let mut pretty = |value: Value| {
            let mut value = value;
            redactor.value(&mut value);
            beginning(format!("{value:#}\n"))
        };
        let about = pretty(about(facts));
        let connection = match &facts.connection {
            Some(snapshot) => pretty(connection(snapshot)),
            None => "no app was asked, so the state of the connection is not known\n".to_owned(),
        };
        let settings = pretty(settings(facts));
        let check = match &facts.check {
            Some(check) => pretty(check.clone()),
            None => "no result is known\n".to_owned(),
        };
        Self::of_texts([
            ("README.txt", README.to_owned()),
            ("about.json", about),
            ("connection.json", connection),
            ("timeline.jsonl", beginning(lines)),
            ("settings.json", settings),
            ("check.json", check),
            ("log.txt", log),
            ("gateway-log.txt", gateway_log),
        ])
    }

    /// Puts files together that hold nothing to be taken out.
    pub(super) fn of_texts(files: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let files = files.into_iter();
        Self {
            files: files
                .map(|(name, text)| ReportFile { name, text })
                .collect(),
        }
    }

    /// Returns its files.
    pub fn files(&self) -> &[ReportFile] {
        &self.files
    }

    /// Returns how much text that is, in bytes.
    pub fn size(&self) -> usize {
        self.files.iter().map(|file| file.text.len()).sum()
    }
}

/// Reads the end of the app's log; nothing where there is none.
///
/// # Errors
///
/// Fails when it is there and cannot be read.
pub fn app_log(places: &Places) -> io::Result<String> {
    bounded_file::tail(&places.app_log(), APP_LOG, LOG_READ)
}

/// Reads the end of the log of the gateway on this computer; nothing where there is none.
///
/// # Errors
///
/// Fails when it is there and cannot be read.
pub fn gateway_log(places: &Places) -> io::Result<String> {
    logbook::end_of_log(&places.gateway_state(), LOG_READ)
}

/// Names everybody who could be named in a report.
fn hide_names(redactor: &mut Redactor, facts: &Facts, environment: &Environment) {
    let address = |redactor: &mut Redactor, text: &str| {
        if let Ok(target) = text.parse::<SshTarget>() {
            redactor.hide(Kind::Host, &target.host);
            redactor.hide(Kind::User, target.user.as_deref().unwrap_or_default());
        }
    };
    for profile in &facts.settings.profiles {
        redactor.hide(Kind::Profile, profile.id.as_str());
        address(redactor, &profile.address);
        if let Ok(url) = profile.url.parse::<GatewayUrl>() {
            redactor.hide(Kind::Host, &url.host());
        }
    }
    if let Some(snapshot) = &facts.connection {
        address(redactor, &snapshot.target);
        // `box → 10.0.0.5:2201 through edge, other`: every word of it that is no sign is a name.
        for word in snapshot.way.iter().flat_map(|way| way.split(' ')) {
            let word = word.trim_end_matches(',');
            if !matches!(word, "→" | "through") {
                address(redactor, word);
            }
        }
        if let Some(asked) = &snapshot.question {
            hide_asked(redactor, &asked.question);
        }
    }
    redactor.hide(Kind::Host, environment.host_name().unwrap_or_default());
    let local_user = paths::SshSurroundings::find(environment).local_user;
    redactor.hide(Kind::User, local_user.as_deref().unwrap_or_default());
    if let Some(home) = environment.home() {
        redactor.hide_home(home);
    }
}

fn hide_asked(redactor: &mut Redactor, question: &Question) {
    match question {
        Question::HostKeyUnknown { host, .. }
        | Question::HostKeyChanged { host, .. }
        | Question::CertificateUnknown { host, .. }
        | Question::CertificateChanged { host, .. } => redactor.hide(Kind::Host, host),
        Question::Password { user, host, .. } => {
            redactor.hide(Kind::Host, host);
            redactor.hide(Kind::User, user);
        }
        Question::Passphrase { .. } | Question::Prompts { .. } => {}
    }
}

fn about(facts: &Facts) -> Value {
    json!({
        "madeAt": facts.made_at.to_string(),
        "program": facts.program,
        "gateway": facts.connection.as_ref().and_then(|snapshot| {
            snapshot.gateway.as_ref().map(|facts| json!({
                "version": facts.version, "protocol": facts.protocol,
            }))
        }),
        "system": facts.system,
        "webview": facts.webview,
        "secretsAreKept": match &facts.keeping {
            Keeping::Keychain => "in the system's keychain".to_owned(),
            Keeping::SessionOnly { reason } => format!("until the program ends: {reason}"),
        },
        "settingsFileProblem": facts.settings_problem,
    })
}

fn connection(snapshot: &Snapshot) -> Value {
    let mut value = told(snapshot);
    if let (Some(members), Some(asked)) = (value.as_object_mut(), &snapshot.question) {
        // A server's own words may be about anybody; what sort of question it is says enough.
        let kind = timeline::QuestionKind::from(&asked.question);
        members.insert("question".to_owned(), told(&kind));
    }
    value
}

fn settings(facts: &Facts) -> Value {
    let mut value = told(&facts.settings);
    if let Some(Value::Array(profiles)) = value.get_mut("profiles") {
        for (shown, profile) in profiles.iter_mut().zip(&facts.settings.profiles) {
            leave_out_unreadable(shown, profile);
        }
    }
    // Headsets bear their owners' names.
    for name in ["voiceMicrophone", "voiceMicrophoneName"] {
        if let Some(Value::String(microphone)) = value.get_mut(name)
            && !microphone.is_empty()
        {
            "(left out)".clone_into(microphone);
        }
    }
    value
}

/// An address that cannot be read may be anything: people paste passwords into such fields.
fn leave_out_unreadable(shown: &mut Value, profile: &Profile) {
    const UNREADABLE: &str = "(cannot be read)";
    if !profile.address.is_empty() && profile.address.parse::<SshTarget>().is_err() {
        shown["address"] = UNREADABLE.into();
    }
    if !profile.url.is_empty() && profile.url.parse::<GatewayUrl>().is_err() {
        shown["url"] = UNREADABLE.into();
    }
}

fn told(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|problem| json!({"problem": problem.to_string()}))
}

/// Returns the beginning of a text that is too long.
fn beginning(mut text: String) -> String {
    if text.len() > OTHER {
        text.truncate(text.floor_char_boundary(OTHER - CUT.len()));
        text.push_str(CUT);
    }
    text
}

/// Returns the last whole lines of a text that is too long.
fn end(mut text: String, most: usize) -> String {
    if text.len() > most {
        let from = text.ceil_char_boundary(text.len() - most);
        let line = text.get(from..).and_then(|rest| rest.find('\n'));
        text.drain(..line.map_or(from, |newline| from + newline + 1));
    }
    if text.is_empty() {
        text.push_str("there is no log\n");
    }
    text
}

#[cfg(test)]
mod tests;
