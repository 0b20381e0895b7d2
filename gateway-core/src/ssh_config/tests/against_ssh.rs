//! What `ssh -G` says of a configuration, and what we say.

use super::cases::CASES;
use super::*;
use crate::ssh_config::host_config::HostConfig;
use crate::ssh_config::reader::read;
use crate::ssh_config::values::{Placed, Proxy, Values};
use crate::tunnel::SshTarget;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// The lines of `ssh -G` that are compared.
const COMPARED: [&str; 19] = [
    "addressfamily",
    "bindaddress",
    "certificatefile",
    "connecttimeout",
    "globalknownhostsfile",
    "hashknownhosts",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "port",
    "proxycommand",
    "proxyjump",
    "serveralivecountmax",
    "serveraliveinterval",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
];

/// How many random files are compared beside the written ones.
const RANDOM_FILES: usize = 250;

type Said = BTreeMap<&'static str, Vec<String>>;

/// The account this runs as, which is what the real program sees.
struct Account {
    surroundings: Surroundings,
}

impl Account {
    fn real() -> Self {
        let told = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let user = told("id", &["-un"]);
        let entry = told("getent", &["passwd", &user]);
        let home = entry.split(':').nth(5).unwrap().into();
        let environment = Environment::new(
            [("EDGE_KEYS", "/keys"), ("SOCK", "/run/agent")],
            Some(home),
            Platform::Xdg,
        )
        .on_machine(
            Some(told("uname", &["-n"])),
            Some(told("id", &["-u"]).parse().unwrap()),
        );
        Self {
            surroundings: Surroundings {
                environment,
                local_user: user,
                sources: Sources::Nothing,
            },
        }
    }

