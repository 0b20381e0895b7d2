use super::super::super::environment::Platform;
use super::super::super::settings::{ProfileId, Transport};
use super::super::tests::{environment, home_with};
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn profile() -> Profile {
    let mut profile = Profile::new(ProfileId::parse("home").unwrap());
    profile.runs = RunsWhere::AnotherComputer;
    profile.address = "me@box:2222".to_owned();
    profile.local_port = 18_809;
    profile.remote_port = 18_790;
    profile
}

fn direct() -> Profile {
    let mut profile = profile();
    profile.transport = Transport::Direct;
    profile.url = "wss://box.example/x".to_owned();
    profile
}

/// Returns what a config becomes.
fn written(text: &str, profile: &Profile) -> String {
    let home = home_with(text);
    let change = Change::of(profile, &environment(home.path(), &[])).unwrap();
    change.write().unwrap();
    fs::read_to_string(&change.path).unwrap()
}

fn value(text: &str) -> Value {
    Document::parse(text).unwrap().value()
}

#[test]
fn an_ssh_connection_is_written_without_any_secret() {
    let mut profile = profile();
    profile.sign_in = SignInChoice::KeyFile;
    profile.identity_file = PathBuf::from("/keys/id");
    profile.host_key_policy = HostKeyPolicy::OpenSsh;

    let expected = json!({"gateway": {
        "mode": "remote",
        "port": 18_809,
        "remote": {
            "transport": "ssh",
            "url": "ws://127.0.0.1:18809",
            "remotePort": 18_790,
            "sshTarget": "me@box:2222",
            "sshIdentity": "/keys/id",
            "sshHostKeyPolicy": "openssh",
        },
    }});
    assert_eq!(value(&written("{}", &profile)), expected);
}

#[test]
fn what_belongs_to_the_other_way_goes_and_a_token_stays() {
    let text = "{ gateway: { port: 7, remote: { sshTarget: 'a@b', sshIdentity: '/k', sshHostKeyPolicy: 'strict',\n remotePort: 5, token: 'mine' } } }";

    let expected = json!({"gateway": {
        "port": 7,
        "remote": {"token": "mine", "transport": "direct", "url": "wss://box.example:443/x"},
        "mode": "remote",
    }});
    assert_eq!(value(&written(text, &direct())), expected);
    let back = value(&written(&written(text, &direct()), &profile()));
    assert_eq!(back["gateway"]["remote"]["sshTarget"], "me@box:2222");
    assert_eq!(back["gateway"]["remote"]["token"], "mine");
}

#[test]
fn a_config_that_says_it_all_is_left_alone() {
    let text = written("// mine\n{}", &profile());
    let home = home_with(&text);

    let change = Change::of(&profile(), &environment(home.path(), &[])).unwrap();

    assert!(change.is_none());
    assert!(
        change
            .lines()
            .iter()
            .all(|line| line.kind == LineKind::LeftOut)
    );
}

#[test]
fn what_is_shown_are_the_lines_that_change_and_no_secret_among_them() {
    let text = "{\n  a: 1,\n  b: 2,\n  c: 3,\n  gateway: { mode: 'local', auth: { token: 'canary' } },\n}\n";
    let home = home_with(text);
    let mut direct = direct();
    direct.url = "wss://box.example".to_owned();

    let lines = Change::of(&direct, &environment(home.path(), &[]))
        .unwrap()
        .lines();

    let shown: Vec<(LineKind, &str)> = lines
        .iter()
        .map(|line| (line.kind, line.text.as_str()))
        .collect();
    assert_eq!(
        shown[..2],
        [(LineKind::LeftOut, ""), (LineKind::Kept, "  b: 2,")]
    );
    assert_eq!(
        shown[3],
        (
            LineKind::Removed,
            "  gateway: { mode: 'local', auth: { token: '***' } },"
        )
    );
    let added = shown.iter().filter(|(kind, _)| *kind == LineKind::Added);
    let added: Vec<&str> = added.map(|(_, text)| *text).collect();
    assert!(
        added[0].starts_with("  gateway: { mode: \"remote\", auth: { token: '***' }, remote: {")
    );
    assert!(!format!("{shown:?}").contains("canary"));
    assert_eq!(shown.last(), Some(&(LineKind::Kept, "}")));
}

