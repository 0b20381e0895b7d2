//! The cross product of bind, auth mode and the places of a secret, against a hand-written oracle.

use super::*;

fn letter(outcome: &Result<Settled, Refusal>) -> &'static str {
    match outcome {
        Ok(settled) => match settled.auth {
            LocalAuth::GenerateToken => "G",
            LocalAuth::Token(_) => "T",
            LocalAuth::Password(_) => "P",
            LocalAuth::None => "N",
            LocalAuth::TrustedProxy(_) => "X",
        },
        Err(Refusal::ExposedWithoutAuth { .. }) => "r",
        Err(Refusal::NoneBeyondLoopback { .. }) => "n",
        Err(Refusal::PasswordMissing { .. }) => "p",
        Err(Refusal::SecretUnresolved { .. }) => "u",
        Err(Refusal::Ambiguous { .. }) => "a",
        Err(Refusal::Secret {
            flaw: Flaw::TooShort,
            ..
        }) => "s",
        Err(Refusal::Secret { .. }) => "b",
        Err(other) => panic!("{other}"),
    }
}

const BINDS: [&str; 9] = [
    "loopback",
    "custom-loopback",
    "auto",
    "unset",
    "lan",
    "tailnet",
    "custom-lan",
    "auto-in-container",
    "unset-in-container",
];

/// By hand: auth mode, secret, then one letter for each of `BINDS`. Capitals start: by Token,
/// Password, None, proXy, or a Generated token. Small letters refuse: r without auth, n auth none
/// beyond loopback, b bad secret, s too short, u unresolved, a ambiguous, p no password.
const ORACLE: &str = "
    unset          nothing             G G G G   r r r r r
    unset          remote-only         G G G G   r r r r r
    unset          flag-token          T T T T   T T T T T
    unset          env-token           T T T T   T T T T T
    unset          config-token        T T T T   T T T T T
    unset          kept-token          T T T T   T T T T T
    unset          env-password        P P P P   P P P P P
    unset          config-password     P P P P   P P P P P
    unset          config-placeholder  b b b b   b b b b b
    unset          env-blank           b b b b   b b b b b
    unset          config-unresolved   u u u u   u u u u u
    unset          env-short           T T T T   s s s s s
    unset          config-both         a a a a   a a a a a
    unset          flag+placeholder    T T T T   T T T T T
    unset          placeholder+env     b b b b   b b b b b

    token          nothing             G G G G   r r r r r
    token          remote-only         G G G G   r r r r r
    token          flag-token          T T T T   T T T T T
    token          env-token           T T T T   T T T T T
    token          config-token        T T T T   T T T T T
    token          kept-token          T T T T   T T T T T
    token          env-password        G G G G   r r r r r
    token          config-password     G G G G   r r r r r
    token          config-placeholder  b b b b   b b b b b
    token          env-blank           b b b b   b b b b b
    token          config-unresolved   u u u u   u u u u u
    token          env-short           T T T T   s s s s s
    token          config-both         T T T T   T T T T T
    token          flag+placeholder    T T T T   T T T T T
    token          placeholder+env     b b b b   b b b b b

    password       nothing             p p p p   p p p p p
    password       remote-only         p p p p   p p p p p
    password       flag-token          p p p p   p p p p p
    password       env-token           p p p p   p p p p p
    password       config-token        p p p p   p p p p p
    password       kept-token          p p p p   p p p p p
    password       env-password        P P P P   P P P P P
    password       config-password     P P P P   P P P P P
    password       config-placeholder  p p p p   p p p p p
    password       env-blank           p p p p   p p p p p
    password       config-unresolved   p p p p   p p p p p
    password       env-short           p p p p   p p p p p
    password       config-both         P P P P   P P P P P
    password       flag+placeholder    p p p p   p p p p p
    password       placeholder+env     p p p p   p p p p p

    none           nothing             N N N N   n n n n n
    none           remote-only         N N N N   n n n n n
    none           flag-token          N N N N   n n n n n
    none           env-token           N N N N   n n n n n
    none           config-token        N N N N   n n n n n
    none           kept-token          N N N N   n n n n n
    none           env-password        N N N N   n n n n n
    none           config-password     N N N N   n n n n n
    none           config-placeholder  N N N N   n n n n n
    none           env-blank           N N N N   n n n n n
    none           config-unresolved   N N N N   n n n n n
    none           env-short           N N N N   n n n n n
    none           config-both         N N N N   n n n n n
    none           flag+placeholder    N N N N   n n n n n
    none           placeholder+env     N N N N   n n n n n

    trusted-proxy  nothing             X X X X   X X X X X
    trusted-proxy  remote-only         X X X X   X X X X X
    trusted-proxy  flag-token          X X X X   X X X X X
    trusted-proxy  env-token           X X X X   X X X X X
    trusted-proxy  config-token        X X X X   X X X X X
    trusted-proxy  kept-token          X X X X   X X X X X
    trusted-proxy  env-password        X X X X   X X X X X
    trusted-proxy  config-password     X X X X   X X X X X
    trusted-proxy  config-placeholder  X X X X   X X X X X
    trusted-proxy  env-blank           X X X X   X X X X X
    trusted-proxy  config-unresolved   X X X X   X X X X X
    trusted-proxy  env-short           X X X X   X X X X X
    trusted-proxy  config-both         X X X X   X X X X X
    trusted-proxy  flag+placeholder    X X X X   X X X X X
    trusted-proxy  placeholder+env     X X X X   X X X X X