    /// Asks the real program; `None` when it refuses the file.
    fn ssh(&self, config: &Path, arguments: &[&str]) -> Option<Said> {
        let output = Command::new("/usr/bin/ssh")
            .arg("-G")
            .arg("-F")
            .arg(config)
            .args(arguments)
            .env_clear()
            .env("EDGE_KEYS", "/keys")
            .env("SOCK", "/run/agent")
            .output()
            .unwrap();
        if !output.status.success() {
            return None;
        }
        let mut said = Said::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            if let Some(name) = COMPARED.iter().find(|known| **known == name) {
                said.entry(name).or_default().push(value.to_owned());
            }
        }
        // Without an IdentityFile it lists the usual ones.
        let usual = |files: &Vec<String>| {
            files.len() > 1 && files.iter().all(|file| file.starts_with("~/.ssh/id_"))
        };
        if said.get("identityfile").is_some_and(usual) {
            said.remove("identityfile");
        }
        Some(said)
    }

    /// Asks us; `None` when we refuse the file.
    fn ours(&self, config: &Path, arguments: &[&str]) -> Option<Said> {
        let mut asked = asked(arguments.last().unwrap());
        for pair in arguments.windows(2) {
            match pair {
                ["-l", user] => asked.user = Some(user),
                ["-p", port] => asked.port = Some(port.parse().unwrap()),
                _ => {}
            }
        }
        let surroundings = Surroundings {
            sources: Sources::Only(config.to_owned()),
            ..self.surroundings.clone()
        };
        let disk = Disk {
            uid: surroundings.environment.uid(),
        };
        let values = read(asked, &surroundings, &disk).ok()?;
        let config = HostConfig::finish(&values, asked, &surroundings, false).ok()?;
        let described = self.described(&values, &config);
        (!leads_to_itself(&values, &config)).then_some(described)
    }

    /// Spells what we read as `ssh -G` does.
    fn described(&self, values: &Values, config: &HostConfig) -> Said {
        let mut said = Said::new();
        let mut say = |name, value: String| said.entry(name).or_default().push(value);
        let yes_no = |flag| if flag { "yes" } else { "no" }.to_owned();
        say("hostname", config.host_name.clone());
        say("user", config.user.clone());
        say("port", config.port.to_string());
        say(
            "addressfamily",
            match config.address_family {
                AddressFamily::Any => "any",
                AddressFamily::Inet => "inet",
                AddressFamily::Inet6 => "inet6",
            }
            .to_owned(),
        );
        say(
            "stricthostkeychecking",
            match config.strict_host_key_checking {
                StrictHostKeyChecking::Yes => "true",
                StrictHostKeyChecking::Ask => "ask",
                StrictHostKeyChecking::AcceptNew => "accept-new",
                StrictHostKeyChecking::Off => "false",
            }
            .to_owned(),
        );
        say("identitiesonly", yes_no(config.identities_only));
        say("hashknownhosts", yes_no(config.hash_known_hosts));
        let interval = config.server_alive_interval.unwrap_or_default();
        say("serveraliveinterval", interval.as_secs().to_string());
        let count = config.server_alive_count_max.unwrap_or(3);
        say("serveralivecountmax", count.to_string());
        let limit = config.connect_timeout;
        say(
            "connecttimeout",
            limit.map_or_else(|| "none".to_owned(), |limit| limit.as_secs().to_string()),
        );
        if let Some(alias) = &config.host_key_alias {
            say("hostkeyalias", alias.clone());
        }
        if let Some(address) = &config.bind_address {
            say("bindaddress", address.clone());
        }
        if let Some(agent) = &values.identity_agent {
            let expanded = match &config.identity_agent {
                Some(IdentityAgent::Socket(socket)) if !agent.value.starts_with('$') => {
                    socket.display().to_string()
                }
                Some(_) | None => agent.value.clone(),
            };
            say("identityagent", expanded);
        }
        let raw = |files: &[Placed<String>]| files.iter().map(|file| file.value.clone()).collect();
        let lists: [(&str, Vec<String>); 2] = [
            ("identityfile", raw(&values.identity_files)),
            ("certificatefile", raw(&values.certificate_files)),
        ];
        for (name, files) in lists {
            for file in files {
                say(name, file);
            }
        }
        let home = self.surroundings.environment.home().unwrap().display();
        let none = |raw: &Option<Placed<Vec<String>>>| {
            raw.as_ref().is_some_and(|raw| raw.value == ["none"])
        };
        let paths = |files: &[PathBuf]| {
            let files: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
            files.join(" ")
        };
        say(
            "userknownhostsfile",
            match &config.user_known_hosts {
                None => format!("{home}/.ssh/known_hosts {home}/.ssh/known_hosts2"),
                Some(_) if none(&values.user_known_hosts) => "none".to_owned(),
                Some(files) => paths(files),
            },
        );
        say(
            "globalknownhostsfile",
            match &config.global_known_hosts {
                None => "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2".to_owned(),
                Some(_) if none(&values.global_known_hosts) => "none".to_owned(),
                Some(files) => paths(files),
            },
        );
        match &values.proxy {
            Some(Proxy::Jump(spec)) => say("proxyjump", spec.value.entries().join(",")),
            Some(Proxy::Command(_)) => say("proxycommand", String::new()),
            Some(Proxy::NoJump | Proxy::Direct) | None => {}
        }
        said
    }

    /// Compares both on one configuration; returns the difference in words.
    fn compare(&self, config: &Path, arguments: &str) -> Option<String> {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut theirs = self.ssh(config, &arguments);
        if let Some(theirs) = &mut theirs {
            // The command itself is nothing we read, and jumps are spelled out by the real program.
            if let Some(command) = theirs.get_mut("proxycommand") {
                *command = vec![String::new()];
            }
            theirs.remove("proxyjump").into_iter().for_each(|jump| {
                let plain = jump.join(",").replace("ssh://", "");
                theirs.insert("proxyjump", vec![plain]);
            });
        }
        let mut ours = self.ours(config, &arguments);
        if let Some(ours) = &mut ours
            && let Some(jump) = ours.get_mut("proxyjump")
        {
            *jump = vec![jump.join(",").replace("ssh://", "")];
        }
        (theirs != ours).then(|| {
            let text = std::fs::read_to_string(config).unwrap();
            format!("ssh {arguments:?} with\n{text}\nssh says  {theirs:?}\nwe say    {ours:?}\n")
        })
    }
}

/// Says whether the real program refuses the file for its jump host; we find that out later, over the
/// whole way.
fn leads_to_itself(values: &Values, config: &HostConfig) -> bool {
    let Some(Proxy::Jump(spec)) = &values.proxy else {
        return false;
    };
    let Some(jump) = spec.value.entries().last() else {
        return false;
    };
    let jump: SshTarget = jump.parse().unwrap();
    let user = jump.user.as_ref().unwrap_or(&config.user);
    (&jump.host, jump.port_or_default(), user) == (&config.host_name, config.port, &config.user)
}

