//! A real sshd of one's own for each test, and the little else these tests share.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up must fail"
)]

use gateway_core::tunnel::{
    KnownHosts, KnownHostsFiles, PresentedKey, SignIn, SignInMemory, SshTarget, Tunnel,
    TunnelConfig, TunnelError, TunnelStep, open,
};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;

/// The longest any condition is waited for; only a broken test gets there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An sshd on loopback with its own host keys, authorized_keys and log.
pub(crate) struct SshServer {
    pub(crate) port: u16,
    dir: TempDir,
    child: Child,
    log: watch::Receiver<String>,
    settings: String,
}

impl SshServer {
    /// Starts a server with an ed25519 host key that nobody may sign in to yet.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts a server with more lines in its configuration; the first setting of a keyword wins.
    pub(crate) async fn start_with(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        keygen(&dir.path().join("host_ed25519"), "ed25519", "");
        std::fs::write(dir.path().join("authorized_keys"), "").unwrap();
        Self::start_in(dir, free_port(), settings, None).await
    }

    /// Starts a server that shows a certificate by `ca` for its key of this kind, made with these options.
    pub(crate) async fn start_certified(ca: &Path, kind: &str, options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join(format!("host_{kind}"));
        keygen(&key, kind, "");
        run(Command::new("ssh-keygen")
            .args(["-q", "-h", "-I", "test server"])
            .args(options)
            .arg("-s")
            .arg(ca)
            .arg(&key));
        std::fs::write(dir.path().join("authorized_keys"), "").unwrap();
        let settings = format!("HostCertificate {}-cert.pub\n", key.display());
        Self::start_in(dir, free_port(), &settings, None).await
    }

    /// Starts a server on which our own account has this password: in a mount namespace of its own
    /// with another `/etc/shadow`, so that nobody else on the machine notices.
    pub(crate) async fn start_with_password(password: &str) -> Self {
        Self::start_with_password_and(password, "").await
    }

    /// Starts such a server with more lines in its configuration.
    pub(crate) async fn start_with_password_and(password: &str, settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        keygen(&dir.path().join("host_ed25519"), "ed25519", "");
        std::fs::write(dir.path().join("authorized_keys"), "").unwrap();
        let hash = run(Command::new("openssl").args(["passwd", "-6", password]));
        let shadow = dir.path().join("shadow");
        std::fs::write(
            &shadow,
            format!("{}:{}:19000:0:99999:7:::\n", whoami(), hash.trim()),
        )
        .unwrap();
        Self::start_in(dir, free_port(), settings, Some(&shadow)).await
    }

