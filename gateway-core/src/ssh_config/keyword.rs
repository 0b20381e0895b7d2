//! Which options there are, and what we do about each.

/// An option of ssh_config(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    AddressFamily,
    BindAddress,
    CertificateFile,
    ConnectTimeout,
    GlobalKnownHostsFile,
    HashKnownHosts,
    Host,
    HostKeyAlias,
    HostName,
    IdentitiesOnly,
    IdentityAgent,
    IdentityFile,
    IgnoreUnknown,
    Include,
    Match,
    Port,
    ProxyCommand,
    ProxyJump,
    ServerAliveCountMax,
    ServerAliveInterval,
    StrictHostKeyChecking,
    Tag,
    User,
    UserKnownHostsFile,
    /// It would change whom we reach or trust, unless its value is one of these.
    Unsupported(&'static str, &'static [&'static str]),
    /// It says nothing that a tunnel of ours needs.
    NotNeeded,
}

impl Keyword {
    /// Finds an option by its name in lower case.
    pub(super) fn find(lower_case: &str) -> Option<Self> {
        let used = USED.iter().find(|(name, _)| *name == lower_case);
        used.map(|(_, keyword)| *keyword)
            .or_else(|| NOT_NEEDED.contains(&lower_case).then_some(Self::NotNeeded))
    }
}

const USED: [(&str, Keyword); 29] = [
    ("addressfamily", Keyword::AddressFamily),
    ("bindaddress", Keyword::BindAddress),
    ("bindinterface", Keyword::Unsupported("BindInterface", &[])),
    (
        "canonicalizehostname",
        Keyword::Unsupported("CanonicalizeHostname", &["no", "false"]),
    ),
    ("certificatefile", Keyword::CertificateFile),
    ("connecttimeout", Keyword::ConnectTimeout),
    ("globalknownhostsfile", Keyword::GlobalKnownHostsFile),
    ("hashknownhosts", Keyword::HashKnownHosts),
    ("host", Keyword::Host),
    ("hostkeyalias", Keyword::HostKeyAlias),
    ("hostname", Keyword::HostName),
    ("identitiesonly", Keyword::IdentitiesOnly),
    ("identityagent", Keyword::IdentityAgent),
    ("identityfile", Keyword::IdentityFile),
    ("ignoreunknown", Keyword::IgnoreUnknown),
    ("include", Keyword::Include),
    (
        "knownhostscommand",
        Keyword::Unsupported("KnownHostsCommand", &["none"]),
    ),
    ("match", Keyword::Match),
    ("port", Keyword::Port),
    ("proxycommand", Keyword::ProxyCommand),
    ("proxyjump", Keyword::ProxyJump),
    (
        "refuseconnection",
        Keyword::Unsupported("RefuseConnection", &[]),
    ),
    (
        "revokedhostkeys",
        Keyword::Unsupported("RevokedHostKeys", &["none"]),
    ),
    ("serveralivecountmax", Keyword::ServerAliveCountMax),
    ("serveraliveinterval", Keyword::ServerAliveInterval),
    ("stricthostkeychecking", Keyword::StrictHostKeyChecking),
    ("tag", Keyword::Tag),
    ("user", Keyword::User),
    ("userknownhostsfile", Keyword::UserKnownHostsFile),
];

/// Options of OpenSSH, of the systems that ship it and of its past, which either ask for what we do
/// not do (forwards, terminals, sharing a connection), choose among algorithms, or only restrict how
/// to sign in. A name that is on no list is a mistake until somebody says otherwise.
const NOT_NEEDED: [&str; 107] = [
    "addkeystoagent",
    "afstokenpassing",
    "batchmode",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "casignaturealgorithms",
    "challengeresponseauthentication",
    "channeltimeout",
    "checkhostip",
    "cipher",
    "ciphers",
    "clearallforwardings",
    "compression",
    "compressionlevel",
    "connectionattempts",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dsaauthentication",
    "dynamicforward",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fallbacktorsh",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardagent",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "globalknownhostsfile2",
    "gssapiauthentication",
    "gssapiclientidentity",
    "gssapidelegatecredentials",
    "gssapikexalgorithms",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapiserveridentity",
    "gssapitrustdns",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "hostbasedkeytypes",
    "hostkeyalgorithms",
    "identityfile2",
    "ipqos",
    "kbdinteractiveauthentication",
    "kbdinteractivedevices",
    "keepalive",
    "kerberosauthentication",
    "kerberostgtpassing",
    "kexalgorithms",
    "localcommand",
    "localforward",
    "loglevel",
    "logverbose",
    "macs",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "passwordauthentication",
    "permitlocalcommand",
    "permitremoteopen",
    "pkcs11provider",
    "preferredauthentications",
    "protocol",
    "proxyusefdpass",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyauthentication",
    "rekeylimit",
    "remotecommand",
    "remoteforward",
    "requesttty",
    "requiredrsasize",
    "rhostsauthentication",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "securitykeyprovider",
    "sendenv",
    "sessiontype",
    "setenv",
    "skeyauthentication",
    "smartcarddevice",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "syslogfacility",
    "tcpkeepalive",
    "tisauthentication",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "useblacklistedkeys",
    "usekeychain",
    "useprivilegedport",
    "userknownhostsfile2",
    "useroaming",
    "usersh",
    "verifyhostkeydns",
    "versionaddendum",
    "visualhostkey",
    "warnweakcrypto",
    "xauthlocation",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_one_answer() {
        let names: Vec<&str> = USED
            .iter()
            .map(|(name, _)| *name)
            .chain(NOT_NEEDED)
            .collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();

        assert_eq!(sorted.len(), names.len());
        assert!(names.iter().all(|name| *name == name.to_lowercase()));
    }
}
