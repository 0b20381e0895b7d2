//! The sockets of each bind.

use super::{Bind, DEFAULT_PORT, ExposureInput, Layered, Refusal, SetBy};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const BIND: [SetBy; 3] = [
    SetBy::Flag("--bind"),
    SetBy::Variable("OPENCLAW_GATEWAY_BIND"),
    SetBy::Config("gateway.bind"),
];
const PORT: [SetBy; 3] = [
    SetBy::Flag("--port"),
    SetBy::Variable("OPENCLAW_GATEWAY_PORT"),
    SetBy::Config("gateway.port"),
];

/// Where a gateway listens.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) bind: Bind,
    pub(super) set_by: SetBy,
    pub(super) listen: Vec<SocketAddr>,
    pub(super) leaves_loopback: bool,
}

/// Returns the first text that says something: flag, environment, config.
pub(super) fn first(layers: &Layered, places: [SetBy; 3]) -> Option<(&str, SetBy)> {
    [&layers.flag, &layers.environment, &layers.config]
        .into_iter()
        .zip(places)
        .find_map(|(text, place)| {
            let text = text.as_deref()?.trim();
            (!text.is_empty()).then_some((text, place))
        })
}

pub(super) fn settle(input: &ExposureInput) -> Result<Place, Refusal> {
    let port = port(input)?;
    let (bind, set_by) = bind(input)?;
    let addresses = addresses(input, bind, set_by)?;
    Ok(Place {
        bind,
        set_by,
        leaves_loopback: addresses.iter().any(|address| !address.is_loopback()),
        listen: addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect(),
    })
}

fn port(input: &ExposureInput) -> Result<u16, Refusal> {
    let Some((text, set_by)) = first(&input.port, PORT) else {
        return Ok(DEFAULT_PORT);
    };
    text.parse::<u16>()
        .ok()
        // "Any free port" is for whoever starts the gateway and can see which it became.
        .filter(|port| *port != 0 || matches!(set_by, SetBy::Flag(_)))
        .ok_or(Refusal::Port { set_by })
}

fn bind(input: &ExposureInput) -> Result<(Bind, SetBy), Refusal> {
    let Some((text, set_by)) = first(&input.bind, BIND) else {
        let bind = if input.in_container {
            Bind::Auto
        } else {
            Bind::Loopback
        };
        return Ok((bind, SetBy::Default));
    };
    let bind = match text {
        "loopback" => Bind::Loopback,
        "lan" => Bind::Lan,
        "tailnet" => Bind::Tailnet,
        "auto" => Bind::Auto,
        "custom" => {
            let host = input.custom_host.as_deref().unwrap_or_default().trim();
            let address = host
                .parse::<IpAddr>()
                .map_err(|_| Refusal::CustomHost { set_by })?;
            Bind::Custom(address.to_canonical())
        }
        address => Bind::Custom(
            address
                .parse::<IpAddr>()
                .map_err(|_| Refusal::BindUnknown { set_by })?
                .to_canonical(),
        ),
    };
    Ok((bind, set_by))
}

fn addresses(input: &ExposureInput, bind: Bind, set_by: SetBy) -> Result<Vec<IpAddr>, Refusal> {
    const LOOPBACK_V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const LOOPBACK_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    const EVERY_V4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let has = |address: &IpAddr| {
        input
            .interfaces
            .iter()
            .any(|own| own.to_canonical() == *address)
    };
    let loopback_v6 = Some(LOOPBACK_V6).filter(has);
    let mut addresses = match bind {
        Bind::Loopback => vec![LOOPBACK_V4],
        Bind::Auto if !input.in_container => vec![LOOPBACK_V4],
        Bind::Lan | Bind::Auto => vec![EVERY_V4],
        Bind::Tailnet => {
            let mut addresses = vec![LOOPBACK_V4];
            addresses.extend(
                input
                    .interfaces
                    .iter()
                    .map(IpAddr::to_canonical)
                    .filter(is_tailnet),
            );
            if addresses.len() == 1 {
                return Err(Refusal::NoTailnet { set_by });
            }
            addresses
        }
        Bind::Custom(EVERY_V4) => vec![EVERY_V4],
        // Whether it takes IPv4 as well differs between systems, so nobody could say what is open.
        Bind::Custom(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => {
            return Err(Refusal::CustomHost { set_by });
        }
        Bind::Custom(address) if address.is_loopback() || has(&address) => {
            vec![LOOPBACK_V4, address]
        }
        Bind::Custom(address) => return Err(Refusal::NotOurAddress { address, set_by }),
    };
    // Programs here may take either loopback address; it opens nothing to others.
    addresses.extend(loopback_v6);
    let mut once = Vec::new();
    for address in addresses {
        if !once.contains(&address) {
            once.push(address);
        }
    }
    Ok(once)
}

/// Tailscale's own ranges: 100.64.0.0/10 and fd7a:115c:a1e0::/48.
fn is_tailnet(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            first == 100 && second & 0b1100_0000 == 64
        }
        IpAddr::V6(address) => {
            matches!(address.segments(), [0xfd7a, 0x115c, 0xa1e0, ..])
        }
    }
}
