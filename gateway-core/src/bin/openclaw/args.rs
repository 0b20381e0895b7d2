//! The command line as people type it.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// How long a call waits where nothing is said, as the official command line does.
const CALL_TIMEOUT_MS: u64 = 10_000;

/// How long a probe waits where nothing is said, as the official command line does.
const PROBE_TIMEOUT_MS: u64 = 3_000;

/// Reach a home server's OpenClaw gateway, with no window.
#[derive(Debug, Parser)]
#[command(
    name = "openclaw",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Keep a connection to a server's gateway up until Ctrl-C.
    Connect(ConnectArgs),
    /// Check, step by step, whether a server's gateway can be reached.
    Check(CheckArgs),
    /// Ask the gateway how it is.
    Health(AskArgs),
    /// Ask the gateway what it is running.
    Status(AskArgs),
    /// Print a link that opens the gateway's page in a browser, signed in, once and within a minute.
    Dashboard(AskArgs),
    /// Put a report together for whoever helps: no secrets, no names. It is shown, or saved.
    Diagnose(DiagnoseArgs),
    /// Do something on the home server itself, over the SSH sign-in.
    #[command(subcommand)]
    Server(ServerCommand),
    /// Try out voice on a recording, or send a text as if it had been spoken.
    #[command(subcommand)]
    Voice(VoiceCommand),
    /// Run a gateway here, or talk to one by its protocol.
    #[command(subcommand)]
    Gateway(GatewayCommand),
}

