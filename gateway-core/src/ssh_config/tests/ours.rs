//! What `ssh -G` does not show: two files, expanded paths, refusals that name their line.

use super::*;
use std::path::PathBuf;

/// A home folder and a system folder of one test.
struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new(user: &str, system: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scene = Self { dir };
        scene.write("home/.ssh/config", user);
        scene.write("etc/ssh_config", system);
        scene
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn look_up(&self, host: &str) -> Result<HostConfig, SshConfigError> {
        let sources = Sources::Usual {
            user: Some(self.home().join(".ssh/config")),
            system: Some(self.dir.path().join("etc/ssh_config")),
        };
        let surroundings = at_home(&self.home(), sources);
        look_up(asked(host), true, &surroundings, &Disk { uid: None })
    }
}

fn refusal(user: &str) -> String {
    let scene = Scene::new(user, "");
    let error = scene.look_up("box").unwrap_err();
    let home = scene.home().display().to_string();
    error.to_string().replace(&home, "~")
}

#[test]
fn the_users_file_wins_over_the_systems_and_both_are_read() {
    let scene = Scene::new("Host box\nPort 5\n", "Host *\nPort 6\nUser everybody\n");

    let config = scene.look_up("box").unwrap();

    assert_eq!((config.port, config.user.as_str()), (5, "everybody"));
}

#[test]
fn without_any_file_a_name_is_its_own_address() {
    let dir = tempfile::tempdir().unwrap();
    let sources = Sources::Usual {
        user: Some(dir.path().join("none")),
        system: None,
    };
    let surroundings = at_home(dir.path(), sources);

    let config = look_up(asked("box"), true, &surroundings, &Disk { uid: None }).unwrap();

    assert_eq!((config.host_name.as_str(), config.port), ("box", 22));
    assert_eq!(config.user, "me");
    assert_eq!(config.identity_files, None);
}

#[test]
fn a_file_that_was_named_has_to_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let surroundings = at_home(dir.path(), Sources::Only(dir.path().join("none")));

    let error = look_up(asked("box"), true, &surroundings, &Disk { uid: None }).unwrap_err();

    assert!(
        matches!(error, SshConfigError::Unreadable { .. }),
        "{error}"
    );
}

#[test]
fn relative_includes_start_beside_the_file_that_has_them() {
    let scene = Scene::new("Include more\n", "Include d/*.conf\n");
    scene.write("home/.ssh/more", "Port 5\n");
    scene.write("etc/d/1.conf", "User everybody\n");

    let config = scene.look_up("box").unwrap();

    assert_eq!((config.port, config.user.as_str()), (5, "everybody"));
}

#[test]
fn paths_of_keys_and_agents_are_expanded() {
    let scene = Scene::new(
        "HostName real\nUser you\nPort 7\nIdentityFile ~/k/%n_%h_%r_%p_%u_%i_%L_%%\n\
         IdentityFile ${EDGE_KEYS}/k\nCertificateFile %d/c\nIdentityAgent ~/agent_%h\n",
        "",
    );

    let config = scene.look_up("box").unwrap();

    let home = scene.home();
    let keys = vec![
        home.join("k/box_real_you_7_me_1000_desk_%"),
        PathBuf::from("/keys/k"),
    ];
    assert_eq!(config.identity_files, Some(keys));
    assert_eq!(config.certificate_files, [home.join("c")]);
    let agent = IdentityAgent::Socket(home.join("agent_real"));
    assert_eq!(config.identity_agent, Some(agent));
}

#[test]
fn agents_may_be_named_by_a_variable_or_not_be_wanted() {
    let agent = |line: &str| Scene::new(line, "").look_up("box").unwrap().identity_agent;

    assert_eq!(agent("IdentityAgent none\n"), Some(IdentityAgent::None));
    assert_eq!(agent("IdentityAgent SSH_AUTH_SOCK\n"), None);
    let socket = IdentityAgent::Socket("/run/agent".into());
    assert_eq!(agent("IdentityAgent $SOCK\n"), Some(socket.clone()));
    assert_eq!(agent("IdentityAgent ${SOCK}\n"), Some(socket));
    assert_eq!(agent("IdentityAgent $NOT_SET\n"), Some(IdentityAgent::None));
}

