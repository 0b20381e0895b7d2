//! dropbear, the SSH server of routers and small boards. It looks for a user's keys in their home and
//! for their password in `/etc/shadow`, so it runs in a mount namespace with both of its own.

use crate::support::{PATIENCE, descendants, free_port, run, whoami};
use rustix::process::{Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::sync::watch;

/// A running dropbear.
pub(crate) struct Dropbear {
    pub(crate) port: u16,
    host_key: String,
    child: Child,
    log: watch::Receiver<String>,
    _dir: TempDir,
}

impl Dropbear {
    /// Starts a server that takes these public keys and, where there is one, this password;
    /// with `both`, a key is only the first half.
    pub(crate) async fn start(authorized: &str, password: Option<&str>, both: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path("home/.ssh"))
            .unwrap();
        std::fs::write(path("home/.ssh/authorized_keys"), authorized).unwrap();
        let user = whoami();
        let entry = run(Command::new("getent").args(["passwd", &user]));
        let mut fields: Vec<&str> = entry.trim().split(':').collect();
        let home = path("home").display().to_string();
        fields[5] = &home;
        fields[6] = "/bin/sh";
        std::fs::write(path("passwd"), format!("{}\n", fields.join(":"))).unwrap();
        let hash = match password {
            Some(password) => run(Command::new("openssl").args(["passwd", "-6", password])),
            None => "*".to_owned(),
        };
        std::fs::write(
            path("shadow"),
            format!("{user}:{}:19000:0:99999:7:::\n", hash.trim()),
        )
        .unwrap();
        run(Command::new("dropbearkey")
            .args(["-t", "ed25519", "-f"])
            .arg(path("host")));
        let told = run(Command::new("dropbearkey")
            .arg("-y")
            .arg("-f")
            .arg(path("host")));
        let host_key = told
            .lines()
            .find(|line| line.starts_with("ssh-ed25519 "))
            .unwrap()
            .split(' ')
            .take(2)
            .collect::<Vec<_>>()
            .join(" ");
        let port = free_port();
        let mount = "mount --bind \"$0\" /etc/passwd && mount --bind \"$1\" /etc/shadow && shift && exec \"$@\"";
        let mut child = Command::new("unshare")
            .args(["-m", "sh", "-c", mount])
            .arg(path("passwd"))
            .arg(path("shadow"))
            .args(["/usr/sbin/dropbear", "-F", "-E", "-p"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("-P")
            .arg(path("pid"))
            .arg("-r")
            .arg(path("host"))
            .args(match (password, both) {
                (None, _) => &["-s"][..],
                (Some(_), true) => &["-t"],
                (Some(_), false) => &[],
            })
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
            host_key,
            child,
            log,
            _dir: dir,
        };
        server.listens().await;
        server
    }

    async fn listens(&self) {
        let connect = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .is_err()
            {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, connect)
            .await
            .unwrap_or_else(|_| {
                panic!("dropbear does not listen:\n{}", self.log.borrow().as_str())
            });
    }

    pub(crate) fn host_key(&self) -> &str {
        &self.host_key
    }

    /// Returns how many credentials it has counted as wrong, once this many connections have ended.
    pub(crate) async fn refusals(&self, connections: usize) -> usize {
        let ended = |log: &str| log.matches("Exit ").count();
        let mut log = self.log.clone();
        // The connection that waited for the port is one too.
        let heard = log.wait_for(|log| ended(log) > connections);
        tokio::time::timeout(PATIENCE, heard)
            .await
            .unwrap_or_else(|_| panic!("too few ends:\n{}", self.log.borrow().as_str()))
            .unwrap();
        let log = self.log.borrow().clone();
        // "Exit before auth from <127.0.0.1:1>: (user 'me', 2 fails): …"
        log.lines()
            .filter_map(|line| line.split_once("', ")?.1.split_once(" fails"))
            .filter_map(|(count, _)| count.parse::<usize>().ok())
            .sum()
    }
}

impl Drop for Dropbear {
    fn drop(&mut self) {
        let sessions = descendants(self.child.id());
        drop(self.child.kill());
        drop(self.child.wait());
        for pid in sessions {
            // It may have ended by itself in the meantime.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns the public half of a key, as a line of a list of keys.
pub(crate) fn public_line(private_key: &Path) -> String {
    std::fs::read_to_string(format!("{}.pub", private_key.display())).unwrap()
}