#[derive(Debug, Args)]
pub(crate) struct DiagnoseArgs {
    /// Save it as this ZIP archive; an existing file is not replaced.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print what is in it as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Run a gateway on this computer until Ctrl-C.
    Run(RunArgs),
    /// Call one method and print its payload.
    Call(CallArgs),
    /// Ask the gateway how it is.
    Health(AskArgs),
    /// See whether a gateway answers, and what it lets us do.
    Probe(ProbeArgs),
    /// See whether a gateway answers, and what it is running.
    Status(ProbeArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Sign in with a key from now on: one line is added to ~/.ssh/authorized_keys there.
    AddKey(AddKeyArgs),
    /// Read the gateway's token or password there and keep it in the keychain; no command is run.
    FetchToken(FetchTokenArgs),
    /// Start the gateway there by a command that is shown first, then check the server.
    StartGateway(RepairArgs),
    /// Restart the gateway there by a command that is shown first, then check the server.
    RestartGateway(RepairArgs),
    /// Approve a device that waits to be let in, by a command that is shown first, then check the server.
    Approve(ApproveArgs),
    /// Print the end of the gateway's log, read from the server's own files.
    Log(LogArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum VoiceCommand {
    /// Listen to a recording and print what would happen; nothing is sent.
    Test(VoiceTestArgs),
    /// Send a text to the gateway as a spoken message.
    Forward(VoiceForwardArgs),
    /// List the models that can be had for Whisper; nothing is downloaded unless it is asked for.
    Models(VoiceModelsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct VoiceModelsArgs {
    /// Download this one; a download that was cut off goes on where it was.
    #[arg(long, value_name = "MODEL", conflicts_with = "remove")]
    pub(crate) get: Option<String>,
    /// Remove this one, and what there is of its download.
    #[arg(long, value_name = "MODEL")]
    pub(crate) remove: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VoiceTestArgs {
    /// The recording.
    #[arg(long, value_name = "FILE")]
    pub(crate) wav: PathBuf,
    /// A trigger to listen for; may be given several times. The usual ones where none is.
    #[arg(long, value_name = "WORDS")]
    pub(crate) trigger: Vec<String>,
    /// Take everything for words, as while push-to-talk is held.
    #[arg(long, conflicts_with = "trigger")]
    pub(crate) held: bool,
    /// Use Whisper with this model file, or a model that was downloaded by its name; PocketSphinx where absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) whisper_model: Option<PathBuf>,
    /// The language that is spoken, such as `en`; for Whisper.
    #[arg(long, value_name = "CODE", requires = "whisper_model")]
    pub(crate) language: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VoiceForwardArgs {
    /// What was said.
    #[arg(long)]
    pub(crate) text: String,
    /// The conversation; the gateway's main one where absent.
    #[arg(long, value_name = "KEY")]
    pub(crate) session: Option<String>,
    /// The trigger that was said before it.
    #[arg(long, value_name = "WORDS")]
    pub(crate) trigger: Option<String>,
    /// Names the utterance: the same key again does not send it twice. A new one where absent.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Run it without asking first.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print the outcome and the check's report as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The request, as `openclaw check --json` has it under `pairingRequest`.
    pub(crate) request: String,
    #[command(flatten)]
    pub(crate) repair: RepairArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Print it as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FetchTokenArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Print the outcome, without the secret, as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AddKeyArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Remove that line again, and the key.
    #[arg(long)]
    pub(crate) undo: bool,
    /// Do it without asking first.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print the outcome as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a gateway on this computer is started with. What is not given comes from the environment
/// and `openclaw.json`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The port; 0 takes any that is free.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Who can reach it: loopback, lan, tailnet, auto, custom, or an address.
    #[arg(long, value_name = "WHERE")]
    pub(crate) bind: Option<String>,
    /// How it asks who is there: token, password, none or trusted-proxy.
    #[arg(long, value_name = "MODE")]
    pub(crate) auth: Option<String>,
    /// The gateway token. Others on this computer can see it: prefer --token-file.
    #[arg(long, value_name = "TOKEN", group = "a token")]
    pub(crate) token: Option<String>,
    /// A file (mode 0600) that holds the gateway token; made on first use.
    #[arg(long, value_name = "FILE", group = "a token")]
    pub(crate) token_file: Option<PathBuf>,
    /// The gateway password. Others on this computer can see it: prefer --password-file.
    #[arg(long, value_name = "PASSWORD", group = "a password")]
    pub(crate) password: Option<String>,
    /// A file (mode 0600) that holds the gateway password.
    #[arg(long, value_name = "FILE", group = "a password")]
    pub(crate) password_file: Option<PathBuf>,
    /// Print one JSON object when it is ready.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which server, and how.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server: user@host, host:port, or a pasted ssh command.
    #[arg(long, value_name = "TARGET")]
    pub(crate) ssh_target: Option<String>,
    /// The private key to sign in with.
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// The only list of trusted host keys to use, instead of our own and OpenSSH's.
    #[arg(long, value_name = "FILE")]
    pub(crate) known_hosts: Option<PathBuf>,
    /// The SSH configuration to read instead of the usual files; `none` reads none.
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// Trust exactly this host key, and remember it.
    #[arg(long, value_name = "SHA256:…")]
    pub(crate) accept_host_key: Option<String>,
    /// The port on this computer for other programs.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) local_port: Option<u16>,
    /// The gateway's port on the server.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) remote_port: Option<u16>,
}

/// A gateway by its URL, in place of a server.
#[derive(Debug, Args)]
pub(crate) struct DirectArgs {
    /// The gateway's URL, reached with no SSH in between; it is never sent a stored credential.
    #[arg(
        long,
        conflicts_with_all = ["ssh_target", "identity", "known_hosts", "accept_host_key", "local_port", "remote_port"]
    )]
    pub(crate) url: Option<String>,
    /// Accept this certificate (SHA-256) of a wss:// gateway and no other.
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "ssh_target")]
    pub(crate) tls_fingerprint: Option<String>,
}

/// What the gateway is told about who we are.
#[derive(Debug, Args)]
pub(crate) struct SecretArgs {
    /// The gateway token. Others on this computer can see it: prefer --token-file.
    #[arg(long, value_name = "TOKEN", group = "a token")]
    pub(crate) token: Option<String>,
    /// A file (mode 0600) that holds the gateway token.
    #[arg(long, value_name = "FILE", group = "a token")]
    pub(crate) token_file: Option<PathBuf>,
    /// Read the gateway token from standard input.
    #[arg(long, group = "a token")]
    pub(crate) token_stdin: bool,
    /// The gateway password. Others on this computer can see it: prefer --password-file.
    #[arg(long, value_name = "PASSWORD", group = "a password")]
    pub(crate) password: Option<String>,
    /// A file (mode 0600) that holds the gateway password.
    #[arg(long, value_name = "FILE", group = "a password")]
    pub(crate) password_file: Option<PathBuf>,
    /// A file (mode 0600) that holds this device's key; made on first use.
    #[arg(long, value_name = "FILE")]
    pub(crate) device_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) direct: DirectArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Listen for the gateway's triggers meanwhile, and forward what is said after one.
    #[arg(long)]
    pub(crate) voice: bool,
    /// The microphone to listen with, by its id or name; the system's default where absent.
    #[arg(long, value_name = "NAME", requires = "voice")]
    pub(crate) microphone: Option<String>,
    /// Understand with Whisper and this model file, or a model that was downloaded by its name; with
    /// PocketSphinx where absent.
    #[arg(long, value_name = "FILE", requires = "voice")]
    pub(crate) whisper_model: Option<PathBuf>,
    /// Print one JSON object a line: the state, `figures`, and the `events` since the line before.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) direct: DirectArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which gateway is asked, and how long it may take.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The gateway's URL; it is never sent a stored credential.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Accept this certificate (SHA-256) of a wss:// gateway and no other.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) tls_fingerprint: Option<String>,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// How long to wait for the answer, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = CALL_TIMEOUT_MS, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Print the payload as one compact JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// The gateway's URL; it is never sent a stored credential.
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Accept this certificate (SHA-256) of a wss:// gateway and no other.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) tls_fingerprint: Option<String>,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// How long to wait for the answer, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = PROBE_TIMEOUT_MS, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Print the result as one compact JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The method, such as health.
    pub(crate) method: String,
    /// The method's params, as a JSON object.
    #[arg(long, value_name = "JSON")]
    pub(crate) params: Option<String>,
    /// Wait for the final answer of a method that first says it was accepted.
    #[arg(long)]
    pub(crate) expect_final: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

impl AskArgs {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }
}

impl ProbeArgs {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