#[test]
fn we_read_every_written_configuration_as_ssh_does() {
    let account = Account::real();
    let mut differences = Vec::new();
    for case in CASES {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display().to_string();
        for (name, text) in case.beside {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text.replace('@', &at)).unwrap();
        }
        let config = dir.path().join("config");
        let place = format!("{at}/");
        // An `@` before a slash or a file is the folder; in a name it is itself.
        std::fs::write(&config, case.config.replace("@/", &place)).unwrap();
        differences.extend(account.compare(&config, case.arguments));
        assert!(!dir.path().join("ran").exists(), "something was run");
    }
    assert!(CASES.len() >= 60);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn we_read_random_configurations_as_ssh_does() {
    let account = Account::real();
    let mut random = StdRng::seed_from_u64(20_261_123);
    let mut differences = Vec::new();
    for _ in 0..RANDOM_FILES {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display().to_string();
        let included = dir.path().join("more");
        std::fs::write(&included, random_text(&mut random, &at, 1)).unwrap();
        let config = dir.path().join("config");
        std::fs::write(&config, random_text(&mut random, &at, 0)).unwrap();
        let arguments = pick(
            &mut random,
            &["box", "edge", "BOX", "-l bob box", "-p 7 edge", "10.0.0.5"],
        );
        if let Some(difference) = account.compare(&config, arguments) {
            let more = std::fs::read_to_string(&included).unwrap();
            differences.push(format!("{difference}with more:\n{more}"));
        }
    }
    let shown: Vec<_> = differences.iter().take(3).cloned().collect();
    assert!(
        differences.is_empty(),
        "{} of {RANDOM_FILES}:\n{}",
        differences.len(),
        shown.join("\n")
    );
}

fn pick<'a>(random: &mut StdRng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

/// Writes a file of up to fourteen lines, most of them such as people write.
fn random_text(random: &mut StdRng, at: &str, depth: usize) -> String {
    let mut text = String::new();
    for _ in 0..random.random_range(1..15) {
        let (keyword, value) = match random.random_range(0..10) {
            0 | 1 => (
                "Host",
                pick(
                    random,
                    &[
                        "box", "*", "edge box", "!box *", "b?x", "10.*", "* !edge", "real", "B*",
                    ],
                )
                .to_owned(),
            ),
            2 => (
                "Match",
                pick(
                    random,
                    &[
                        "all",
                        "host box",
                        "host real,edge",
                        "originalhost box",
                        "user bob",
                        "!user bob host *",
                        "final",
                        "final host real",
                        "!final all",
                        "host \"b*,!bo?\"",
                        "canonical",
                        "localuser nobody",
                    ],
                )
                .to_owned(),
            ),
            3 if depth == 0 => ("Include", format!("{at}/mo*")),
            _ => {
                let (keyword, values): (&str, &[&str]) = [
                    ("HostName", &["real", "%h.net", "10.0.0.5", "REAL"][..]),
                    ("Port", &["22", "2201", "65535"]),
                    ("User", &["bob", "alice", "\"a b\""]),
                    (
                        "IdentityFile",
                        &["~/.ssh/a", "b", "none", "%d/%u", "\"c d\""],
                    ),
                    ("CertificateFile", &["~/a-cert.pub", "b"]),
                    ("IdentitiesOnly", &["yes", "no"]),
                    ("IdentityAgent", &["none", "SSH_AUTH_SOCK", "~/agent"]),
                    ("ProxyJump", &["edge", "none", "a,b", "u@c:7"]),
                    ("ProxyCommand", &["none", "nc %h %p"]),
                    (
                        "UserKnownHostsFile",
                        &["/a /b", "~/k_%h_%p_%r", "/dev/null"],
                    ),
                    ("GlobalKnownHostsFile", &["/c", "/dev/null"]),
                    ("HostKeyAlias", &["Kept", "other"]),
                    ("StrictHostKeyChecking", &["yes", "no", "ask", "accept-new"]),
                    ("HashKnownHosts", &["yes", "no"]),
                    ("ServerAliveInterval", &["0", "15", "2m"]),
                    ("ServerAliveCountMax", &["1", "3"]),
                    ("ConnectTimeout", &["5", "1m", "none"]),
                    ("AddressFamily", &["any", "inet", "inet6"]),
                    ("BindAddress", &["127.0.0.1"]),
                    ("ForwardAgent", &["yes"]),
                ][random.random_range(0..20)];
                (keyword, pick(random, values).to_owned())
            }
        };
        let indent = pick(random, &["", "  ", "\t"]);
        let between = pick(random, &[" ", " ", "\t", " = ", "="]);
        let end = pick(random, &["", "", "  ", "\r"]);
        let keyword = match random.random_range(0..4) {
            0 => keyword.to_uppercase(),
            1 => keyword.to_lowercase(),
            _ => keyword.to_owned(),
        };
        text.push_str(&format!("{indent}{keyword}{between}{value}{end}\n"));
    }
    text
}
