//! Running one program on this computer: exactly the words that were asked for, in exactly one
//! folder, and no shell in between.
//!
//! A call becomes an [`ExecCommand`]; whoever may decide is shown that and gives a [`Permit`]; and
//! [`process::run`] runs nothing a permit was not given for. Who decides is not known here.

mod output;
pub mod process;
mod program;

pub use program::Program;

use super::words;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a program may take where nothing is said, and at most.
const USUAL_TIME: Duration = Duration::from_secs(5 * 60);
const LONGEST_TIME: Duration = Duration::from_secs(30 * 60);
/// The longest command: what people are shown has to be readable whole.
const LONGEST_COMMAND: usize = 16 * 1024;
/// What a shell would take for more than a word. Written to us it is a misunderstanding.
const OPERATORS: [char; 8] = ['|', '&', ';', '<', '>', '`', '$', '*'];
/// Programs that run what their arguments or files say, so that the same words can mean anything.
const RUN_OTHERS: [&str; 30] = [
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "busybox",
    "env",
    "xargs",
    "sudo",
    "su",
    "doas",
    "nohup",
    "timeout",
    "nice",
    "find",
    "awk",
    "python",
    "python3",
    "perl",
    "ruby",
    "node",
    "npm",
    "npx",
    "php",
    "lua",
    "make",
    "cmd",
    "powershell",
    "pwsh",
];

/// The environment of the programs: a small allowlist of the gateway's own, so none of its secrets.
#[derive(Clone, Default)]
pub struct ExecEnvironment(BTreeMap<String, String>);

impl ExecEnvironment {
    /// Takes what a program needs to work at all, and nothing else.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(name, _)| is_handed_on(name))
                .collect(),
        )
    }

    fn path(&self) -> &str {
        let path = self
            .0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("PATH"));
        path.map_or("", |(_, value)| value)
    }
}

impl fmt::Debug for ExecEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn is_handed_on(name: &str) -> bool {
    const UNIX: [&str; 9] = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
    ];
    const WINDOWS: [&str; 18] = [
        "PATH",
        "PATHEXT",
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "TEMP",
        "TMP",
        "USERPROFILE",
        "USERNAME",
        "HOMEDRIVE",
        "HOMEPATH",
        "APPDATA",
        "LOCALAPPDATA",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "PROGRAMFILES(X86)",
        "TZ",
    ];
    if cfg!(windows) {
        // Windows does not tell capitals apart.
        WINDOWS.contains(&name.to_uppercase().as_str())
    } else {
        UNIX.contains(&name) || name.starts_with("LC_")
    }
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecCommand {
    /// The program that was found for the first word.
    pub program: Program,
    /// Every word, the first included.
    pub argv: Vec<String>,
    /// Where it runs: the workspace or a folder in it.
    pub cwd: PathBuf,
    /// How long it may take.
    pub time: Duration,
    /// Whether the same words could run something else the next time: agents can change a file they
    /// name, or the program runs whatever it is given. Then it is not allowed for good.
    pub is_changeable: bool,
}

/// Why a program is not run. Its text is for the model, and for people who read along.
#[derive(Debug, thiserror::Error)]
pub enum ExecRefusal {
    /// The arguments are not those of this tool.
    #[error("exec takes command, workdir and timeout: {0}")]
    Arguments(serde_json::Error),
    /// There is no word.
    #[error("exec needs a program: command is empty")]
    Empty,
    /// There is too much of it.
    #[error("the command is longer than {LONGEST_COMMAND} bytes; put the long part into a file")]
    TooLong,
    /// A word that no program can be given.
    #[error("the command holds a character no program can be given (NUL)")]
    Nul,
    /// The text cannot be split.
    #[error("the command cannot be split into words: {0}")]
    Quote(#[from] words::OpenQuote),
    /// The text means something to a shell only.
    #[error(
        "no shell reads the command, so {operator:?} in {word:?} would mean nothing; run one program \
         at a time, quote the word, or give command as a list of words"
    )]
    Operator {
        /// The character.
        operator: char,
        /// The word it stands in.
        word: String,
    },
    /// The folder is not one of the workspace.
    #[error("workdir {path:?} is not a folder of the workspace")]
    Folder {
        /// As it was given.
        path: String,
    },
    /// No such program is in `PATH`, or at that path.
    #[error("there is no program {name:?} on this computer")]
    NotFound {
        /// The first word.
        name: String,
    },
    /// The file is one that only a shell runs.
    #[error("{path} is a batch file, which only a shell runs")]
    Batch {
        /// The file.
        path: PathBuf,
    },
    /// What is to run is not what was decided about.
    #[error("what would run is not what was approved; nothing was run")]
    Changed,
    /// The system refused.
    #[error("{path} could not be started: {source}")]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The arguments of the tool. Closed: what is not shown to whoever decides must not change what runs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    command: Words,
    workdir: Option<String>,
    /// In seconds.
    timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    List(Vec<String>),
    Line(String),
}

