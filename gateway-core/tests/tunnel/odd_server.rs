//! asyncssh, told to behave as a test needs it, with every packet it receives written down.

use crate::support::{PATIENCE, free_port, keygen, run};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::sync::watch;

/// `SSH_MSG_SERVICE_REQUEST`, with which signing in begins.
const SERVICE_REQUEST: u64 = 5;

/// The numbers of all packets about signing in (RFC 4250 §4.1.2).
const SIGN_IN_PACKETS: std::ops::RangeInclusive<u64> = 50..=79;

/// A running server. Its settings, beside asyncssh's own lists of algorithms:
///
/// - `authorized_keys`: a file; `cert-authority` lines are authorities for people.
/// - `password`; `rounds`: what is asked, as `title`, `instruction`, `prompts` and `answers`.
/// - `endless`: asks for ever, this many questions a round, or `silent`.
/// - `factors`: methods that are all wanted, in this order.
/// - `banner`, `banners`: a text before signing in, and how often.
/// - `no_strict_kex`, `host_key_algs`: what it leaves out of its offers.
/// - `announces`, `lies_in_proof`: host keys after signing in.
pub(crate) struct OddServer {
    pub(crate) port: u16,
    dir: TempDir,
    child: Child,
    said: watch::Receiver<Vec<Value>>,
}

impl OddServer {
    /// Starts a server with new host keys of these kinds.
    pub(crate) async fn start(kinds: &[&str], settings: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for kind in kinds {
            keygen(&dir.path().join(format!("host_{kind}")), kind, "");
        }
        Self::launch(dir, free_port(), settings).await
    }

    /// Starts a server whose key has a certificate by `ca` for 127.0.0.1.
    pub(crate) async fn start_certified(ca: &Path, settings: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("host_ed25519");
        keygen(&key, "ed25519", "");
        run(Command::new("ssh-keygen")
            .args(["-q", "-h", "-I", "test server", "-n", "127.0.0.1", "-s"])
            .arg(ca)
            .arg(&key));
        Self::launch(dir, free_port(), settings).await
    }

    /// Stops it and starts another with new keys on the same port, as an impostor would.
    pub(crate) async fn replaced_by(mut self, kinds: &[&str], settings: Value) -> Self {
        self.stop();
        let dir = tempfile::tempdir().unwrap();
        for kind in kinds {
            keygen(&dir.path().join(format!("host_{kind}")), kind, "");
        }
        Self::launch(dir, self.port, settings).await
    }

    async fn launch(dir: TempDir, port: u16, settings: Value) -> Self {
        let mut config = settings;
        let mut files: Vec<PathBuf> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let named = |end: fn(&str) -> bool| -> Vec<&PathBuf> {
            let fits = |file: &&PathBuf| end(&file.file_name().unwrap().to_string_lossy());
            files.iter().filter(fits).collect()
        };
        config["host_keys"] = json!(named(|name| !name.ends_with(".pub")));
        config["host_certificates"] = json!(named(|name| name.ends_with("-cert.pub")));
        config["port"] = json!(port);
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let python = checkout.join(".tools/asyncssh/bin/python");
        assert!(
            python.exists(),
            "asyncssh is missing; run scripts/setup test"
        );
        let mut child = Command::new(python)
            .arg(checkout.join("tests/tools/asyncssh/server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Its input stays open: it ends with whoever started it.
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "{config}").unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (grow, said) = watch::channel(Vec::new());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
                grow.send_modify(|said| said.push(value));
            }
        });
        let server = Self {
            port,
            dir,
            child,
            said,
        };
        server.says("listening").await;
        server
    }

    /// Waits until it has said something under this name.
    pub(crate) async fn says(&self, name: &str) {
        let mut said = self.said.clone();
        let heard = said.wait_for(|said| said.iter().any(|value| !value[name].is_null()));
        tokio::time::timeout(PATIENCE, heard)
            .await
            .unwrap_or_else(|_| panic!("asyncssh never said {name:?}"))
            .unwrap();
    }

    /// Returns everything it has said under this name.
    pub(crate) fn said(&self, name: &str) -> Vec<Value> {
        self.said
            .borrow()
            .iter()
            .filter(|value| !value[name].is_null())
            .cloned()
            .collect()
    }

    /// Returns how many packets about signing in have come, the request to begin among them.
    pub(crate) fn sign_in_packets(&self) -> usize {
        self.said("packet")
            .iter()
            .filter_map(|value| value["packet"].as_u64())
            .filter(|number| *number == SERVICE_REQUEST || SIGN_IN_PACKETS.contains(number))
            .count()
    }

    /// Returns every byte of every packet that has come, as text of two digits a byte.
    pub(crate) fn received(&self) -> String {
        self.said("packet")
            .iter()
            .filter_map(|value| value["payload"].as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Returns how often a credential of this method was offered in earnest.
    pub(crate) fn offers(&self, method: &str) -> usize {
        let mut wanted = u32::try_from(method.len()).unwrap().to_be_bytes().to_vec();
        wanted.extend(method.as_bytes());
        let wanted = hex(&wanted);
        self.said("packet")
            .iter()
            .filter(|value| value["packet"] == 50)
            .filter(|value| value["payload"].as_str().unwrap().contains(&wanted))
            .count()
    }

    /// Returns the public half of a host key, as known_hosts holds it after the name.
    pub(crate) fn host_key(&self, kind: &str) -> String {
        let text =
            std::fs::read_to_string(self.dir.path().join(format!("host_{kind}.pub"))).unwrap();
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// Returns the line that makes known_hosts trust it.
    pub(crate) fn known_hosts_line(&self, kind: &str) -> String {
        format!("[127.0.0.1]:{} {}\n", self.port, self.host_key(kind))
    }

    fn stop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for OddServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Spells bytes as the server does.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
