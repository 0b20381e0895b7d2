//! Ways worked out from configuration files in a home of the test's own.

use super::*;
use crate::config::Platform;
use std::path::Path;
use tempfile::TempDir;

/// A home whose SSH configuration is this text.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".ssh")).unwrap();
        std::fs::write(dir.path().join(".ssh/config"), config).unwrap();
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn plan(&self, address: &str) -> SshPlan {
        let environment = Environment::new(
            [("USER", "me"), ("SSH_AUTH_SOCK", "/run/agent")],
            Some(self.path().to_owned()),
            Platform::Xdg,
        );
        let own = self.path().join("own_known_hosts");
        let config = self.path().join(".ssh/config");
        SshPlan::new(address.parse().unwrap(), own, &environment).reading(Sources::Only(config))
    }

    fn way(&self, address: &str) -> Vec<String> {
        let config = self.plan(address).tunnel().unwrap();
        let all = config.via.iter().chain([&config]);
        all.map(|server| server.target.to_string()).collect()
    }

    fn refusal(&self, address: &str) -> SshConfigError {
        let refusal = self.plan(address).tunnel().unwrap_err();
        let TunnelError::SshConfig(error) = refusal else {
            panic!("{refusal}");
        };
        error
    }
}

#[test]
fn an_alias_is_dialled_where_and_as_its_block_says() {
    let home = Home::new(
        "Host box\nHostName 10.0.0.5\nPort 2201\nUser you\nIdentityFile ~/k\n\
         UserKnownHostsFile ~/kh\nGlobalKnownHostsFile none\nHostKeyAlias Kept\n\
         HashKnownHosts yes\nIdentityAgent none\nServerAliveInterval 40\nServerAliveCountMax 2\nConnectTimeout 9\n",
    );

    let config = home.plan("box").tunnel().unwrap();

    assert_eq!(config.target.to_string(), "you@10.0.0.5:2201");
    let identity_files = vec![home.path().join("k")];
    assert_eq!(config.sign_in, SignIn::Automatic { identity_files });
    assert_eq!(config.known_hosts.also_read, [home.path().join("kh")]);
    assert!(config.known_hosts.hashes_names);
    assert_eq!(config.host_key_alias.as_deref(), Some("kept"));
    assert_eq!(config.agent_socket, None);
    assert_eq!(config.keepalive, Duration::from_secs(40));
    assert_eq!(config.keepalive_max, 1);
    assert_eq!(config.limits.tcp, Duration::from_secs(9));
    assert_eq!(in_words(&config).as_deref(), Some("box → 10.0.0.5:2201"));
}

#[test]
fn what_was_typed_or_set_by_hand_wins() {
    let home = Home::new("Host box\nHostName 10.0.0.5\nPort 2201\nUser you\nIdentityFile ~/k\n");
    let mut plan = home.plan("me@box:22");
    plan.sign_in = Some(SignIn::Password);
    plan.only_own_known_hosts = true;

    let config = plan.tunnel().unwrap();

    assert_eq!(config.target.to_string(), "me@10.0.0.5:22");
    assert_eq!(config.sign_in, SignIn::Password);
    assert_eq!(config.known_hosts.also_read, Vec::<PathBuf>::new());
}

#[test]
fn an_address_that_no_block_names_is_simply_dialled_with_what_holds_for_all() {
    let home = Home::new("Host box\nPort 2201\nHost *\nUser everybody\n");

    let config = home.plan("192.0.2.7").tunnel().unwrap();

    assert_eq!(config.target.to_string(), "everybody@192.0.2.7:22");
    assert_eq!(in_words(&config), None);
    assert_eq!(config.agent_socket, Some("/run/agent".into()));
    let identity_files = home.plan("x").usual.identity_files;
    assert_eq!(config.sign_in, SignIn::Automatic { identity_files });
}

