//! Where our files live, and where SSH keeps its own.
//!
//! Rules: `OPENCLAW_TRAY_CONFIG_DIR` and `OPENCLAW_TRAY_DATA_DIR` win; else the platform's folders
//! (XDG base directories, `~/Library/Application Support`, `%APPDATA%` / `%LOCALAPPDATA%`).

use super::environment::{Environment, Platform};
use std::path::{Path, PathBuf};

/// The folder name on systems whose convention is lower case.
const FOLDER: &str = "openclaw-tray";

/// The folder name on systems whose convention is the product's name.
const PRODUCT_FOLDER: &str = "OpenClaw Tray";

/// Key files OpenSSH tries by itself, strongest habit first.
const DEFAULT_IDENTITIES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// The folders and files of this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    config_dir: PathBuf,
    data_dir: PathBuf,
}

/// Why there is no place for our files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacesError {
    /// Neither an override nor a home folder says where.
    #[error(
        "no home folder is known; set {variable} to a folder where OpenClaw Tray may keep its files"
    )]
    NoHome {
        /// The variable that would settle it.
        variable: &'static str,
    },
}

impl Places {
    /// Finds the folders; creates nothing.
    ///
    /// # Errors
    ///
    /// Fails when neither an override nor a home folder says where.
    pub fn find(environment: &Environment) -> Result<Self, PlacesError> {
        const CONFIG: &str = "OPENCLAW_TRAY_CONFIG_DIR";
        const DATA: &str = "OPENCLAW_TRAY_DATA_DIR";
        Ok(Self {
            config_dir: environment
                .path(CONFIG)
                .or_else(|| platform_config(environment))
                .ok_or(PlacesError::NoHome { variable: CONFIG })?,
            data_dir: environment
                .path(DATA)
                .or_else(|| platform_data(environment))
                .ok_or(PlacesError::NoHome { variable: DATA })?,
        })
    }

    /// Returns the folder of the settings file.
    pub fn config_dir(&self) -> &Path {
        &self.config_dir
    }

    /// Returns the folder of everything that is not a setting.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the settings file.
    pub fn settings_file(&self) -> PathBuf {
        self.config_dir.join("settings.json5")
    }

    /// Returns our own list of trusted host keys.
    pub fn known_hosts(&self) -> PathBuf {
        self.data_dir.join("known_hosts")
    }

    /// Returns the file whose lock says that one instance runs.
    pub fn instance_lock(&self) -> PathBuf {
        self.data_dir.join("instance.lock")
    }

    /// Returns the file whose lock guards the making of the device key.
    pub fn device_key_lock(&self) -> PathBuf {
        self.data_dir.join("device-key.lock")
    }

    /// Returns the folder of the embedded gateway's state.
    pub fn gateway_state(&self) -> PathBuf {
        self.data_dir.join("gateway")
    }

    /// Returns the folder of what the last 24 hours of each connection were like.
    pub fn days(&self) -> PathBuf {
        self.data_dir.join("days")
    }

    /// Returns the file of which conversation of each gateway is shown.
    pub fn shown_sessions(&self) -> PathBuf {
        self.data_dir.join("sessions.json")
    }

    /// Returns the file of what happened to the connection lately.
    pub fn timeline(&self) -> PathBuf {
        self.data_dir.join("timeline.jsonl")
    }

    /// Returns the app's log.
    pub fn app_log(&self) -> PathBuf {
        self.logs().join("openclaw-tray.log")
    }

    /// Returns the folder of the speech models that were downloaded.
    pub fn voice_models(&self) -> PathBuf {
        self.data_dir.join("voice").join("models")
    }

    /// Returns the folder of reports, where there is none for downloads.
    pub fn reports(&self) -> PathBuf {
        self.data_dir.join("reports")
    }

    /// Returns the folder of log files.
    pub fn logs(&self) -> PathBuf {
        self.data_dir.join("logs")
    }
}

fn platform_config(environment: &Environment) -> Option<PathBuf> {
    match environment.platform() {
        Platform::Xdg => xdg(environment, "XDG_CONFIG_HOME", ".config"),
        Platform::MacOs => application_support(environment),
        Platform::Windows => Some(environment.path("APPDATA")?.join(PRODUCT_FOLDER)),
    }
}

fn platform_data(environment: &Environment) -> Option<PathBuf> {
    match environment.platform() {
        Platform::Xdg => xdg(environment, "XDG_DATA_HOME", ".local/share"),
        Platform::MacOs => application_support(environment),
        Platform::Windows => Some(environment.path("LOCALAPPDATA")?.join(PRODUCT_FOLDER)),
    }
}

/// The base directory specification tells programs to ignore a relative path.
fn xdg(environment: &Environment, variable: &str, below_home: &str) -> Option<PathBuf> {
    let base = environment
        .path(variable)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(environment.home()?.join(below_home)))?;
    Some(base.join(FOLDER))
}

