//! What is settled before any window: the arguments, and whether there is a screen at all.

use std::ffi::OsString;

/// Starts without a window, for starting at login; honoured only once a tray host is there.
const HIDDEN: &str = "--hidden";

/// Runs OpenClaw on this computer where nothing else was ever chosen, as if the user had picked it.
const THIS_COMPUTER: &str = "--this-computer";

/// Prints a link for browsers once the gateway on this computer runs: for a terminal that somebody
/// reads, where nobody sees the window.
const BROWSER_LINK: &str = "--browser-link";

/// What the command line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Launch {
    /// Show no window if the tray can show that the app runs.
    pub hidden: bool,
    /// Choose "This computer" if nothing was chosen yet.
    pub this_computer: bool,
    /// Print a link for browsers.
    pub browser_link: bool,
}

impl Launch {
    /// Reads the arguments after the program's name; what is unknown is refused with a sentence.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut launch = Self::default();
        for argument in arguments {
            if argument == HIDDEN {
                launch.hidden = true;
            } else if argument == THIS_COMPUTER {
                launch.this_computer = true;
            } else if argument == BROWSER_LINK {
                launch.browser_link = true;
            } else {
                return Err(format!(
                    "openclaw-tray takes only {HIDDEN}, {THIS_COMPUTER} and {BROWSER_LINK}; found {}",
                    argument.display()
                ));
            }
        }
        Ok(launch)
    }
}

/// Returns why no window can be opened, as one sentence for a terminal.
///
/// GTK ends the process with a panic where there is no screen, so this is asked first.
pub fn screen_problem(variable: impl Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    if !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY") {
        return None;
    }
    Some(
        "OpenClaw Tray needs a graphical session: neither DISPLAY nor WAYLAND_DISPLAY is set. \
         Without one, use the command line program: openclaw connect",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_arguments_are_known_and_no_other() {
        let parse = |arguments: &[&str]| Launch::parse(arguments.iter().map(OsString::from));

        assert_eq!(parse(&[]), Ok(Launch::default()));
        assert!(parse(&["--hidden"]).unwrap().hidden);
        assert!(parse(&["--this-computer"]).unwrap().this_computer);
        assert!(parse(&["--browser-link"]).unwrap().browser_link);
        assert!(parse(&["--token", "x"]).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn either_kind_of_screen_will_do() {
        let with =
            |set: &'static str| move |name: &str| (name == set).then(|| OsString::from(":0"));

        assert_eq!(screen_problem(with("DISPLAY")), None);
        assert_eq!(screen_problem(with("WAYLAND_DISPLAY")), None);
        assert!(screen_problem(with("PATH")).is_some());
        assert!(screen_problem(|_| Some(OsString::new())).is_some());
    }
}
