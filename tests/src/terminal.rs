//! A terminal for programs that draw one: tmux, on a socket of its own, with one program in it.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{Program, Running};
use crate::temp_home::TempHome;
use crate::tools;
use crate::wait::until;

/// How large it is: wide enough that no line of interest is folded.
const SIZE: [&str; 4] = ["-x", "160", "-y", "50"];
/// Runs a program and leaves its exit code in a file. tmux itself tells of an end, but now and then it
/// misses how: the program then stays a zombie of its server.
const NOTE_THE_END: &str = "\"$@\"; echo $? > \"$0\"";
/// How long one order to tmux may take, on a loaded machine.
const ORDER: Duration = Duration::from_secs(20);

/// The terminal. Dropping it kills it with what runs in it.
#[derive(Debug)]
pub struct Terminal {
    tmux: PathBuf,
    socket: PathBuf,
    /// Where the program's exit code is once it has ended.
    exit_code: PathBuf,
    // Ended before the program in it would miss it.
    _server: Running,
}

impl Terminal {
    /// Starts a program, given with its arguments, in a terminal of this home.
    ///
    /// # Errors
    ///
    /// When tmux is not installed or does not start.
    pub async fn open(
        home: &TempHome,
        env: Vec<(&'static str, OsString)>,
        argv: Vec<OsString>,
    ) -> Result<Self> {
        let tmux = tools::system("/usr/bin/tmux")?;
        let socket = home.runtime_dir().join("tmux");
        // In the foreground: it stays our child, and dies with the test.
        let server = Program::new(&tmux)
            .arg("-S")
            .arg(&socket)
            .args(["-f", "/dev/null", "-D"])
            .envs(env)
            .current_dir(home.home())
            .start()?;
        until("the terminal", ORDER, async || {
            ensure!(
                server.has_ended()?.is_none(),
                "tmux ended: {}",
                server.stderr()
            );
            Ok(socket.exists().then_some(()))
        })
        .await?;
        let exit_code = home.runtime_dir().join("tmux-exit-code");
        let terminal = Self {
            tmux,
            socket,
            exit_code,
            _server: server,
        };
        let begin = ["new-session", "-d"].into_iter().chain(SIZE).chain(["--"]);
        let mut order: Vec<OsString> = begin.map(OsString::from).collect();
        order.extend(["/bin/sh", "-c", NOTE_THE_END].map(OsString::from));
        order.push(terminal.exit_code.clone().into());
        order.extend(argv);
        // What the program leaves on the screen can still be read.
        let keep = ["set-option", "-g", "remain-on-exit", "on", ";"];
        let order = keep.iter().map(OsString::from).chain(order).collect();
        terminal.order(order).await?;
        Ok(terminal)
    }

    /// Types a text, as it is.
    ///
    /// # Errors
    ///
    /// When tmux does not take it.
    pub async fn types(&self, text: &str) -> Result<()> {
        let order = ["send-keys", "-l", "--", text];
        self.order(order.map(OsString::from).into()).await.map(drop)
    }

    /// Presses one key, by tmux's name for it: `Enter`, `Escape`, `C-c`.
    ///
    /// # Errors
    ///
    /// When tmux does not take it.
    pub async fn presses(&self, key: &str) -> Result<()> {
        let order = ["send-keys", key];
        self.order(order.map(OsString::from).into()).await.map(drop)
    }

    /// Types a line and sends it off.
    ///
    /// # Errors
    ///
    /// When tmux does not take it.
    pub async fn says(&self, line: &str) -> Result<()> {
        self.types(line).await?;
        self.presses("Enter").await
    }

    /// What is on the screen, with what has scrolled off it.
    ///
    /// # Errors
    ///
    /// When tmux does not tell.
    pub async fn screen(&self) -> Result<String> {
        let order = ["capture-pane", "-p", "-J", "-S", "-500"];
        self.order(order.map(OsString::from).into()).await
    }

    /// Waits until the screen is as `wanted`, and returns it.
    ///
    /// # Errors
    ///
    /// When it is not within `limit`; the text carries the screen.
    pub async fn shows(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let mut last = String::new();
        let shown = until(what, limit, async || {
            last = self.screen().await?;
            Ok(wanted(&last).then(|| last.clone()))
        })
        .await;
        shown.with_context(|| format!("the screen:\n{}", last.trim_end()))
    }

    /// Waits for the end of the program and returns its exit code.
    ///
    /// # Errors
    ///
    /// When it does not end within `limit`; the text carries the screen.
    pub async fn ended(&self, limit: Duration) -> Result<i32> {
        let ended = until(
            "the end of the program in the terminal",
            limit,
            async || {
                match std::fs::read_to_string(&self.exit_code) {
                    // A line that is not whole yet has no end.
                    Ok(told) if told.ends_with('\n') => Ok(Some(told.trim().parse()?)),
                    Ok(_) => Ok(None),
                    Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
                    Err(why) => Err(why.into()),
                }
            },
        )
        .await;
        match ended {
            Ok(code) => Ok(code),
            Err(why) => {
                let screen = self.screen().await?;
                Err(why).with_context(|| format!("the screen:\n{}", screen.trim_end()))
            }
        }
    }

    async fn order(&self, order: Vec<OsString>) -> Result<String> {
        let mut program = Program::new(&self.tmux).arg("-S").arg(&self.socket);
        for word in order {
            program = program.arg(word);
        }
        program.run(ORDER).await?.ok()
    }
}
