//! Who may talk to the server: a secret in the page's address, and browsers only for the page itself.
//!
//! The token keeps out other users and programs. `Host` keeps out DNS rebinding (a name of an attacker that points at
//! this machine), `Origin` keeps out other sites open in the same browser, which may send requests and open
//! WebSockets to any address.

use crate::error::CliError;
use axum::http::{HeaderMap, HeaderName, header};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The secret in the page's address.
pub(super) struct Token(String);

impl Token {
    /// The one given, the one in `LOWSHOT_TOKEN`, or 128 random bits.
    ///
    /// # Errors
    /// [`CliError::Usage`] if a given one cannot be a secret or a part of an address.
    pub(super) fn choose(given: Option<&str>) -> Result<Token, CliError> {
        let (source, text) = match (given, std::env::var("LOWSHOT_TOKEN")) {
            (Some(text), _) => ("--token", text.to_owned()),
            (None, Ok(text)) => ("LOWSHOT_TOKEN", text),
            (None, Err(_)) => return Token::random(),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        if text.len() < 16 || !text.chars().all(plain) {
            return Err(CliError::Usage(format!(
                "{source}: wanted at least 16 letters, digits or -_.~, as in the output of `openssl rand -hex 16`"
            )));
        }
        Ok(Token(text))
    }

    fn random() -> Result<Token, CliError> {
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes)
            .map_err(|e| CliError::Failed(format!("the system gives no random numbers for a token: {e}")))?;
        Ok(Token(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The token, for the address.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// True for less than 128 bits in hexadecimal digits.
    pub(super) fn is_short(&self) -> bool {
        self.0.len() < 32
    }

    /// Compares in a time that does not depend on where the first difference is.
    pub(super) fn matches(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        let differences = own.iter().zip(given).fold(0u8, |sum, (a, b)| std::hint::black_box(sum | (a ^ b)));
        own.len() == given.len() && differences == 0
    }
}

/// The names under which the server may be addressed.
pub(super) struct Hosts {
    names: BTreeSet<String>,
    /// Listening on all addresses, any of them is right; a rebound name is still a name.
    any_address: bool,
}

impl Hosts {
    /// Names for an address listened on, and further ones that were allowed.
    pub(super) fn new(bound: IpAddr, allowed: &[String]) -> Hosts {
        let mut names: BTreeSet<String> =
            allowed.iter().map(|name| host_name(name).to_ascii_lowercase()).collect();
        names.insert(bound.to_string());
        if bound.is_loopback() || bound.is_unspecified() {
            names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        }
        Hosts { names, any_address: bound.is_unspecified() }
    }

    /// Checks `Host`, and `Origin` where there is one.
    ///
    /// The port of `Host` is free, so that `ssh -L` and port forwards work: rebinding needs a name, and `Origin` has to
    /// have the same port.
    ///
    /// # Errors
    /// The reason, for the answer.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), String> {
        let host = single(headers, &header::HOST)?.ok_or("this request has no Host header")?;
        let name = host_name(host).to_ascii_lowercase();
        let known = self.names.contains(&name) || (self.any_address && name.parse::<IpAddr>().is_ok());
        if !known {
            return Err(format!(
                "this server is not known as {}: open the address it printed, or start it with --allow-host",
                printable(&name)
            ));
        }
        let Some(origin) = single(headers, &header::ORIGIN)? else { return Ok(()) };
        if same_place(origin, host) {
            return Ok(());
        }
        Err(format!("pages of {} may not use this server", printable(origin)))
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, String> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(format!("the {name} header is malformed")),
    }
}

/// The host of `host:port`, without brackets and final dot.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    let name = match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// True if an origin is that of a page loaded from `host`, whose default port may be left out.
fn same_place(origin: &str, host: &str) -> bool {
    [("http://", ":80"), ("https://", ":443")].iter().any(|(scheme, port)| {
        let Some(place) = origin.strip_prefix(scheme) else { return false };
        let full = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
        full(place) == full(host)
    })
}

/// A header's text fit for an answer.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &Hosts, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        hosts.check(&headers).is_ok()
    }

    #[test]
    fn only_own_names_and_own_pages_pass() {
        let hosts = Hosts::new([127, 0, 0, 1].into(), &["gpu.example:7878".to_owned()]);
        for (host, origin) in [
            ("127.0.0.1:7878", None),
            ("localhost:9000", Some("http://localhost:9000")),
            ("LOCALHOST.:9000", None),
            ("[::1]:7878", Some("http://[::1]:7878")),
            ("gpu.example", Some("https://gpu.example")),
            ("localhost", Some("http://localhost:80")),
        ] {
            assert!(check(&hosts, host, origin), "{host} {origin:?}");
        }
        for (host, origin) in [
            ("evil.example:7878", None),
            ("127.0.0.1.evil.example", None),
            ("192.168.1.2:7878", None),
            ("127.0.0.1:7878", Some("http://evil.example")),
            ("127.0.0.1:7878", Some("http://127.0.0.1:3000")),
            ("127.0.0.1:7878", Some("null")),
            ("127.0.0.1:7878", Some("http://127.0.0.1:7878.evil.example")),
            ("", None),
        ] {
            assert!(!check(&hosts, host, origin), "{host} {origin:?}");
        }
        let everywhere = Hosts::new([0, 0, 0, 0].into(), &[]);
        assert!(check(&everywhere, "192.168.1.2:7878", Some("http://192.168.1.2:7878")));
        assert!(!check(&everywhere, "evil.example:7878", None));
        assert!(hosts.check(&HeaderMap::new()).is_err());
    }

    #[test]
    fn tokens_are_compared_whole() {
        let token = Token::choose(Some("0123456789abcdef")).unwrap();
        assert!(token.matches("0123456789abcdef"));
        for wrong in ["", "0123456789abcde", "0123456789abcdef0", "1123456789abcdef", "0123456789abcdee"] {
            assert!(!token.matches(wrong), "{wrong}");
        }
        for weak in ["", "short", "0123456789 abcdef", "0123456789abcdef&x"] {
            assert!(Token::choose(Some(weak)).is_err(), "{weak}");
        }
        let (a, b) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(a.text().len(), 32);
        assert!(!a.matches(b.text()) && !a.is_short());
    }
}