#[test]
fn a_pasted_key_is_the_one_to_sign_in_with() {
    let home = Home::new("IdentityFile ~/other\n");

    let config = home.plan("ssh -i ~/k box").tunnel().unwrap();

    assert_eq!(config.sign_in, SignIn::KeyFile(home.path().join("k")));
}

#[test]
fn each_server_of_the_way_has_its_own_configuration() {
    let home = Home::new(
        "Host box\nHostName 10.0.0.5\nProxyJump edge\nHost edge\nHostName 192.0.2.1\nUser gate\n\
         Port 2222\nIdentityFile ~/gate\n",
    );
    let mut plan = home.plan("box");
    plan.sign_in = Some(SignIn::Password);

    let config = plan.tunnel().unwrap();

    assert_eq!(home.way("box"), ["gate@192.0.2.1:2222", "me@10.0.0.5:22"]);
    let identity_files = vec![home.path().join("gate")];
    assert_eq!(config.via[0].sign_in, SignIn::Automatic { identity_files });
    let shown = in_words(&config);
    assert_eq!(shown.as_deref(), Some("box → 10.0.0.5:22 through edge"));
}

#[test]
fn ways_are_as_long_as_the_configuration_makes_them() {
    let home = Home::new(
        "Host a\nProxyJump b\nHost b\nProxyJump c,d\nHost c\nProxyJump e\nHost d\nProxyJump f\n\
         Host none\nProxyJump none\n",
    );

    let hosts = |address: &str| {
        home.way(address)
            .join(" ")
            .replace("me@", "")
            .replace(":22", "")
    };

    // What is named before d is d's whole way; c, the first, still follows its own.
    assert_eq!(hosts("a"), "e c d b a");
    assert_eq!(hosts("none"), "none");
}

#[test]
fn a_way_that_leads_back_or_on_and_on_is_refused() {
    let loops = Home::new("Host *\nProxyJump edge\n");
    assert!(matches!(loops.refusal("box"), SshConfigError::JumpLoop { host } if host == "edge"));

    let endless: String = (0..20)
        .map(|n| format!("Host h{n}\nProxyJump h{}\n", n + 1))
        .collect();
    let error = Home::new(&endless).refusal("h0");
    assert!(matches!(error, SshConfigError::TooManyJumps { .. }));
}

#[test]
fn unknown_keys_are_treated_as_the_policy_says() {
    let treated = |checking: &str, policy| {
        let home = Home::new(&format!("StrictHostKeyChecking {checking}\n"));
        let mut plan = home.plan("box");
        plan.host_keys = policy;
        plan.tunnel().unwrap().unknown_host_key
    };

    for checking in ["yes", "no", "ask", "accept-new"] {
        let strict = treated(checking, HostKeyPolicy::Strict);
        assert_eq!(strict, UnknownHostKey::Ask);
    }
    let as_configured = |checking| treated(checking, HostKeyPolicy::OpenSsh);
    assert_eq!(as_configured("yes"), UnknownHostKey::Refuse);
    assert_eq!(as_configured("ask"), UnknownHostKey::Ask);
    assert_eq!(as_configured("accept-new"), UnknownHostKey::Accept);
    assert_eq!(as_configured("no"), UnknownHostKey::Accept);
}

#[test]
fn a_key_accepted_beforehand_is_demanded_of_one_server_and_offered_to_several() {
    let key = HostKeyFingerprint::of(b"a key");
    let home = Home::new("Host box\nProxyJump edge\n");
    let accepting = |address: &str| {
        let mut plan = home.plan(address);
        plan.accepted_host_key = Some(key);
        plan.tunnel().unwrap()
    };

    assert_eq!(accepting("edge").demanded_host_key, Some(key));
    let behind = accepting("box");
    assert_eq!(behind.demanded_host_key, None);
    assert_eq!(behind.accepted_host_keys, [key]);
    assert_eq!(behind.via[0].accepted_host_keys, [key]);
}