#[test]
fn none_names_no_key_files_and_no_lists() {
    let scene = Scene::new("IdentityFile none\nUserKnownHostsFile none\n", "");

    let config = scene.look_up("box").unwrap();

    assert_eq!(config.identity_files, Some(Vec::new()));
    assert_eq!(config.user_known_hosts, Some(Vec::new()));
}

#[test]
fn jump_hosts_come_in_the_order_they_are_dialled_with_their_tokens_replaced() {
    let scene = Scene::new("ProxyJump %r@one:2201,ssh://gate-%n\n", "");

    let config = scene.look_up("box").unwrap();

    let jumps: Vec<String> = config.jumps.iter().map(ToString::to_string).collect();
    assert_eq!(jumps, ["me@one:2201", "gate-box"]);
}

#[test]
fn what_changes_whom_we_reach_and_cannot_be_done_is_named_with_its_line() {
    let table = [
        (
            "User me\nProxyCommand nc %h %p\n",
            "the option ProxyCommand in ~/.ssh/config line 2 is not supported",
        ),
        (
            "Match exec \"touch /tmp/never\"\nPort 5\n",
            "the option Match exec in ~/.ssh/config line 1 is not supported",
        ),
        (
            "\nCanonicalizeHostname yes\n",
            "the option CanonicalizeHostname in ~/.ssh/config line 2 is not supported",
        ),
        (
            "KnownHostsCommand /bin/x\n",
            "the option KnownHostsCommand in ~/.ssh/config line 1 is not supported",
        ),
        (
            "ProxyJmup edge\n",
            "~/.ssh/config line 1 has the unknown option ProxyJmup",
        ),
        (
            "Port many\n",
            "Port in ~/.ssh/config line 1 must be a port from 1 to 65535",
        ),
        (
            "IdentityFile ${NOT_SET}/k\n",
            "IdentityFile in ~/.ssh/config line 1 uses ${NOT_SET}, which has no value here",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(refusal(text), expected);
    }
}

#[test]
fn the_same_options_for_another_server_or_switched_off_stop_nothing() {
    let text = "CanonicalizeHostname no\nKnownHostsCommand none\n\
                Host other\nProxyCommand nc %h %p\nRevokedHostKeys /x\n\
                Match host other exec \"touch /tmp/never\"\nPort 9\n\
                Host box\nProxyCommand none\nProxyCommand nc %h %p\nProxyJump edge\n";

    let config = Scene::new(text, "").look_up("box").unwrap();

    assert_eq!((config.port, config.jumps.len()), (22, 0));
}

#[test]
fn a_way_that_is_given_makes_the_files_proxy_irrelevant() {
    let scene = Scene::new("ProxyCommand nc %h %p\n", "");
    let sources = Sources::Only(scene.home().join(".ssh/config"));
    let surroundings = at_home(&scene.home(), sources);

    look_up(asked("box"), false, &surroundings, &Disk { uid: None }).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new("Port 5\n", "");
    let path = scene.home().join(".ssh/config");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();

    let error = scene.look_up("box").unwrap_err();

    assert!(matches!(error, SshConfigError::NotOurs { .. }), "{error}");
}

#[test]
fn files_that_include_the_next_one_twice_each_end_with_an_error_and_soon() {
    let scene = Scene::new("Include 1 1\n", "");
    for number in 1..14 {
        let next = number + 1;
        scene.write(
            &format!("home/.ssh/{number}"),
            &format!("Include {next} {next}\n"),
        );
    }
    scene.write("home/.ssh/14", "Port 5\n");

    let error = scene.look_up("box").unwrap_err();

    assert!(matches!(error, SshConfigError::TooDeep { .. }), "{error}");
}