#[test]
fn an_edit_from_elsewhere_is_a_conflict_and_is_kept() {
    for (before, meanwhile) in [
        (Some("{ a: 1 }"), Some("{ a: 2 } // theirs")),
        (Some("{ a: 1 }"), None),
        (None, Some("{ a: 2 } // theirs")),
    ] {
        let home = home_with(before.unwrap_or_default());
        let path = home.path().join(".openclaw/openclaw.json");
        if before.is_none() {
            fs::remove_file(&path).unwrap();
        }
        let change = Change::of(&profile(), &environment(home.path(), &[])).unwrap();
        match meanwhile {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }

        let refused = change.write().unwrap_err();

        assert!(matches!(refused, WriteError::Conflict { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), meanwhile);
    }
}

#[test]
fn what_cannot_be_changed_safely_is_refused_and_untouched() {
    type Expected = fn(&WriteError) -> bool;
    let cases: [(&str, Expected); 4] = [
        ("{ $include: './base.json' }", |error| {
            matches!(error, WriteError::Includes { .. })
        }),
        (
            "{ gateway: { remote: { $include: ['a', 'b'] } } }",
            |error| matches!(error, WriteError::Includes { .. }),
        ),
        (
            "{ gateway: { mode:",
            |error| matches!(error, WriteError::Unreadable(problem) if problem.line == Some(1)),
        ),
        ("{ gateway: 5 }", |error| {
            matches!(error, WriteError::Edit { .. })
        }),
    ];
    for (text, is_expected) in cases {
        let home = home_with(text);
        let refused = Change::of(&profile(), &environment(home.path(), &[])).unwrap_err();
        assert!(is_expected(&refused), "{text}: {refused}");
        let path = home.path().join(".openclaw/openclaw.json");
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
    let home = home_with("{}");
    let environment = environment(home.path(), &[]);
    for unusable in [
        Profile::new(ProfileId::generate()),
        Profile {
            address: "a b c".to_owned(),
            ..profile()
        },
        Profile {
            url: "what".to_owned(),
            ..direct()
        },
    ] {
        let refused = Change::of(&unusable, &environment).unwrap_err();
        assert!(matches!(refused, WriteError::NothingToWrite), "{refused}");
    }
    let nowhere = Environment::new([("", ""); 0], None, Platform::Xdg);
    assert!(matches!(
        Change::of(&profile(), &nowhere),
        Err(WriteError::NoPlace)
    ));
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_stays_and_the_file_is_its_owners_alone() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = home_with("{}");
    let path = home.path().join(".openclaw/openclaw.json");
    let real = home.path().join("dotfiles.json");
    fs::rename(&path, &real).unwrap();
    symlink(&real, &path).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    let environment = environment(home.path(), &[]);

    Change::of(&profile(), &environment)
        .unwrap()
        .write()
        .unwrap();

    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("me@box:2222"));
    let mode = fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    fs::remove_file(&real).unwrap();
    let refused = Change::of(&profile(), &environment).unwrap_err();
    assert!(matches!(refused, WriteError::Link { .. }), "{refused}");
}

#[cfg(unix)]
#[test]
fn a_new_file_is_made_with_its_folder_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let change = Change::of(&profile(), &environment(home.path(), &[])).unwrap();

    change.write().unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&change.path), 0o600);
    assert_eq!(mode(change.path.parent().unwrap()), 0o700);
    assert_eq!(
        value(&fs::read_to_string(&change.path).unwrap())["gateway"]["mode"],
        "remote"
    );
}

/// A line of a generated file, and what is to become of it.
#[derive(Debug, Clone)]
struct Written {
    text: String,
    /// As it has to stand afterwards; `None` when it has to go.
    after: Option<String>,
}

fn stays(text: String) -> Written {
    Written {
        after: Some(text.clone()),
        text,
    }
}

/// What stands behind a member.
const BEHIND: [&str; 5] = [
    ",",
    " ,",
    ", // a remark: {with, signs}",
    " /* } */,",
    ", /* \"quoted */ // twice",
];

/// A member on a line of its own, oddly spaced and quoted, with a remark behind it.
fn member(style: u8, key: &str, value: &str, after: Option<&str>) -> Written {
    let key = match style % 3 {
        0 => key.to_owned(),
        1 => format!("'{key}'"),
        _ => format!("\"{key}\""),
    };
    let blank = ["", " ", "\t", "   "][usize::from(style / 3 % 4)];
    let behind = BEHIND[usize::from(style / 12 % 5)];
    let line = |value: &str| format!("{blank}{key}{blank}:{blank} {value}{behind}");
    Written {
        text: line(value),
        after: after.map(line),
    }
}

