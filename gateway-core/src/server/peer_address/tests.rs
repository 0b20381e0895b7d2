use super::*;
use std::future::pending;

const LOCAL_HOST: (&str, &str) = ("Host", "127.0.0.1:18789");

fn head<'a>(fields: &[(&'a str, &'a str)]) -> RequestHead<'a> {
    RequestHead::new(
        "/",
        fields
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect::<Vec<_>>(),
    )
}

fn client(
    peer: &str,
    fields: &[(&str, &str)],
    trusted: &[&str],
) -> Result<(String, Locality), Unattributed> {
    let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
    let peer = SocketAddr::new(peer.parse().unwrap(), 40000);
    client_of(peer, &head(fields), Arrival::Ordinary, &trusted)
        .map(|client| (client.address.to_string(), client.locality))
}

#[test]
fn only_a_direct_loopback_caller_with_a_loopback_host_is_local() {
    let table = [
        ("127.0.0.1", "127.0.0.1:18789", Locality::Local),
        ("127.0.0.1", "localhost:18789", Locality::Local),
        ("127.0.0.1", "LOCALHOST:18789", Locality::Local),
        ("::1", "[::1]:18789", Locality::Local),
        ("::ffff:127.0.0.1", "localhost:18789", Locality::Local),
        ("127.0.0.9", "localhost:18789", Locality::Local),
        ("127.0.0.1", "gateway.example", Locality::Remote),
        ("127.0.0.1", "192.168.0.2:18789", Locality::Remote),
        ("127.0.0.1", "127.evil.com:18789", Locality::Remote),
        ("127.0.0.1", "localhost.:18789", Locality::Remote),
        ("127.0.0.1", "", Locality::Remote),
        ("192.168.0.9", "localhost:18789", Locality::Remote),
        ("::ffff:192.168.0.9", "localhost:18789", Locality::Remote),
        ("2001:db8::1", "[::1]:18789", Locality::Remote),
    ];
    for (peer, host, expected) in table {
        let (_, locality) = client(peer, &[("Host", host)], &[]).unwrap();
        assert_eq!(locality, expected, "{peer} {host}");
    }
    assert_eq!(
        client("127.0.0.1", &[], &[]).unwrap().1,
        Locality::Remote,
        "no Host at all"
    );
    assert_eq!(
        client("127.0.0.1", &[LOCAL_HOST, LOCAL_HOST], &[])
            .unwrap()
            .1,
        Locality::Remote
    );
}

#[test]
fn a_mapped_address_is_the_same_caller() {
    assert_eq!(
        client("::ffff:192.0.2.1", &[LOCAL_HOST], &[]).unwrap().0,
        "192.0.2.1"
    );
}

#[test]
fn any_forwarding_field_from_a_stranger_is_refused() {
    for name in [
        "Forwarded",
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-FORWARDED-PROTO",
        "X-Forwarded-Port",
        "X-Forwarded-Anything",
        "X-Real-IP",
    ] {
        for value in ["", "127.0.0.1", "for=127.0.0.1"] {
            for peer in ["127.0.0.1", "::1", "192.168.0.9"] {
                assert_eq!(
                    client(peer, &[LOCAL_HOST, (name, value)], &["10.0.0.1"]),
                    Err(Unattributed::UntrustedProxy),
                    "{name}: {value} from {peer}"
                );
            }
        }
    }
}

