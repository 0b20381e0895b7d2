//! The commands that go over SSH, against a real sshd with a gateway behind it.

use crate::fake_gateway::FakeGateway;
use crate::ssh_server::{SshServer, keygen, run, whoami};
use crate::support::{Home, Ran, closed_port};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn well(method: &str, _: &[String]) -> Result<Value, Value> {
    match method {
        "health" => Ok(json!({"ok": true, "channels": {}})),
        _ => Ok(json!({})),
    }
}

/// A server that lets one key in, and a home that has it.
struct Scene {
    home: Home,
    key: PathBuf,
    server: SshServer,
    _runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new(settings: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(SshServer::start_with(settings));
        let home = Home::new();
        let key = home.path().join("id");
        keygen(&key, "ed25519", "");
        server.authorize(&key);
        home.private_file("token", "right");
        Self {
            home,
            key,
            server,
            _runtime: runtime,
        }
    }

    fn fingerprint(&self) -> String {
        let shown = run(Command::new("ssh-keygen")
            .arg("-lf")
            .arg(self.server.host_key_file("ed25519")));
        shown.split(' ').nth(1).unwrap().to_owned()
    }

    fn target(&self) -> String {
        format!("{}@127.0.0.1:{}", whoami(), self.server.port)
    }

    /// Writes our known_hosts so that the server is trusted.
    fn trust(&self) {
        let line = format!(
            "[127.0.0.1]:{} {}\n",
            self.server.port,
            self.server.host_key("ed25519")
        );
        self.home.private_file("known_hosts", &line);
    }

    fn args(&self, command: &str, gateway_port: u16) -> Vec<String> {
        let path = |name: &str| self.home.path().join(name).display().to_string();
        let port = gateway_port.to_string();
        let args = [
            command,
            "--json",
            "--ssh-target",
            &self.target(),
            "--identity",
            &path("id"),
            "--known-hosts",
            &path("known_hosts"),
            "--remote-port",
            &port,
        ];
        args.map(str::to_owned).to_vec()
    }

    fn check(&self, gateway_port: u16, more: &[&str]) -> Ran {
        let mut args = self.args("check", gateway_port);
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        self.home.run(args)
    }

    fn token(&self) -> [String; 2] {
        [
            "--token-file".to_owned(),
            self.home.path().join("token").display().to_string(),
        ]
    }
}

fn fault(ran: &Ran) -> (i32, String, String) {
    let report = ran.json();
    let steps = report["steps"].as_array().unwrap();
    let first = steps
        .iter()
        .position(|step| step["status"] != "ok")
        .unwrap();
    for later in &steps[first + 1..] {
        assert_eq!(later["status"], "notReached", "{ran:?}");
    }
    assert_eq!(report["ok"], false);
    let text = |member: &str| steps[first][member].as_str().unwrap().to_owned();
    (ran.exit, text("id"), text("status"))
}

fn expect(exit: i32, id: &str, status: &str) -> (i32, String, String) {
    (exit, id.to_owned(), status.to_owned())
}

#[test]
fn a_healthy_server_passes_nine_timed_steps_once_its_key_is_accepted() {
    let (scene, gateway) = (Scene::new(""), FakeGateway::start("right", well));
    let token = scene.token();
    let token = [token[0].as_str(), token[1].as_str()];

    let unknown = scene.check(gateway.port, &token);
    assert_eq!(fault(&unknown), expect(3, "hostKey", "needsUser"));
    assert!(unknown.stdout.contains(&scene.fingerprint()), "{unknown:?}");
    assert!(
        !scene.server.log().contains("Accepted"),
        "nothing about the user was sent"
    );

    let other = format!("SHA256:{}", "A".repeat(43));
    let mismatch = scene.check(
        gateway.port,
        &[&token[..], &["--accept-host-key", &other]].concat(),
    );
    assert_eq!(fault(&mismatch), expect(3, "hostKey", "needsUser"));

    let fingerprint = scene.fingerprint();
    let accepted = scene.check(
        gateway.port,
        &[&token[..], &["--accept-host-key", &fingerprint]].concat(),
    );
    let again = scene.check(gateway.port, &token);
    for ran in [accepted, again] {
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran:?}");
        let report = ran.json();
        assert_eq!(report["ok"], true);
        let steps = report["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 9);
        for step in steps {
            assert_eq!(step["status"], "ok", "{step}");
            assert!(
                step["ms"].as_f64().unwrap() >= 0.0 && step["action"].is_null(),
                "{step}"
            );
        }
    }
}