    async fn start_in(dir: TempDir, port: u16, settings: &str, shadow: Option<&Path>) -> Self {
        // sshd insists on this directory for its privilege separation.
        std::fs::create_dir_all("/run/sshd").unwrap();
        let path = dir.path().display();
        let host_keys: String = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|file| {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                name.starts_with("host_") && !name.ends_with(".pub")
            })
            .map(|file| format!("HostKey {}\n", file.display()))
            .collect();
        let config = format!(
            "{settings}\nPort {port}\nListenAddress 127.0.0.1\n{host_keys}AuthorizedKeysFile {path}/authorized_keys\n\
             PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nLogLevel VERBOSE\n"
        );
        std::fs::write(dir.path().join("sshd_config"), config).unwrap();
        let sshd = ["/usr/sbin/sshd", "-D", "-e", "-f"];
        let mut command = match shadow {
            None => Command::new(sshd[0]),
            Some(shadow) => {
                let mut unshare = Command::new("unshare");
                let mount = "mount --bind \"$0\" /etc/shadow && exec \"$@\"";
                unshare
                    .args(["-m", "sh", "-c", mount])
                    .arg(shadow)
                    .arg(sshd[0]);
                unshare
            }
        };
        let mut child = command
            .args(&sshd[1..])
            .arg(dir.path().join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (grow, log) = watch::channel(String::new());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                grow.send_modify(|log| {
                    log.push_str(&line);
                    log.push('\n');
                });
            }
        });
        let server = Self {
            port,
            dir,
            child,
            log,
            settings: settings.to_owned(),
        };
        server.logs("Server listening on").await;
        server
    }

    /// Lets the owner of this public key in.
    pub(crate) fn authorize(&self, private_key: &Path) {
        let mut name = private_key.as_os_str().to_owned();
        name.push(".pub");
        let list = self.dir.path().join("authorized_keys");
        let mut authorized = std::fs::read_to_string(&list).unwrap();
        authorized.push_str(&std::fs::read_to_string(name).unwrap());
        std::fs::write(list, authorized).unwrap();
    }

    /// Lets nobody in but the owner of this public key.
    pub(crate) fn authorize_only(&self, private_key: &Path) {
        std::fs::write(self.dir.path().join("authorized_keys"), "").unwrap();
        self.authorize(private_key);
    }

    /// Stops the server, puts other host keys in place and starts it on the same port.
    pub(crate) async fn restart_with_host_key(mut self, kind: &str) -> Self {
        self.stop();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        std::fs::remove_file(dir.path().join("host_ed25519")).unwrap();
        keygen(&dir.path().join(format!("host_{kind}")), kind, "");
        Self::start_in(dir, self.port, &self.settings.clone(), None).await
    }

    /// Restarts the server with one more host key.
    pub(crate) async fn with_another_host_key(mut self, kind: &str) -> Self {
        self.stop();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        keygen(&dir.path().join(format!("host_{kind}")), kind, "");
        Self::start_in(dir, self.port, &self.settings.clone(), None).await
    }

    /// Restarts the server without one of its host keys.
    pub(crate) async fn without_host_key(mut self, kind: &str) -> Self {
        self.stop();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        std::fs::remove_file(dir.path().join(format!("host_{kind}"))).unwrap();
        Self::start_in(dir, self.port, &self.settings.clone(), None).await
    }

    /// Returns the public half of a host key, as known_hosts holds it after the name.
    pub(crate) fn host_key(&self, kind: &str) -> String {
        let text =
            std::fs::read_to_string(self.dir.path().join(format!("host_{kind}.pub"))).unwrap();
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// Returns where a host key lies.
    pub(crate) fn host_key_file(&self, kind: &str) -> PathBuf {
        self.dir.path().join(format!("host_{kind}.pub"))
    }

    /// Waits until the server has logged this, and returns the whole log.
    pub(crate) async fn logs(&self, text: &str) -> String {
        self.logs_times(text, 1).await
    }

    /// Waits until the server has logged this so often, and returns the whole log.
    pub(crate) async fn logs_times(&self, text: &str, times: usize) -> String {
        let mut log = self.log.clone();
        let has_come = |log: &String| log.matches(text).count() >= times;
        tokio::time::timeout(PATIENCE, log.wait_for(has_come))
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "sshd never logged {text:?}:\n{}",
                    self.log.borrow().as_str()
                )
            })
            .unwrap()
            .clone()
    }

    /// Returns the log so far.
    pub(crate) fn log(&self) -> String {
        self.log.borrow().clone()
    }

    /// Returns the processes that serve connections.
    pub(crate) fn sessions(&self) -> Vec<Pid> {
        descendants(self.child.id())
    }

    /// Sends a signal to every process that serves a connection.
    pub(crate) fn signal_sessions(&self, signal: Signal) {
        for pid in self.sessions() {
            // It may have ended by itself in the meantime.
            let _ = kill_process(pid, signal);
        }
    }

    fn stop(&mut self) {
        self.signal_sessions(Signal::CONT);
        let sessions = self.sessions();
        drop(self.child.kill());
        drop(self.child.wait());
        for pid in sessions {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Our side: a directory with known_hosts and keys.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn known_hosts(&self) -> KnownHostsFiles {
        KnownHostsFiles {
            own: self.path("known_hosts"),
            also_read: vec![self.path("also_known_hosts")],
            hashes_names: false,
        }
    }

    /// Makes a key pair and returns the private file.
    pub(crate) fn key(&self, name: &str, passphrase: &str) -> PathBuf {
        let path = self.path(name);
        keygen(&path, "ed25519", passphrase);
        path
    }

    /// Writes our known_hosts so that the server is trusted.
    pub(crate) fn trust(&self, server: &SshServer) {
        let line = format!(
            "[127.0.0.1]:{} {}\n",
            server.port,
            server.host_key("ed25519")
        );
        std::fs::write(self.path("known_hosts"), line).unwrap();
    }

    /// A configuration that reaches the server and tries this key.
    pub(crate) fn config(&self, port: u16, key: Option<&Path>) -> TunnelConfig {
        let target: SshTarget = format!("127.0.0.1:{port}").parse().unwrap();
        TunnelConfig {
            sign_in: SignIn::Automatic {
                identity_files: key.into_iter().map(Path::to_owned).collect(),
            },
            ..TunnelConfig::new(target, whoami(), self.known_hosts())
        }
    }

    pub(crate) fn store(&self, key: &PresentedKey) {
        KnownHosts::read(&self.known_hosts())
            .unwrap()
            .add(key)
            .unwrap();
    }
}

/// Opens a tunnel, forgetting the steps.
pub(crate) async fn dial(
    config: &TunnelConfig,
    memory: &mut SignInMemory,
) -> Result<Tunnel, TunnelError> {
    open(config, memory, &mut |_| {}).await
}

/// Opens a tunnel and returns the steps it went through.
pub(crate) async fn dial_with_steps(
    config: &TunnelConfig,
) -> (Result<Tunnel, TunnelError>, Vec<TunnelStep>) {
    let mut steps = Vec::new();
    let result = open(config, &mut SignInMemory::default(), &mut |step| {
        steps.push(step);
    })
    .await;
    (result, steps)
}

/// A server, a home that trusts it, and a key it accepts: the tunnel that comes of it.
pub(crate) async fn open_tunnel(server: &SshServer, home: &Home) -> Tunnel {
    home.trust(server);
    let key = home.key("id", "");
    server.authorize(&key);
    dial(
        &home.config(server.port, Some(&key)),
        &mut SignInMemory::default(),
    )
    .await
    .unwrap()
}

/// An ssh-agent of one's own.
pub(crate) struct Agent {
    socket: PathBuf,
    child: Child,
    _dir: TempDir,
}

impl Agent {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self {
            socket,
            child,
            _dir: dir,
        };
        tokio::time::timeout(PATIENCE, async {
            while std::os::unix::net::UnixStream::connect(&agent.socket).is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .unwrap();
        agent
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// Gives the agent a key, with more options of ssh-add.
    pub(crate) fn add(&self, key: &Path, options: &[&str]) {
        run(Command::new("ssh-add")
            .args(options)
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs ssh-keygen; few rounds of the slow hash, because the tests' own decoder is not optimised.
pub(crate) fn keygen(path: &Path, kind: &str, passphrase: &str) {
    run(Command::new("ssh-keygen")
        .args([
            "-q", "-t", kind, "-a", "1", "-C", "test key", "-N", passphrase, "-f",
        ])
        .arg(path));
}

/// Runs a tool to its end and returns what it printed; a failing or missing tool fails the test.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn whoami() -> String {
    run(Command::new("id").arg("-un")).trim().to_owned()
}

/// Returns a port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

pub(crate) fn descendants(parent: u32) -> Vec<Pid> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // The name in parentheses may hold anything, so count from its end (proc(5)).
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            continue;
        };
        let is_child = rest.split(' ').nth(1) == Some(parent.to_string().as_str());
        if is_child {
            found.extend(i32::try_from(pid).ok().and_then(Pid::from_raw));
            found.extend(descendants(pid));
        }
    }
    found
}

/// A service on the server's side that remembers nothing and sends back what it gets.
pub(crate) async fn echo_service() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = socket.split();
                if tokio::io::copy(&mut read, &mut write).await.is_ok() {
                    drop(write.shutdown().await);
                }
            });
        }
    });
    port
}
