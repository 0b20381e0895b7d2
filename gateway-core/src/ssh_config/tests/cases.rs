//! Configurations that are given to OpenSSH and to us. `@` stands for the folder they lie in.

/// One configuration: what is asked for, the file, and files beside it.
pub(super) struct Case {
    pub(super) arguments: &'static str,
    pub(super) config: &'static str,
    pub(super) beside: &'static [(&'static str, &'static str)],
}

const fn case(arguments: &'static str, config: &'static str) -> Case {
    Case {
        arguments,
        config,
        beside: &[],
    }
}

const fn with(
    arguments: &'static str,
    config: &'static str,
    beside: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        arguments,
        config,
        beside,
    }
}

pub(super) const CASES: &[Case] = &[
    // Values and which one stands.
    case("box", ""),
    case(
        "box",
        "Host box\n  HostName 192.0.2.7\n  Port 2201\n  User someone\n",
    ),
    case("box", "Port 1\nPort 2\nHost box\nPort 3\n"),
    case("box", "Host box\nUser a\nHost *\nUser b\nPort 7\n"),
    case("-l typed -p 99 box", "Host box\nUser a\nPort 7\n"),
    case("box", "HostName %h.example.org\n"),
    case("BOX", "HostName %h.Example.ORG\n"),
    case("box", "HostName %%h%h\n"),
    case("box", "HostName %n\n"),
    case("FOO", "Host foo\nPort 1\nHost FOO\nPort 2\n"),
    case("box", "Port 0\n"),
    case("box", "Port 65536\n"),
    case("box", "Port ssh\n"),
    case("box", "Port https\n"),
    case("box", "Port 22x\n"),
    // How a line is written.
    case("box", "  Host\tbox  \n\tPort = 2201\nUser=me # who\n"),
    case("box", "hOsT box\npOrT 5\n"),
    case("box", "# a comment\n\n   # another\nPort 5 # and this\n"),
    case("box", "User \"a b\"\nHostName 'one'\n"),
    case("box", "User a\\ b\n"),
    case("box", "User \"a\\\"b\"\n"),
    case("box", "User \"a\n"),
    case("box", "User a b\n"),
    case("box", "User\n"),
    case("box", "User \"\"\n"),
    case("box", "User me#1\n"),
    case("box", "Port 5\r\nUser me\r\n"),
    case("box", "Port==5\n"),
    case("box", "\"Port\" 5\n"),
    case("box", "Frobnicate yes\n"),
    case(
        "box",
        "IgnoreUnknown Frob*,Other\nFrobnicate yes\nUser me\n",
    ),
    case("box", "IgnoreUnknown Other\nFrobnicate yes\n"),
    case("box", "Host other\nFrobnicate yes\n"),
    case("box", "Host other\nPort none\n"),
    // Host.
    case("box", "Host a b*x c\nPort 5\n"),
    case("box", "Host * !box\nPort 5\n"),
    case("box", "Host !box *\nPort 5\n"),
    case("box", "Host !other\nPort 5\n"),
    case("box", "Host ?ox\nPort 5\nHost ??ox\nUser me\n"),
    case("a.example.org", "Host *.example.org !b.*\nPort 5\n"),
    case("box", "Host \"box\"\nPort 5\n"),
    case("box", "Host\n"),
    case("box", "Host \"\"\nPort 5\n"),
    case("192.0.2.7", "Host 192.0.2.*\nPort 5\n"),
    case("::1", "Host ::1\nPort 5\n"),
    // Match.
    case("box", "Match all\nPort 5\n"),
    case("box", "Match !all\nPort 5\n"),
    case("box", "Match host box\nPort 5\n"),
    case(
        "BOX",
        "Match host box\nPort 5\nMatch originalhost Box\nUser me\n",
    ),
    case(
        "box",
        "HostName real\nMatch host box\nPort 5\nMatch host real\nPort 6\n",
    ),
    case("box", "HostName real\nMatch originalhost box\nPort 5\n"),
    case("box", "HostName %h.net\nMatch host *.net,!x.net\nPort 5\n"),
    case("box", "Match host=box\nPort 5\n"),
    case("box", "Match host \"box,other\" !user nobody\nPort 5\n"),
    case("box", "Match host box user nobody\nPort 5\n"),
    case("-l bob box", "Match user bob,alice\nPort 5\n"),
    case("box", "User bob\nMatch user bob\nPort 5\n"),
    case("box", "Match !localuser nosuch\nPort 5\n"),
    case("box", "Match localuser nosuch\nPort 5\n"),
    case("box", "Match\n"),
    case("box", "Match host\n"),
    case("box", "Match all host box\n"),
    case("box", "Match host box all\nPort 5\n"),
    case("box", "Match host box user * all\nPort 5\n"),
    case("box", "Match frobnicate box\nPort 5\n"),
    case("box", "Match host box # and a comment\nPort 5\n"),
    case("box", "Match host other exec \"touch @/ran\"\nPort 5\n"),
    case("box", "Match final\nPort 5\n"),
    case(
        "box",
        "Match !final\nPort 5\nMatch final\nPort 6\nUser me\n",
    ),
    case(
        "box",
        "Host real\nPort 5\nHost box\nHostName real\nMatch final all\nUser me\n",
    ),
    case("box", "Host real\nPort 5\nHost box\nHostName real\n"),
    case("box", "Match canonical\nPort 5\n"),
    case(
        "box",
        "HostName real\nMatch final host real originalhost box\nIdentityFile k\n",
    ),
    // Include.
    with(
        "box",
        "Include @/more\nPort 5\n",
        &[("more", "Port 6\nUser me\n")],
    ),
    with(
        "box",
        "Include @/d/*.conf\n",
        &[
            ("d/20.conf", "Port 20\nIdentityFile b\n"),
            ("d/10.conf", "Port 10\nIdentityFile a\n"),
            ("d/.hidden.conf", "User hidden\n"),
            ("d/30.other", "User other\n"),
        ],
    ),
    with(
        "box",
        "Include @/d/[0-1]?.conf @/missing @/d/2*\n",
        &[("d/20.conf", "Port 20\n"), ("d/10.conf", "User ten\n")],
    ),
    with(
        "box",
        "Host other\nInclude @/more\nUser me\n",
        &[("more", "Port 6\nHost box\nPort 7\nMatch all\nPort 8\n")],
    ),
    with(
        "box",
        "Host box\nInclude @/more\nUser me\n",
        &[("more", "IdentityFile x\nHost other\nPort 7\n")],
    ),
    with(
        "box",
        "Include @/more\nPort 9\n",
        &[("more", "Host other\nPort 7\n")],
    ),
    with(
        "box",
        "Include @/a\n",
        &[("a", "Include @/b\nPort 1\n"), ("b", "Port 2\n")],
    ),
    with("box", "Include @/a\n", &[("a", "Include @/a\n")]),
    with(
        "box",
        "Include \"@/with space\"\n",
        &[("with space", "Port 6\n")],
    ),
    with(
        "box",
        "Include @/d/*/config\n",
        &[("d/a/config", "Port 1\n"), ("d/b/config", "User b\n")],
    ),
    with("box", "Include @/d\nPort 4\n", &[("d/x", "Port 3\n")]),
    with("box", "Include @/bad\nPort 4\n", &[("bad", "Frobnicate\n")]),
    case("box", "Include \"\"\n"),
    case("box", "Include no-such-file-in-dot-ssh-*\nPort 5\n"),
    // Keys and agents.
    case(
        "box",
        "IdentityFile ~/.ssh/a\nIdentityFile ~/.ssh/b\nHost *\nIdentityFile c\nIdentityFile ~/.ssh/a\n",
    ),
    case("box", "IdentityFile none\n"),
    case(
        "box",
        "IdentityFile %d/%u/%r@%h:%p\nCertificateFile ~/c-cert.pub\nCertificateFile d\n",
    ),
    case("box", "IdentitiesOnly yes\nHost *\nIdentitiesOnly no\n"),
    case("box", "IdentitiesOnly TRUE\n"),
    case("box", "IdentitiesOnly maybe\n"),
    case("box", "IdentityAgent none\n"),
    case("box", "IdentityAgent SSH_AUTH_SOCK\n"),
    case("box", "IdentityAgent $SOCK\n"),
    case("box", "IdentityAgent ~/agent.%h\nIdentityAgent other\n"),
    // Host keys.
    case(
        "box",
        "UserKnownHostsFile ~/a /b \"@/c d\"\nUserKnownHostsFile /e\n",
    ),
    case(
        "box",
        "UserKnownHostsFile none\nGlobalKnownHostsFile /a /b\n",
    ),
    case(
        "box",
        "UserKnownHostsFile /k/%d/%h/%i/%k/%L/%l/%n/%p/%r/%u/%%\n",
    ),
    case(
        "box",
        "HostKeyAlias Kept\nHostName real\nPort 7\nUserKnownHostsFile /k/%k/%h/%n/%C\n",
    ),
    case("box", "UserKnownHostsFile /k/%z\n"),
    case("box", "UserKnownHostsFile ${EDGE_KEYS}/x $EDGE_KEYS/y\n"),
    case("box", "UserKnownHostsFile ${NO_SUCH_VARIABLE}/x\n"),
    case("box", "UserKnownHostsFile ${EDGE_KEYS/x\n"),
    case("box", "UserKnownHostsFile /k/%\n"),
    case("box", "StrictHostKeyChecking yes\n"),
    case(
        "box",
        "StrictHostKeyChecking no\nStrictHostKeyChecking yes\n",
    ),
    case("box", "StrictHostKeyChecking off\n"),
    case(
        "box",
        "StrictHostKeyChecking Accept-New\nHashKnownHosts yes\n",
    ),
    case("box", "StrictHostKeyChecking perhaps\n"),
    // Times and addresses.
    case(
        "box",
        "ServerAliveInterval 90\nServerAliveCountMax 4\nConnectTimeout 1m30s\n",
    ),
    case("box", "ConnectTimeout none\nServerAliveInterval 0\n"),
    case("box", "ConnectTimeout 1H\nServerAliveInterval 2W\n"),
    case("box", "ServerAliveInterval 5x\n"),
    case("box", "ServerAliveInterval m\n"),
    case("box", "AddressFamily inet6\nBindAddress 127.0.0.2\n"),
    case("box", "AddressFamily INET\n"),
    case("box", "AddressFamily both\n"),
    // The way there.
    case("box", "ProxyJump edge\n"),
    case("box", "ProxyJump a@one:2201,ssh://two:22,three\n"),
    case("box", "ProxyJump none\nHost *\nProxyJump edge\n"),
    case("box", "ProxyJump one,,two\n"),
    case("box", "ProxyJump = edge # the way in\n"),
    case("box", "ProxyJump one two\n"),
    case("box", "ProxyJump [::1]:22\n"),
    case("box", "ProxyCommand nc %h %p\nProxyJump edge\n"),
    case("box", "ProxyJump edge\nProxyCommand nc %h %p\n"),
    case("box", "ProxyCommand none\nProxyJump edge\n"),
    case(
        "box",
        "ProxyJump none\nProxyCommand nc %h %p\nProxyJump edge\n",
    ),
    case("box", "ConnectTimeout none\nConnectTimeout 5\n"),
    case("box", "ProxyCommand=nc \"%h\" %p\n"),
    // What we do not need.
    case(
        "box",
        "ForwardAgent yes\nLocalForward 1 a:2\nSendEnv LANG LC_*\nCompression yes\nUser me\n",
    ),
    case(
        "box",
        "ControlMaster auto\nControlPath ~/.ssh/%C\nTCPKeepAlive no\nLogLevel VERBOSE\n",
    ),
    case(
        "box",
        "Host edge\n HostName 192.0.2.1\n User gate\n IdentityFile ~/.ssh/edge\n\n\
                 Host box home\n HostName 10.0.0.5\n ProxyJump edge\n Port 2201\n\n\
                 Host *\n ServerAliveInterval 30\n IdentitiesOnly yes\n HashKnownHosts yes\n",
    ),
];