fn application_support(environment: &Environment) -> Option<PathBuf> {
    let library = environment.home()?.join("Library/Application Support");
    Some(library.join(PRODUCT_FOLDER))
}

/// What SSH programs on this machine already have: read, never written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSurroundings {
    /// The user's lists of host keys, to read beside our own.
    pub user_known_hosts: Vec<PathBuf>,
    /// The system's lists of host keys.
    pub system_known_hosts: Vec<PathBuf>,
    /// The user's SSH configuration; it may not exist.
    pub user_config: Option<PathBuf>,
    /// The system's SSH configuration; it may not exist.
    pub system_config: Option<PathBuf>,
    /// Key files tried when no other is named; they may not exist.
    pub identity_files: Vec<PathBuf>,
    /// The agent's socket.
    pub agent_socket: Option<PathBuf>,
    /// The name of the local account, which is the login name when the address names none.
    pub local_user: Option<String>,
}

/// Where OpenSSH's agent listens on Windows unless it is told otherwise.
const WINDOWS_AGENT: &str = r"\\.\pipe\openssh-ssh-agent";

impl SshSurroundings {
    /// Finds the usual places; whether the files exist is for their readers to see.
    pub fn find(environment: &Environment) -> Self {
        let folder = environment.home().map(|home| home.join(".ssh"));
        let system = match environment.platform() {
            Platform::Xdg | Platform::MacOs => Some(PathBuf::from("/etc/ssh")),
            Platform::Windows => environment.path("PROGRAMDATA").map(|data| data.join("ssh")),
        };
        let lists = |folder: &Option<PathBuf>, names: [&str; 2]| {
            let folder = folder.iter();
            folder
                .flat_map(|folder| names.map(|name| folder.join(name)))
                .collect()
        };
        Self {
            user_known_hosts: lists(&folder, ["known_hosts", "known_hosts2"]),
            system_known_hosts: lists(&system, ["ssh_known_hosts", "ssh_known_hosts2"]),
            user_config: folder.as_ref().map(|folder| folder.join("config")),
            system_config: system.map(|folder| folder.join("ssh_config")),
            identity_files: folder
                .iter()
                .flat_map(|folder| DEFAULT_IDENTITIES.map(|name| folder.join(name)))
                .collect(),
            agent_socket: environment
                .path("SSH_AUTH_SOCK")
                .or_else(|| cfg!(windows).then(|| PathBuf::from(WINDOWS_AGENT))),
            local_user: ["USER", "LOGNAME", "USERNAME"]
                .into_iter()
                .find_map(|name| environment.text(name))
                .map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(variables: &[(&str, &str)], platform: Platform) -> Places {
        let home = Some(PathBuf::from("/home/me"));
        Places::find(&Environment::new(variables.iter().copied(), home, platform)).unwrap()
    }

    #[test]
    fn each_platform_has_its_own_folders() {
        let xdg = places(&[], Platform::Xdg);
        assert_eq!(
            xdg.settings_file(),
            Path::new("/home/me/.config/openclaw-tray/settings.json5")
        );
        assert_eq!(
            xdg.known_hosts(),
            Path::new("/home/me/.local/share/openclaw-tray/known_hosts")
        );
        let mac = places(&[], Platform::MacOs);
        assert_eq!(
            mac.config_dir(),
            Path::new("/home/me/Library/Application Support/OpenClaw Tray")
        );
        let windows = places(
            &[("APPDATA", "/roaming"), ("LOCALAPPDATA", "/local")],
            Platform::Windows,
        );
        assert_eq!(windows.config_dir(), Path::new("/roaming/OpenClaw Tray"));
        assert_eq!(windows.data_dir(), Path::new("/local/OpenClaw Tray"));
    }

    #[test]
    fn overrides_win_and_a_relative_xdg_folder_is_ignored() {
        let overridden = places(
            &[
                ("OPENCLAW_TRAY_CONFIG_DIR", "~/c"),
                ("OPENCLAW_TRAY_DATA_DIR", "/d"),
                ("XDG_CONFIG_HOME", "/elsewhere"),
            ],
            Platform::Xdg,
        );
        assert_eq!(overridden.config_dir(), Path::new("/home/me/c"));
        assert_eq!(overridden.data_dir(), Path::new("/d"));
        let relative = places(&[("XDG_DATA_HOME", "relative")], Platform::Xdg);
        assert_eq!(
            relative.data_dir(),
            Path::new("/home/me/.local/share/openclaw-tray")
        );
    }

    #[test]
    fn without_a_home_the_error_names_the_variable_that_would_help() {
        let nowhere = Environment::new([("", ""); 0], None, Platform::Xdg);

        let error = Places::find(&nowhere).unwrap_err();

        assert!(
            error.to_string().contains("OPENCLAW_TRAY_CONFIG_DIR"),
            "{error}"
        );
    }
}