#[test]
fn the_first_failing_step_behind_a_trusted_server_is_the_right_one() {
    let gateway = FakeGateway::start("right", well);
    let scene = Scene::new("");
    scene.trust();
    let token = scene.token();
    let token = [token[0].as_str(), token[1].as_str()];

    let nothing_there = scene.check(closed_port(), &token);
    assert_eq!(fault(&nothing_there), expect(2, "gateway", "failed"));
    let not_a_gateway = scene.check(scene.server.port, &token);
    assert_eq!(fault(&not_a_gateway), expect(2, "gateway", "failed"));
    scene.home.private_file("token", "wrong");
    let wrong_token = scene.check(gateway.port, &token);
    assert_eq!(fault(&wrong_token), expect(3, "access", "needsUser"));
    assert_eq!(wrong_token.json()["steps"][7]["action"], "enterToken");

    std::fs::remove_file(&scene.key).unwrap();
    std::fs::remove_file(scene.key.with_extension("pub")).unwrap();
    keygen(&scene.key, "ed25519", "");
    let stranger = scene.check(gateway.port, &token);
    assert_eq!(fault(&stranger), expect(3, "login", "needsUser"));

    let forbidding = Scene::new("AllowTcpForwarding no");
    forbidding.trust();
    let forbidden = forbidding.check(gateway.port, &token);
    assert_eq!(fault(&forbidden), expect(2, "forward", "failed"));
    assert!(forbidden.stdout.contains("forwarding"), "{forbidden:?}");
}

#[test]
fn a_configured_token_goes_to_the_server_it_was_configured_for_and_no_other() {
    let (scene, gateway) = (Scene::new(""), FakeGateway::start("canary", well));
    scene.trust();
    let configure = |target: &str| {
        let text = format!(
            "{{ gateway: {{ mode: 'remote', remote: {{ sshTarget: '{target}', token: 'canary' }} }} }}"
        );
        scene.home.private_file(".openclaw/openclaw.json", &text);
    };

    configure("me@elsewhere");
    let lured = scene.check(gateway.port, &[]);
    assert_eq!(fault(&lured), expect(3, "access", "needsUser"));
    assert!(
        !gateway
            .frames()
            .iter()
            .any(|frame| frame.to_string().contains("canary"))
    );

    configure(&scene.target());
    let meant = scene.check(gateway.port, &[]);
    assert_eq!(meant.exit, 0, "{meant:?}");
}

#[test]
fn a_connection_comes_up_serves_its_port_and_ends_when_asked() {
    let (scene, gateway) = (Scene::new(""), FakeGateway::start("right", well));
    scene.trust();
    let mut args = scene.args("connect", gateway.port);
    args.extend(scene.token());
    args.extend(["--local-port".to_owned(), closed_port().to_string()]);
    let mut child = scene
        .home
        .openclaw(&args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());

    let up = lines.find(|line| line["phase"] == "up").unwrap();
    let port = up["localPort"].as_u64().unwrap();
    let url = format!("ws://127.0.0.1:{port}");
    let health = scene.home.run(
        ["health", "--json", "--url", &url]
            .map(str::to_owned)
            .into_iter()
            .chain(scene.token()),
    );
    assert_eq!(
        (health.exit, health.json()["ok"].as_bool()),
        (0, Some(true)),
        "{health:?}"
    );

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(lines.last().unwrap()["phase"], "off");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_connection_with_nobody_to_ask_says_what_it_would_have_asked() {
    let scene = Scene::new("");
    let mut args = scene.args("connect", closed_port());
    args.extend(scene.token());

    let ran = scene.home.run(&args);

    assert_eq!(ran.exit, 3, "{ran:?}");
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (last["phase"].as_str(), last["cause"].as_str()),
        (Some("host_key"), Some("hostKeyUnknown"))
    );
    assert!(
        ran.stderr
            .contains(&format!("--accept-host-key {}", scene.fingerprint())),
        "{ran:?}"
    );
    assert!(!scene.home.path().join("known_hosts").exists());
}
