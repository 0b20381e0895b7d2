//! What must hold of any texts as configuration files. The first line of the input is the name asked
//! for; after it come the user's file, the system's, and files to include, each ended by a zero byte.

use super::*;
use crate::config::Platform;
use std::cell::Cell;
use std::path::Path;

const USERS: &str = "/home/me/.ssh/config";
const SYSTEMS: &str = "/etc/ssh/ssh_config";
/// The most a walk may read: two files, what they include, and one more file each, twice over.
const MOST_READ: usize = 2 * (500 + 3);

/// Files that are only texts.
struct Texts {
    files: Vec<(PathBuf, String)>,
    read: Cell<usize>,
}

impl Texts {
    fn new(texts: &[&str]) -> Self {
        let path = |index: usize| match index {
            0 => PathBuf::from(USERS),
            1 => PathBuf::from(SYSTEMS),
            _ => PathBuf::from(format!("/home/me/.ssh/{}", index - 1)),
        };
        let files = texts.iter().enumerate();
        Self {
            files: files
                .map(|(index, text)| (path(index), (*text).to_owned()))
                .collect(),
            read: Cell::new(0),
        }
    }

    fn of(&self, path: &Path) -> Option<&String> {
        self.files
            .iter()
            .find(|(of, _)| of == path)
            .map(|(_, text)| text)
    }

    fn look_up(&self, asked: Asked<'_>) -> Result<HostConfig, SshConfigError> {
        let environment = Environment::new(
            [("EDGE_KEYS", "/keys"), ("SOCK", "/run/agent")],
            Some(PathBuf::from("/home/me")),
            Platform::Xdg,
        )
        .on_machine(Some("desk.example.org".to_owned()), Some(1000));
        let surroundings = Surroundings {
            environment,
            local_user: "me".to_owned(),
            sources: Sources::Usual {
                user: Some(USERS.into()),
                system: Some(SYSTEMS.into()),
            },
        };
        self.read.set(0);
        let found = look_up(asked, true, &surroundings, self);
        assert!(
            self.read.get() <= MOST_READ,
            "{} files were read",
            self.read.get()
        );
        found
    }
}

impl ConfigFiles for Texts {
    fn read(&self, path: &Path, _: bool) -> Result<String, ReadError> {
        self.read.set(self.read.get() + 1);
        self.of(path).cloned().ok_or(ReadError::Missing)
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let inside = self
            .files
            .iter()
            .filter(|(path, _)| path.parent() == Some(folder));
        let name = |(path, _): &(PathBuf, String)| path.file_name()?.to_str().map(str::to_owned);
        inside.filter_map(name).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        self.of(path).is_some()
    }
}

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (host, files) = text.split_once('\n').unwrap_or((&text, ""));
    let texts: Vec<&str> = files.split('\0').take(20).collect();
    let asked = Asked {
        host,
        user: None,
        port: None,
    };

    let found = Texts::new(&texts).look_up(asked);
    match &found {
        Ok(config) => is_usable(config, host),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let again = Texts::new(&texts).look_up(asked);
    assert_eq!(
        found.as_ref().ok(),
        again.as_ref().ok(),
        "another answer the second time"
    );

    // What was typed wins over every file.
    let typed = Asked {
        user: Some("typed"),
        port: Some(4321),
        ..asked
    };
    if let Ok(config) = Texts::new(&texts).look_up(typed) {
        assert_eq!((config.user.as_str(), config.port), ("typed", 4321));
    }
    // What comes first wins.
    let first = format!("Port 4321\nUser first\n{}", texts.first().unwrap_or(&""));
    let mut more = texts.clone();
    match more.first_mut() {
        Some(user) => *user = &first,
        None => more.push(&first),
    }
    if let Ok(config) = Texts::new(&more).look_up(asked) {
        assert_eq!((config.user.as_str(), config.port), ("first", 4321));
    }
    // Blank lines and comments say nothing.
    let commented: Vec<String> = texts
        .iter()
        .map(|text| format!("# Host *\n\n  # Port 1\n{text}\n\n# Port 2"))
        .collect();
    let commented: Vec<&str> = commented.iter().map(String::as_str).collect();
    let quiet = Texts::new(&commented).look_up(asked);
    assert_eq!(found.ok(), quiet.ok(), "a comment said something");
}

fn is_usable(config: &HostConfig, asked: &str) {
    assert_ne!(config.port, 0);
    assert!(
        asked.is_empty() || !config.host_name.is_empty(),
        "nowhere to dial"
    );
    for jump in &config.jumps {
        assert_eq!(jump.check(), Ok(()), "{jump:?}");
    }
    let lists = [&config.user_known_hosts, &config.global_known_hosts];
    let paths = lists.into_iter().flatten().flatten();
    for path in paths.chain(config.identity_files.iter().flatten()) {
        let spelled = path.to_string_lossy();
        assert!(!spelled.starts_with("~/"), "{spelled} was not expanded");
    }
}
