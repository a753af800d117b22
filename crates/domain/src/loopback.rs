//! This machine's own addresses: what is asked for there leaves it on no line.

use url::Host;

/// Whether a URL's host is this machine. No other name counts: what it stands for is up to whoever answers for it.
pub fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref() == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_no_other_is_loopback() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "0x7f.1", "[::1]"] {
            assert!(is_loopback(&Host::parse(host).unwrap()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost.",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "[::]",
        ] {
            assert!(!is_loopback(&Host::parse(host).unwrap()), "{host}");
        }
    }
}
