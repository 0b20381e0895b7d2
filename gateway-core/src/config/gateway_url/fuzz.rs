//! What must hold of any text as a gateway's URL.

use super::*;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let strict = text.parse::<GatewayUrl>();
    let pasted = GatewayUrl::pasted(&text);
    if let Ok(url) = &strict {
        assert_eq!(
            pasted.as_ref(),
            Ok(url),
            "a URL is one when it is pasted, too"
        );
    }
    if let Ok(url) = pasted {
        is_sound(&url, &text);
    }
}

fn is_sound(url: &GatewayUrl, text: &str) {
    assert!(GatewayUrl::looks_like_one(text));
    let spelled = url.to_string();
    assert_eq!(spelled.parse().as_ref(), Ok(url), "{spelled}");
    assert_ne!(url.port(), 0);
    assert!(url.path().starts_with('/'));
    let is_printable = |text: &str| text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    let header = url.host_header();
    assert!(
        is_printable(&header) && is_printable(url.path()),
        "{spelled}"
    );
    assert!(!header.contains(['@', '/', '\\', '?', '#']), "{header}");
    // Whoever takes the header for an address comes to the same place.
    let scheme = if url.is_encrypted() { "wss" } else { "ws" };
    let round = format!("{scheme}://{header}{}", url.path());
    assert_eq!(round.parse().as_ref(), Ok(url), "{round}");

    // In the clear only where the host is one of our own, by a reading of its own.
    let host = url.host();
    let address = host.parse::<IpAddr>().ok();
    let is_near = match address {
        Some(address) => is_near(address),
        None => host == "localhost" || [".local", ".ts.net"].iter().any(|end| host.ends_with(end)),
    };
    let may = url.check_plain().is_ok();
    assert_eq!(may, url.is_encrypted() || is_near, "{spelled}");
    if let Some(address) = address {
        assert_eq!(url.may_dial(address), may, "{spelled}");
    }
    if url.is_loopback() {
        assert!(may);
    }
}

fn is_near(address: IpAddr) -> bool {
    let within = |address: u32, net: [u8; 4], bits: u32| {
        address >> (32 - bits) == u32::from_be_bytes(net) >> (32 - bits)
    };
    match address {
        IpAddr::V4(four) => {
            let four = four.to_bits();
            within(four, [127, 0, 0, 0], 8)
                || within(four, [10, 0, 0, 0], 8)
                || within(four, [172, 16, 0, 0], 12)
                || within(four, [192, 168, 0, 0], 16)
                || within(four, [169, 254, 0, 0], 16)
                || within(four, [100, 64, 0, 0], 10)
        }
        IpAddr::V6(six) => {
            let bits = six.to_bits();
            if bits >> 32 == 0xffff {
                let four = u32::try_from(bits & 0xffff_ffff).unwrap_or(u32::MAX);
                return is_near(Ipv4Addr::from_bits(four).into());
            }
            bits == 1 || bits >> 121 == 0xfc >> 1 || bits >> 118 == 0xfe80 >> 6
        }
    }
}
