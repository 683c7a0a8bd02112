//! Which addresses a name may lead to: none that is not public, unless the policy says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{outbound::Resolver, target::Target};
use crate::{
    error::{Error, ErrorCode, Result},
    secret_policy::Rule,
};

/// The addresses of a request's host, looked up once. One that is not public spoils all: a name that
/// leads to both is the mark of an attempt to get inside.
pub(super) fn resolve<R: Resolver + ?Sized>(
    target: &Target,
    rule: &Rule,
    resolver: &R,
) -> Result<Vec<SocketAddr>> {
    if let Some(ip) = target.host().ip() {
        // The policy names this very address.
        return Ok(vec![SocketAddr::new(ip, target.port())]);
    }
    let host = target.host().as_str();
    let found = resolver.resolve(host, target.port())?;
    let found: Vec<SocketAddr> =
        found.into_iter().map(|found| SocketAddr::new(found.ip(), target.port())).collect();
    if found.is_empty() {
        return Err(Error::new(ErrorCode::UpstreamUnreachable, format!("{host} has no address")));
    }
    if !rule.private && found.iter().any(|found| !is_public(found.ip())) {
        let cause = format!("{host} leads to an address that is not public");
        return Err(Error::new(ErrorCode::AddressForbidden, cause));
    }
    Ok(found)
}

/// Whether an address belongs to the public internet, and no other is hidden in it.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded_v4(ip) {
            Some(inside) => is_public_v4(inside),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127, ..) => true,
        (100, 64..=127, _) => true,
        (169, 254, _) | (192, 168, _) => true,
        (172, 16..=31, _) => true,
        (192, 0, 0 | 2) | (192, 88, 99) => true,
        (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        _ => a >= 224,
    };
    !special
}

/// IPv4 inside: mapped, compatible, NAT64, 6to4.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let low = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff | 0, a, b] => Some(low(a, b)),
        [0, 0, 0, 0, 0xffff, 0, a, b] => Some(low(a, b)),
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] => Some(low(a, b)),
        [0x2002, a, b, ..] => Some(low(a, b)),
        _ => None,
    }
}

/// Global unicast, without documentation, Teredo and the like.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let global = s[0] & 0xe000 == 0x2000;
    let special =
        (s[0] == 0x2001 && (s[1] < 0x200 || s[1] == 0xdb8)) || (s[0] == 0x3fff && s[1] < 0x1000);
    global && !special
}