#[test]
fn behind_trusted_proxies_the_first_stranger_from_the_right_is_the_client() {
    let trusted = ["127.0.0.1", "10.0.0.0/8"];
    let table = [
        ("203.0.113.7", Some("203.0.113.7")),
        ("203.0.113.7, 10.0.0.2", Some("203.0.113.7")),
        // What the client itself wrote to the left is not believed.
        ("127.0.0.1, 203.0.113.7, 10.0.0.2", Some("203.0.113.7")),
        ("garbage, 203.0.113.7", Some("203.0.113.7")),
        ("10.0.0.9, 10.0.0.2", Some("10.0.0.9")),
        ("127.0.0.1", Some("127.0.0.1")),
        ("::ffff:203.0.113.7", Some("203.0.113.7")),
        ("203.0.113.7:4711", Some("203.0.113.7")),
        ("[2001:db8::7]:4711", Some("2001:db8::7")),
        ("[2001:db8::7]", Some("2001:db8::7")),
        ("2001:db8::7", Some("2001:db8::7")),
        ("", None),
        ("unknown", None),
        ("203.0.113.7, garbage", None),
        ("203.0.113.7,", None),
        ("203.0.113.7, garbage, 10.0.0.2", None),
        ("0.0.0.0", None),
        ("localhost", None),
        ("[203.0.113.7]", None),
    ];
    for (forwarded, expected) in table {
        let found = client(
            "127.0.0.1",
            &[LOCAL_HOST, ("X-Forwarded-For", forwarded)],
            &trusted,
        );
        let expected = expected
            .map(|address| (address.to_owned(), Locality::Remote))
            .ok_or(Unattributed::NoClient);
        assert_eq!(found, expected, "{forwarded}");
    }
}

#[test]
fn several_lines_of_forwarding_are_one_list() {
    let fields = [
        LOCAL_HOST,
        ("X-Forwarded-For", "127.0.0.1"),
        ("x-forwarded-for", "203.0.113.7"),
    ];

    assert_eq!(
        client("10.0.0.1", &fields, &["10.0.0.1"]).unwrap().0,
        "203.0.113.7"
    );
}

#[test]
fn a_trusted_proxy_that_does_not_name_the_client_is_refused() {
    for field in [
        ("Forwarded", "for=203.0.113.7"),
        ("X-Real-IP", "203.0.113.7"),
        ("X-Forwarded-Proto", "https"),
    ] {
        assert_eq!(
            client("127.0.0.1", &[LOCAL_HOST, field], &["127.0.0.1"]),
            Err(Unattributed::NoClient),
            "{field:?}"
        );
    }
    let endless = ["10.0.0.1"; MAX_HOPS + 1].join(",");
    assert_eq!(
        client("10.0.0.1", &[("X-Forwarded-For", &endless)], &["10.0.0.1"]),
        Err(Unattributed::NoClient)
    );
}

#[test]
fn a_program_beside_a_proxy_on_this_computer_stays_local() {
    assert_eq!(
        client("127.0.0.1", &[LOCAL_HOST], &["127.0.0.1"])
            .unwrap()
            .1,
        Locality::Local
    );
}

#[test]
fn nothing_that_comes_over_the_managed_listener_is_local() {
    let peer = SocketAddr::from(([127, 0, 0, 1], 40000));
    let direct = client_of(peer, &head(&[LOCAL_HOST]), Arrival::TailscaleManaged, &[]).unwrap();
    let served = client_of(
        peer,
        &head(&[LOCAL_HOST, ("X-Forwarded-For", "100.64.0.7")]),
        Arrival::TailscaleManaged,
        &[],
    )
    .unwrap();

    assert_eq!(direct.locality, Locality::Remote);
    assert_eq!(served.address.to_string(), "100.64.0.7");
    assert_eq!(served.locality, Locality::Remote);
}

/// A tailnet where 100.64.0.7 is me@example.com.
struct Tailnet;

impl Whois for Tailnet {
    async fn whois(&self, address: IpAddr) -> Result<String, WhoisFailed> {
        tokio::task::yield_now().await;
        match address.to_string().as_str() {
            "100.64.0.7" => Ok("me@example.com".into()),
            "100.64.0.8" => Ok(String::new()),
            _ => Err(WhoisFailed),
        }
    }
}

struct Silent;

impl Whois for Silent {
    async fn whois(&self, _: IpAddr) -> Result<String, WhoisFailed> {
        pending().await
    }
}

