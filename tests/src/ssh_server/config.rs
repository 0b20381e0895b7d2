//! What a test may ask of its sshd, and the configuration file that says so.

use std::net::Ipv4Addr;
use std::path::Path;

use super::account::Account;

/// The settings a test may change. The default is a home server as a guide would set it up.
#[derive(Debug, Clone)]
pub struct SshServerConfig {
    /// Whether the client's key may sign in.
    pub knows_client_key: bool,
    /// The passphrase of the client's key file; empty for none.
    pub key_passphrase: String,
    /// `AllowTcpForwarding`.
    pub allow_forwarding: bool,
    /// `MaxAuthTries`.
    pub max_auth_tries: u8,
    /// `AuthenticationMethods`.
    pub authentication_methods: String,
    /// Passwords and questions are offered, and PAM judges the answers. No answer of a test is right:
    /// the account is the machine's own.
    pub asks: bool,
    /// After the key a code is asked for that is good once (see [`super::one_time_codes`]).
    pub codes: bool,
    /// The account to sign in to; `None` is the one that runs the test.
    pub account: Option<Account>,
    /// Further lines, as they stand.
    pub more: Vec<String>,
    /// Where it listens.
    pub address: Ipv4Addr,
    /// The process in whose network it runs; `None` is the test's own.
    pub network: Option<u32>,
}

impl Default for SshServerConfig {
    fn default() -> Self {
        Self {
            knows_client_key: true,
            key_passphrase: String::new(),
            allow_forwarding: true,
            max_auth_tries: 6,
            authentication_methods: "any".to_owned(),
            asks: false,
            codes: false,
            account: None,
            more: Vec::new(),
            address: Ipv4Addr::LOCALHOST,
            network: None,
        }
    }
}

impl SshServerConfig {
    /// Returns the configuration file of a server whose keys are in `dir`.
    pub(super) fn render(&self, dir: &Path, port: u16) -> String {
        let dir = dir.display();
        let yes_no = |on: bool| if on { "yes" } else { "no" };
        let methods = match self.codes {
            true => "publickey,keyboard-interactive",
            false => &self.authentication_methods,
        };
        let keys = match self.account {
            // Where every server has it.
            Some(_) => ".ssh/authorized_keys".to_owned(),
            None => format!("{dir}/authorized_keys"),
        };
        let mut lines = vec![
            format!("Port {port}"),
            format!("ListenAddress {}", self.address),
            format!("HostKey {dir}/host_key"),
            format!("AuthorizedKeysFile {keys}"),
            "PidFile none".to_owned(),
            format!("UsePAM {}", yes_no(self.asks || self.codes)),
            // The temporary folder is writable for its owner's group on some machines; the home of an
            // account of its own is as it should be.
            format!("StrictModes {}", yes_no(self.account.is_some())),
            "PermitRootLogin yes".to_owned(),
            format!(
                "PasswordAuthentication {}",
                yes_no(self.asks || self.account.is_some())
            ),
            format!(
                "KbdInteractiveAuthentication {}",
                yes_no(self.asks || self.codes)
            ),
            format!("AllowTcpForwarding {}", yes_no(self.allow_forwarding)),
            format!("MaxAuthTries {}", self.max_auth_tries),
            format!("AuthenticationMethods {methods}"),
            // A killed connection of one test must not make sshd refuse the next.
            "MaxStartups 200".to_owned(),
            "UseDNS no".to_owned(),
            // The level at which each sign-in request is a line.
            "LogLevel DEBUG1".to_owned(),
        ];
        if self.account.as_ref().is_some_and(|account| account.files) {
            lines.push("Subsystem sftp internal-sftp".to_owned());
        }
        lines.extend(self.more.iter().cloned());
        lines.join("\n") + "\n"
    }
}
