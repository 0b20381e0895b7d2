//! A microphone that is none: a sound server of the test's own with a sink whose monitor is recorded,
//! and a synthesiser that speaks into it. Whatever hears it uses the system's own way to a microphone.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process::{Program, Running};
use crate::temp_home::TempHome;
use crate::tools;
use crate::wait::until;

/// What starting a sound server, or saying a sentence, may take on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);
/// The sink that is spoken into.
const SINK: &str = "mouth";

/// A sound server for the programs of one home.
#[derive(Debug)]
pub struct VirtualMicrophone {
    server: Running,
    env: Vec<(String, std::ffi::OsString)>,
    folder: tempfile::TempDir,
}

impl VirtualMicrophone {
    /// Starts it, and makes it the default microphone of that home.
    ///
    /// # Errors
    ///
    /// When the sound server does not come up.
    pub async fn start(home: &TempHome) -> Result<Self> {
        fs::write(
            home.home().join(".asoundrc"),
            "pcm.!default { type pulse }\nctl.!default { type pulse }\n",
        )?;
        let env: Vec<(String, std::ffi::OsString)> = home
            .env()
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect();
        let server = Program::new(tools::system("/usr/bin/pulseaudio")?)
            .envs(env.clone())
            .args([
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
            ])
            .args(["--log-target=stderr", "-L", "module-native-protocol-unix"])
            .args([
                "-L",
                &format!("module-null-sink sink_name={SINK} rate=48000 channels=2"),
            ])
            .args([
                "-L",
                &format!("module-remap-source master={SINK}.monitor source_name=ear"),
            ])
            .start()?;
        let microphone = Self {
            server,
            env,
            folder: tempfile::tempdir()?,
        };
        until("the sound server", LIMIT, async || {
            let chosen = microphone
                .program("/usr/bin/pactl")?
                .args(["set-default-source", "ear"])
                .run(LIMIT)
                .await?;
            Ok((chosen.code() == Some(0)).then_some(()))
        })
        .await?;
        Ok(microphone)
    }

    /// Says sentences, one after the other with a pause between them, and returns when they were heard.
    ///
    /// # Errors
    ///
    /// When a tool is missing or fails.
    pub async fn say(&self, sentences: &[&str]) -> Result<()> {
        let file = self.spoken(sentences).await?;
        self.program("/usr/bin/paplay")?
            .arg(format!("--device={SINK}"))
            .arg(file)
            .run(LIMIT)
            .await?
            .ok()?;
        Ok(())
    }

    /// Returns what the sound server said of itself.
    pub fn log(&self) -> String {
        self.server.stderr()
    }

    async fn spoken(&self, sentences: &[&str]) -> Result<PathBuf> {
        let mut pieces = Vec::new();
        for (place, sentence) in sentences.iter().enumerate() {
            let said = self.folder.path().join(format!("said-{place}.wav"));
            let padded = self.folder.path().join(format!("padded-{place}.wav"));
            self.program("/usr/bin/flite")?
                .args(["-voice", "slt", "-t", sentence, "-o"])
                .arg(&said)
                .run(LIMIT)
                .await?
                .ok()?;
            self.program("/usr/bin/sox")?
                .arg(&said)
                .arg(&padded)
                .args(["rate", "48000", "channels", "2", "pad", "0.4", "0.8"])
                .run(LIMIT)
                .await?
                .ok()?;
            pieces.push(padded);
        }
        ensure!(!pieces.is_empty(), "nothing to say");
        let whole = self.folder.path().join("whole.wav");
        self.program("/usr/bin/sox")?
            .args(&pieces)
            .arg(&whole)
            .run(LIMIT)
            .await?
            .ok()?;
        Ok(whole)
    }

    fn program(&self, path: &str) -> Result<Program> {
        Ok(Program::new(tools::system(path)?).envs(self.env.clone()))
    }
}