fn served<'a>(login: &'a str, address: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Tailscale-User-Login", login),
        ("X-Forwarded-For", address),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "box.tail.ts.net"),
    ]
}

async fn login(fields: &[(&str, &str)]) -> Result<Option<TailscaleLogin>, TailscaleRefusal> {
    let peer = SocketAddr::from(([127, 0, 0, 1], 40000));
    tailscale_login(
        peer,
        &head(fields),
        Arrival::TailscaleManaged,
        true,
        &Tailnet,
    )
    .await
}

#[tokio::test]
async fn a_login_counts_only_if_tailscale_names_the_same() {
    let good = served("me@example.com", "100.64.0.7");
    assert_eq!(
        login(&good).await.unwrap().unwrap().as_str(),
        "me@example.com"
    );

    let table = [
        (
            served("boss@example.com", "100.64.0.7"),
            TailscaleRefusal::IdentityMismatch,
        ),
        (
            served("me@example.com", "100.64.0.9"),
            TailscaleRefusal::WhoisFailed,
        ),
        (
            served("me@example.com", "garbage"),
            TailscaleRefusal::ProxyMissing,
        ),
        (
            served("me@example.com", "100.64.0.7, 100.64.0.7"),
            TailscaleRefusal::ProxyMissing,
        ),
        (served("", "100.64.0.7"), TailscaleRefusal::ProxyMissing),
        (served("", "100.64.0.8"), TailscaleRefusal::ProxyMissing),
    ];
    for (fields, expected) in table {
        assert_eq!(login(&fields).await, Err(expected), "{fields:?}");
    }
    for missing in 1..4 {
        let mut fields = good.clone();
        fields.remove(missing);
        assert_eq!(
            login(&fields).await,
            Err(TailscaleRefusal::ProxyMissing),
            "{fields:?}"
        );
    }
    for doubled in 0..4 {
        let mut fields = good.clone();
        fields.push(good[doubled]);
        assert_eq!(
            login(&fields).await,
            Err(TailscaleRefusal::ProxyMissing),
            "{fields:?}"
        );
    }
    assert_eq!(login(&good[1..]).await, Ok(None), "no login claimed");
}

#[tokio::test]
async fn tailscales_fields_count_for_nothing_elsewhere() {
    let fields = served("me@example.com", "100.64.0.7");
    let peer = SocketAddr::from(([127, 0, 0, 1], 40000));
    for (arrival, allow) in [
        (Arrival::Ordinary, true),
        (Arrival::Ordinary, false),
        (Arrival::TailscaleManaged, false),
    ] {
        let found = tailscale_login(peer, &head(&fields), arrival, allow, &Tailnet).await;
        assert_eq!(found, Ok(None), "{arrival:?} {allow}");
    }
    let elsewhere = SocketAddr::from(([192, 168, 0, 9], 40000));
    let found = tailscale_login(
        elsewhere,
        &head(&fields),
        Arrival::TailscaleManaged,
        true,
        &Tailnet,
    )
    .await;
    assert_eq!(found, Err(TailscaleRefusal::ProxyMissing));
}

#[tokio::test(start_paused = true)]
async fn a_silent_tailscale_confirms_nobody() {
    let peer = SocketAddr::from(([127, 0, 0, 1], 40000));
    let fields = served("me@example.com", "100.64.0.7");

    let found = tailscale_login(
        peer,
        &head(&fields),
        Arrival::TailscaleManaged,
        true,
        &Silent,
    )
    .await;

    assert_eq!(found, Err(TailscaleRefusal::WhoisFailed));
}

/// The whole way, as a connect request goes it.
async fn tailscale_login(
    peer: SocketAddr,
    head: &RequestHead<'_>,
    arrival: Arrival,
    allow: bool,
    tailscale: &impl Whois,
) -> Result<Option<TailscaleLogin>, TailscaleRefusal> {
    match tailscale_claim(peer, head, arrival, allow)? {
        Some(claim) => claim.confirm(tailscale).await.map(Some),
        None => Ok(None),
    }
}