";

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    ORACLE
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
}

#[test]
fn every_combination_does_what_the_table_says() {
    let mut cells = 0;
    for row in rows() {
        let [auth, secret, expected @ ..] = row.as_slice() else {
            panic!("{row:?}");
        };
        assert_eq!(expected.len(), BINDS.len(), "{row:?}");
        for (bind, expected) in BINDS.iter().zip(expected) {
            let outcome = Exposure::settle(&cell(auth, secret, bind));
            assert_eq!(
                letter(&outcome),
                *expected,
                "{auth} {secret} {bind}: {outcome:?}"
            );
            cells += 1;
        }
    }
    assert_eq!(cells, 5 * 15 * 9);
}

/// T5: whatever starts beyond loopback asks for a secret or believes a named proxy.
#[test]
fn nothing_in_the_table_listens_to_others_without_asking() {
    for row in rows() {
        for bind in BINDS {
            let Ok(settled) = Exposure::settle(&cell(row[0], row[1], bind)) else {
                continue;
            };
            let beyond = settled.listen.iter().any(|at| !at.ip().is_loopback());
            assert_eq!(settled.is_exposed, beyond, "{row:?} {bind}");
            if beyond {
                assert!(
                    !matches!(settled.auth, LocalAuth::None | LocalAuth::GenerateToken),
                    "{row:?} {bind}"
                );
            }
        }
    }
}

#[test]
fn a_refusal_is_one_line_with_place_and_next_step_and_no_secret() {
    let mut refusals = 0;
    for row in rows() {
        for bind in BINDS {
            let Err(refusal) = Exposure::settle(&cell(row[0], row[1], bind)) else {
                continue;
            };
            let line = refusal.to_string();
            assert_eq!(refusal.exit_code(), 78);
            assert!(!line.contains('\n') && line.contains(';'), "{line}");
            assert!(
                ["gateway.", "OPENCLAW_", "--", "default"]
                    .iter()
                    .any(|place| line.contains(place)),
                "{line}"
            );
            for secret in [LONG, "changeme", "testtoken12"] {
                assert!(!line.contains(secret), "{line}");
                assert!(!format!("{refusal:?}").contains(secret));
            }
            refusals += 1;
        }
    }
    assert!(refusals > 200, "{refusals}");
}
