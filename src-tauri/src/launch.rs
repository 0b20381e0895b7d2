//! What is settled before any window: the arguments, and whether there is a screen at all.

use crate::view_model::SecretText;
use gateway_core::config::invitation::LONGEST;
use std::{
    ffi::OsString,
    io::{self, Read},
};

/// Starts without a window, for starting at login; honoured only once a tray host is there.
const HIDDEN: &str = "--hidden";

/// Runs OpenClaw on this computer where nothing else was ever chosen, as if the user had picked it.
const THIS_COMPUTER: &str = "--this-computer";

/// Prints a link for browsers once the gateway on this computer runs: for a terminal that somebody
/// reads, where nobody sees the window.
const BROWSER_LINK: &str = "--browser-link";

/// How links of ours begin: the system hands them over as an argument.
const LINKS: [&str; 2] = ["openclaw:", "oc-pair:"];

/// The link comes on the standard input. Only this program says so, to itself: arguments can be read by
/// everybody on this computer for as long as the program runs.
pub const LINK_ON_STDIN: &str = "--link-on-stdin";

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Show no window if the tray can show that the app runs.
    pub hidden: bool,
    /// Choose "This computer" if nothing was chosen yet.
    pub this_computer: bool,
    /// Print a link for browsers.
    pub browser_link: bool,
    /// Show where this link leads.
    pub link: Option<SecretText>,
    /// The link is still to be read from the standard input.
    pub link_on_stdin: bool,
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
            } else if argument == LINK_ON_STDIN {
                launch.link_on_stdin = true;
            } else if is_link(&argument) {
                // What cannot be read as text is shown as a link that cannot be used.
                launch.link = Some(SecretText::new(argument.to_string_lossy()));
            } else {
                return Err(format!(
                    "openclaw-tray takes only {HIDDEN}, {THIS_COMPUTER}, {BROWSER_LINK} or an openclaw:// link; \
                     found {}",
                    argument.display()
                ));
            }
        }
        Ok(launch)
    }

    /// Takes the link from where this program has put it for itself.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read_link(&mut self, from: impl Read) -> io::Result<()> {
        if !self.link_on_stdin {
            return Ok(());
        }
        let mut bytes = Vec::new();
        // One more than is ever read, so that too long a link is told as such.
        let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
        from.take(limit).read_to_end(&mut bytes)?;
        self.link = Some(SecretText::new(String::from_utf8_lossy(&bytes)));
        Ok(())
    }
}

/// Returns the link among the arguments of a later start, if there is one.
pub fn link_among(arguments: impl IntoIterator<Item = String>) -> Option<SecretText> {
    let mut links = arguments.into_iter().map(OsString::from).filter(is_link);
    links
        .next()
        .map(|link| SecretText::new(link.to_string_lossy()))
}

/// Returns whether an argument is a link of ours.
pub fn is_link(argument: &OsString) -> bool {
    let text = argument.to_string_lossy();
    LINKS.iter().any(|beginning| {
        text.get(..beginning.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(beginning))
    })
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
    fn a_few_arguments_are_known_and_no_other() {
        let parse = |arguments: &[&str]| Launch::parse(arguments.iter().map(OsString::from));

        let plain = parse(&[]).unwrap();
        assert!(!plain.hidden && !plain.this_computer && plain.link.is_none());
        assert!(parse(&["--hidden"]).unwrap().hidden);
        assert!(parse(&["--this-computer"]).unwrap().this_computer);
        assert!(parse(&["--browser-link"]).unwrap().browser_link);
        assert!(parse(&["--token", "x"]).is_err());
    }

    #[test]
    fn a_link_is_taken_and_never_shown() {
        let link = "OpenClaw://gateway?host=a.local&tls=1&token=canary-token";
        let launch = Launch::parse([OsString::from(link)]).unwrap();

        assert_eq!(launch.link.as_ref().map(SecretText::expose), Some(link));
        assert!(!format!("{launch:?}").contains("canary"));
        let again = ["openclaw-tray", "--hidden", link].map(str::to_owned);
        assert_eq!(
            link_among(again).as_ref().map(SecretText::expose),
            Some(link)
        );
        assert!(link_among(["openclaw-tray".to_owned()]).is_none());
    }

    #[test]
    fn a_link_that_comes_on_the_standard_input_is_read_up_to_the_limit() {
        let mut launch = Launch::parse([OsString::from(LINK_ON_STDIN)]).unwrap();

        launch.read_link(io::repeat(b'x')).unwrap();

        assert_eq!(launch.link.unwrap().expose().len(), LONGEST + 1);
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