impl ExecCommand {
    /// Reads a call and finds its program and folder; blocks on the disk. The workspace is made
    /// where it is missing.
    ///
    /// # Errors
    ///
    /// [`ExecRefusal`].
    pub fn read(
        arguments: &Value,
        workspace: &Path,
        environment: &ExecEnvironment,
    ) -> Result<Self, ExecRefusal> {
        let arguments: Arguments =
            serde_json::from_value(arguments.clone()).map_err(ExecRefusal::Arguments)?;
        let argv = match arguments.command {
            Words::List(argv) => argv,
            Words::Line(line) => words_of(&line)?,
        };
        let Some(name) = argv.first().filter(|name| !name.trim().is_empty()) else {
            return Err(ExecRefusal::Empty);
        };
        if argv.iter().map(String::len).sum::<usize>() > LONGEST_COMMAND {
            return Err(ExecRefusal::TooLong);
        }
        if argv.iter().any(|word| word.contains('\0')) {
            return Err(ExecRefusal::Nul);
        }
        let (root, cwd) = folders(workspace, arguments.workdir.as_deref())?;
        let program = Program::find(name, &cwd, environment.path())?;
        let is_changeable = program.path().starts_with(&root)
            || runs_others(name)
            || runs_others(&program.path().to_string_lossy())
            || argv.iter().skip(1).any(|word| {
                let file = cwd.join(word).canonicalize();
                file.is_ok_and(|file| file.starts_with(&root) && file.is_file())
            });
        Ok(Self {
            program,
            cwd,
            time: arguments.timeout.map_or(USUAL_TIME, |seconds| {
                Duration::from_secs(seconds.max(1)).min(LONGEST_TIME)
            }),
            is_changeable,
            argv,
        })
    }

    /// Returns what a yes to this command is worth.
    pub fn permit(&self) -> Permit {
        Permit(self.clone())
    }

    /// Looks whether this is what a permit was given for, and still is on disk.
    fn check(&self, permit: &Permit) -> Result<(), ExecRefusal> {
        let is_same = permit.0 == *self
            && self.program.is_unchanged()
            && self.cwd.canonicalize().is_ok_and(|cwd| cwd == self.cwd);
        is_same.then_some(()).ok_or(ExecRefusal::Changed)
    }
}

/// A yes to exactly one command: this program file, these words, this folder.
#[derive(Debug)]
pub struct Permit(ExecCommand);

fn words_of(line: &str) -> Result<Vec<String>, ExecRefusal> {
    words::split(line)?
        .into_iter()
        .map(|word| match word.bare.find(OPERATORS) {
            None => Ok(word.text),
            Some(at) => Err(ExecRefusal::Operator {
                operator: word.bare[at..].chars().next().unwrap_or_default(),
                word: word.text,
            }),
        })
        .collect()
}

/// Returns the workspace and the folder in it, both without links.
fn folders(workspace: &Path, wanted: Option<&str>) -> Result<(PathBuf, PathBuf), ExecRefusal> {
    let refused = || ExecRefusal::Folder {
        path: wanted.unwrap_or(".").to_owned(),
    };
    std::fs::create_dir_all(workspace).map_err(|_| refused())?;
    let root = workspace.canonicalize().map_err(|_| refused())?;
    let cwd = root
        .join(wanted.unwrap_or(""))
        .canonicalize()
        .map_err(|_| refused())?;
    if cwd.starts_with(&root) && cwd.is_dir() {
        Ok((root, cwd))
    } else {
        Err(refused())
    }
}

/// Whether a program's name, with or without a version behind it, is one of [`RUN_OTHERS`].
fn runs_others(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = name.to_lowercase();
    let bare = name.strip_suffix(".exe").unwrap_or(&name);
    let bare = bare.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    // mawk, gawk, and nodejs, are the same under other names.
    RUN_OTHERS.contains(&bare) || bare.ends_with("awk") || bare == "nodejs"
}

#[cfg(test)]
mod tests;