/// A config of its user's own, line by line: which of our members it has, and how they are written.
fn any_config() -> impl Strategy<Value = Vec<Written>> {
    let styles = prop::collection::vec(any::<u8>(), 12);
    let has = prop::collection::vec(any::<bool>(), 10);
    (styles, has).prop_map(|(styles, has)| {
        let mut styles = styles.into_iter().cycle();
        let mut style = || styles.next().unwrap_or_default();
        let mut lines = vec![
            stays("// of its user's own".to_owned()),
            stays("{".to_owned()),
        ];
        lines.push(member(
            style(),
            "agents",
            "{ list: [ 1, 2, ] }",
            Some("{ list: [ 1, 2, ] }"),
        ));
        if has[0] {
            lines.push(stays("gateway: {".to_owned()));
            if has[1] {
                lines.push(member(style(), "mode", "'local'", Some("\"remote\"")));
            }
            if has[2] {
                lines.push(member(style(), "port", "0x10", Some("18809")));
            }
            lines.push(member(style(), "bind", "'loopback'", Some("'loopback'")));
            if has[3] {
                lines.push(stays("remote : {".to_owned()));
                lines.push(member(style(), "token", "'æ // no'", Some("'æ // no'")));
                if has[4] {
                    lines.push(member(style(), "transport", "'direct'", Some("\"ssh\"")));
                }
                if has[5] {
                    lines.push(member(
                        style(),
                        "url",
                        "'wss://x'",
                        Some("\"ws://127.0.0.1:18809\""),
                    ));
                }
                if has[6] {
                    lines.push(member(style(), "sshIdentity", "'/k'", None));
                }
                if has[7] {
                    lines.push(member(style(), "tlsFingerprint", "'ab'", None));
                }
                lines.push(stays("}, /* the end of it */".to_owned()));
            }
            lines.push(stays("}, // gateway".to_owned()));
        }
        lines.push(member(
            style(),
            "future",
            "{ deep: 'kept' }",
            Some("{ deep: 'kept' }"),
        ));
        lines.push(stays("}".to_owned()));
        lines
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_byte_outside_of_the_changed_members_stays(
        config in any_config(),
        crlf in any::<bool>(),
        bom in any::<bool>(),
    ) {
        let newline = if crlf { "\r\n" } else { "\n" };
        let begin = if bom { "\u{feff}" } else { "" };
        let lines: Vec<&str> = config.iter().map(|line| line.text.as_str()).collect();
        let before = format!("{begin}{}{newline}", lines.join(newline));

        let after = written(&before, &profile());

        // The same lines in the same order, and between them nothing but our own.
        prop_assert!(after.starts_with(begin));
        prop_assert_eq!(after.matches('\n').count(), after.matches(newline).count());
        let mut expected = config.iter().filter_map(|line| line.after.as_deref()).peekable();
        for line in after.trim_start_matches('\u{feff}').trim_end_matches(newline).split(newline) {
            if expected.peek() == Some(&line) {
                expected.next();
                continue;
            }
            let ours = ["mode", "port", "remote", "transport", "url", "remotePort", "sshTarget", "gateway"];
            let name = line.trim_start().split(':').next().unwrap_or_default();
            let is_ours = ours.contains(&name) || matches!(line.trim(), "}," | "}");
            // The remark behind a member that went.
            let remark = line.trim();
            let is_left = !remark.is_empty() && BEHIND.iter().any(|behind| behind.contains(remark));
            prop_assert!(is_ours || is_left, "{:?} in {}", line, after);
        }
        prop_assert_eq!(expected.next(), None, "missing in {}", after);

        // And it says what it has to.
        let (was, is) = (value(&before), value(&after));
        for key in ["agents", "future"] {
            prop_assert_eq!(&was[key], &is[key]);
        }
        prop_assert_eq!(&was["gateway"]["bind"], &is["gateway"]["bind"]);
        prop_assert_eq!(&was["gateway"]["remote"]["token"], &is["gateway"]["remote"]["token"]);
        for (path, value) in members(&profile()).unwrap() {
            let document = Document::parse(after.as_str()).unwrap();
            prop_assert_eq!(document.get(&path), value);
        }
    }
}
