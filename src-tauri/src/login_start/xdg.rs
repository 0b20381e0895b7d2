//! The entry of the Desktop Application Autostart Specification 0.5.

use super::{ARGUMENT, LoginStartError};
use gateway_core::config::{Environment, private_file};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The entry's name, which no other program's has.
const FILE: &str = "dev.openclawtray.desktop.desktop";

/// The entry, and the program it names.
#[derive(Debug, Clone)]
pub struct LoginStart {
    file: Option<PathBuf>,
    program: Option<PathBuf>,
}

impl LoginStart {
    /// Finds the place of the entry.
    pub fn of(environment: &Environment) -> Self {
        let base = environment
            .path("XDG_CONFIG_HOME")
            // The specification tells programs to ignore a relative path.
            .filter(|path| path.is_absolute())
            .or_else(|| Some(environment.home()?.join(".config")));
        Self {
            file: base.map(|base| base.join("autostart").join(FILE)),
            // An AppImage runs from a folder that goes away; the variable names the file itself.
            program: environment
                .path("APPIMAGE")
                .or_else(|| env::current_exe().ok()),
        }
    }

    /// Returns whether the desktop would start us; an entry may stand there and be switched off.
    pub fn is_on(&self) -> bool {
        let text = self
            .file
            .as_ref()
            .and_then(|file| fs::read_to_string(file).ok());
        text.is_some_and(|text| is_in_force(&text))
    }

    pub(super) fn turn_on(&self) -> Result<(), LoginStartError> {
        let file = self.place()?;
        let program = self
            .program
            .as_deref()
            .ok_or(LoginStartError::Unknown("the program's own file"))?;
        let entry = entry(program).ok_or(LoginStartError::OddPath)?;
        Ok(private_file::replace(file, &entry)?)
    }

    pub(super) fn turn_off(&self) -> Result<(), LoginStartError> {
        match fs::remove_file(self.place()?) {
            Err(problem) if problem.kind() != io::ErrorKind::NotFound => {
                Err(LoginStartError::NotRemoved(problem))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn place(&self) -> Result<&Path, LoginStartError> {
        self.file
            .as_deref()
            .ok_or(LoginStartError::Unknown("the home folder"))
    }
}

/// Returns whether an entry is neither hidden nor switched off.
fn is_in_force(text: &str) -> bool {
    let mut values = text
        .lines()
        .skip_while(|line| line.trim() != "[Desktop Entry]")
        .skip(1)
        .take_while(|line| !line.trim_start().starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()));
    values.all(|pair| pair != ("Hidden", "true") && pair != ("X-GNOME-Autostart-enabled", "false"))
}

/// Returns the entry that starts `program`; `None` where its path cannot be written down.
fn entry(program: &Path) -> Option<String> {
    let program = program.to_str()?;
    if program.contains(char::is_control) {
        return None;
    }
    Some(format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=OpenClaw Tray\n\
         Comment=Keeps the connection to your OpenClaw gateway\n\
         Comment[da]=Holder forbindelsen til din OpenClaw-gateway\n\
         Exec={} {ARGUMENT}\n\
         Icon=openclaw-tray\n\
         Terminal=false\n\
         X-GNOME-Autostart-enabled=true\n",
        quoted(program)
    ))
}

/// Quotes an argument of `Exec`, whose value is then escaped once more as every text of an entry.
fn quoted(argument: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in argument.chars() {
        match letter {
            '"' | '`' | '$' => quoted.extend(["\\\\", letter.encode_utf8(&mut [0; 4])]),
            '\\' => quoted.push_str(r"\\\\"),
            '%' => quoted.push_str("%%"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::config::Platform;
    use std::os::unix::fs::PermissionsExt as _;

    fn at_home(folder: &Path) -> LoginStart {
        let variables = [("XDG_CONFIG_HOME", folder)];
        let home = Some(PathBuf::from("/nowhere"));
        LoginStart::of(&Environment::new(variables, home, Platform::Xdg))
    }

    #[test]
    fn it_is_off_until_asked_for_and_leaves_nothing_when_switched_off() {
        let folder = tempfile::tempdir().unwrap();
        let login = at_home(folder.path());
        let file = folder.path().join("autostart").join(FILE);
        assert!(!login.is_on());
        login.choose(false).unwrap();
        assert!(!folder.path().join("autostart").exists());

        login.choose(true).unwrap();

        assert!(login.is_on());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let program = env::current_exe().unwrap();
        let exec = format!("Exec=\"{}\" --hidden\n", program.display());
        assert!(fs::read_to_string(&file).unwrap().contains(&exec));

        login.choose(false).unwrap();

        assert!(!login.is_on() && !file.exists());
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 0);
    }

    #[test]
    fn an_entry_that_a_desktop_switched_off_is_off_and_one_s_own_changes_stay() {
        let folder = tempfile::tempdir().unwrap();
        let login = at_home(folder.path());
        let file = folder.path().join("autostart").join(FILE);
        login.choose(true).unwrap();
        let ours = fs::read_to_string(&file).unwrap();
        for off in [
            ours.replace("enabled=true", "enabled=false"),
            format!("{ours}Hidden = true\n"),
        ] {
            fs::write(&file, off).unwrap();
            assert!(!login.is_on());
        }
        let changed = format!("{ours}\n[Desktop Action x]\nHidden=true\n");
        fs::write(&file, &changed).unwrap();

        login.choose(true).unwrap();

        assert_eq!(fs::read_to_string(&file).unwrap(), changed);
    }

    #[test]
    fn odd_paths_are_quoted_as_the_specification_says() {
        assert_eq!(quoted("/opt/a b/app"), r#""/opt/a b/app""#);
        assert_eq!(quoted(r#"/a"b$c`d\e%f"#), r#""/a\\"b\\$c\\`d\\\\e%%f""#);
        assert_eq!(entry(Path::new("/a\nb")), None);
    }

    #[test]
    fn an_app_image_is_started_by_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let variables = [
            ("XDG_CONFIG_HOME", folder.path()),
            ("APPIMAGE", Path::new("/apps/OpenClaw.AppImage")),
        ];
        let login = LoginStart::of(&Environment::new(variables, None, Platform::Xdg));

        login.choose(true).unwrap();

        let file = folder.path().join("autostart").join(FILE);
        let text = fs::read_to_string(file).unwrap();
        assert!(
            text.contains("Exec=\"/apps/OpenClaw.AppImage\" --hidden"),
            "{text}"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("autostart"), "in the way").unwrap();
        let login = at_home(folder.path());

        let refused = login.choose(true).unwrap_err();

        assert!(
            matches!(refused, LoginStartError::NotWritten(_)),
            "{refused}"
        );
        assert!(!login.is_on());
    }
}
