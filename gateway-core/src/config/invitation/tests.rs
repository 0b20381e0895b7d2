use super::*;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

fn code(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

fn url_of(text: &str) -> String {
    match Invitation::read(text).unwrap().place {
        InvitedTo::Gateway(url) => url.to_string(),
        InvitedTo::Server { target, .. } => format!("ssh://{target}"),
    }
}

fn brings(text: &str) -> (&'static str, String) {
    match Invitation::read(text).unwrap().secret {
        Some(InvitedSecret::Token(token)) => ("token", token.expose().to_owned()),
        Some(InvitedSecret::Password(password)) => ("password", password.expose().to_owned()),
        Some(InvitedSecret::SetupCode(code)) => ("code", code.expose().to_owned()),
        None => ("nothing", String::new()),
    }
}

#[test]
fn a_setup_code_is_read_however_it_was_copied() {
    let json = r#"{"url":"wss://gateway.example.com","bootstrapToken":"boot>?~strap"}"#;
    let bare = code(json);
    for text in [
        bare.clone(),
        format!("  {bare}\n"),
        STANDARD.encode(json),
        format!("oc-pair://{bare}"),
        format!("OC-PAIR://{bare}/"),
        json.to_owned(),
        format!("Scan this, or paste it.\n\nSetup code: `{bare}`\n\nIt is good for ten minutes."),
        format!("run: openclaw connect oc-pair://{bare}"),
    ] {
        assert!(Invitation::looks_like_one(&text), "{text}");
        assert_eq!(url_of(&text), "wss://gateway.example.com:443", "{text}");
        assert_eq!(brings(&text), ("code", "boot>?~strap".to_owned()), "{text}");
    }
}

#[test]
fn an_official_link_is_read_by_its_parameters() {
    let link = "openclaw://gateway?host=openclaw.local&port=18789&tls=1&token=abc&password=def";
    assert_eq!(url_of(link), "wss://openclaw.local:18789");
    assert_eq!(brings(link), ("token", "abc".to_owned()));
    let link = "OpenClaw://Gateway/?host=fd00::7&tls=true&path=%2Fgw%2F&password=p%26w";
    assert_eq!(url_of(link), "wss://[fd00::7]:18789/gw/");
    assert_eq!(brings(link), ("password", "p&w".to_owned()));
    let link =
        "openclaw://gateway/add?url=https%3A%2F%2Fgateway.example.com%2Foperator%2F&name=Research";
    assert_eq!(url_of(link), "wss://gateway.example.com:443/operator/");
    assert_eq!(Invitation::read(link).unwrap().name, "Research");
    assert_eq!(brings(link).0, "nothing");
}

#[test]
fn a_server_that_is_reached_over_ssh_can_be_named_too() {
    let link =
        "openclaw://gateway?url=ssh%3A%2F%2Fme%40home-server%3A2222&remotePort=18790&token=t";
    let invitation = Invitation::read(link).unwrap();
    let InvitedTo::Server {
        target,
        gateway_port,
    } = invitation.place
    else {
        panic!("{invitation:?}");
    };
    assert_eq!(target.to_string(), "me@home-server:2222");
    assert_eq!(gateway_port, Some(18790));
}

#[test]
fn a_gateway_without_a_port_is_looked_for_at_the_usual_one() {
    for (url, expected) in [
        ("ws://127.0.0.1", "ws://127.0.0.1:18789"),
        ("ws://127.0.0.1/", "ws://127.0.0.1:18789"),
        ("ws://[::1]", "ws://[::1]:18789"),
        ("ws://127.0.0.1:80", "ws://127.0.0.1:80"),
        ("http://box.local/gw", "ws://box.local:18789/gw"),
        ("https://box.example", "wss://box.example:443"),
    ] {
        let text = code(&format!(r#"{{"url":"{url}"}}"#));
        assert_eq!(url_of(&text), expected);
    }
}

#[test]
fn what_could_mislead_is_refused() {
    use InvitationError as E;
    let link = |query: &str| format!("openclaw://gateway?{query}");
    for (text, why) in [
        (
            link("host=attacker.example&tls=0&token=abc"),
            E::PlainToPublic,
        ),
        (
            link("host=127.attacker.example&token=abc"),
            E::PlainToPublic,
        ),
        (
            code(r#"{"url":"ws://127.attacker.example:18789"}"#),
            E::PlainToPublic,
        ),
        (link("host=good.local&host=evil.local"), E::Ambiguous),
        (link("host=evil.example%2F%40good.local&tls=1"), E::BadPlace),
        (link("host=me%40good.local&tls=1"), E::BadPlace),
        (link("host=good.local&port=0&tls=1"), E::BadPlace),
        (
            link("host=good.local&tls=1&path=%2Fgw%2F..%2Fadmin"),
            E::BadPlace,
        ),
        (link("url=ssh%3A%2F%2F-oProxyCommand%3Dx%40h"), E::BadPlace),
        (link("url=file%3A%2F%2F%2Fetc%2Fpasswd"), E::BadPlace),
        (link("tls=1"), E::BadPlace),
        (link("host=good.local&tls=1&token=%00"), E::BadSecret),
        (link("host=good.local&tls=1&token="), E::BadSecret),
        (link("host=%zz"), E::Unreadable),
        (
            "openclaw://gateway/add?url=https%3A%2F%2Fa.example&token=x".to_owned(),
            E::SecretInAddLink,
        ),
        ("openclaw://agent?message=rm".to_owned(), E::AnotherLink),
        ("openclaw://".to_owned(), E::Unreadable),
        (code("[1,2,3,4,5,6,7,8,9,10,11]"), E::Unreadable),
        ("not-a-valid-setup-code".to_owned(), E::Unreadable),
        (
            format!(
                "{} {}",
                code(r#"{"url":"wss://a.example"}"#),
                code(r#"{"url":"wss://b.example"}"#)
            ),
            E::Ambiguous,
        ),
        (
            format!("openclaw://gateway?host={}", "a".repeat(LONGEST)),
            E::TooLong,
        ),
    ] {
        assert_eq!(Invitation::read(&text).err(), Some(why), "{text:.80}");
    }
}

#[test]
fn a_name_is_one_line_that_reads_in_one_direction() {
    let link = "openclaw://gateway?host=a.local&tls=1&name=Home%0A%E2%80%AEserver%20%20x";
    assert_eq!(Invitation::read(link).unwrap().name, "Home server x");
}

#[test]
fn an_address_is_no_invitation() {
    for text in [
        "me@home-server",
        "home",
        "ssh -p 2222 me@host",
        "wss://gateway.example.com",
        "::1",
        "",
    ] {
        assert!(!Invitation::looks_like_one(text), "{text}");
    }
}

#[test]
fn no_error_repeats_what_it_is_about() {
    let text = "openclaw://gateway?host=canary-host.example&token=canary-token";
    let said = format!("{0} {0:?}", Invitation::read(text).unwrap_err());
    assert!(!said.contains("canary"), "{said}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,400}") {
        fuzz::run(text.as_bytes());
    }

    #[test]
    fn any_code_and_link_is_read_or_refused(
        url in "(ws|wss|http|https|ssh)://[a-z0-9.:@\\[\\]/-]{0,40}",
        secret in "\\PC{0,40}",
        parameters in "((host|port|tls|path|url|token|name)=[a-z0-9.%:/@&]{0,20}&?){0,6}",
    ) {
        let json = serde_json::json!({"url": url, "token": secret}).to_string();
        fuzz::run(code(&json).as_bytes());
        fuzz::run(json.as_bytes());
        fuzz::run(format!("openclaw://gateway?{parameters}").as_bytes());
    }
}
