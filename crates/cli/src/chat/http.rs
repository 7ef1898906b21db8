//! One POST over HTTP/1.1, and nothing that it does not need.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Most bytes of an answer.
const LIMIT: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It may work next time.
    Again(String),
    /// It will not.
    Final(String),
}

/// Where to send requests.
pub(super) struct Endpoint {
    host: String,
    port: u16,
    path: String,
    key: String,
}

impl Endpoint {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it: no `http`, no host, a port that is none, or a key for another machine.
    pub(super) fn new(url: &str, key: &str) -> Result<Endpoint, String> {
        let wrong = |problem: &str| format!("LOWSHOT_CHAT_URL is `{url}`; {problem}");
        if url.starts_with("https://") {
            return Err(wrong(
                "there is no encryption here: run a proxy on this machine and give its http address",
            ));
        }
        let rest =
            url.strip_prefix("http://").ok_or_else(|| wrong("wanted an address that begins with http://"))?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let clean = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        if !clean(rest) || authority.contains('@') || path.contains('#') {
            return Err(wrong("wanted host, port and path alone, without blanks, user or fragment"));
        }
        let port_of =
            |text: &str| text.parse::<u16>().map_err(|_| wrong("its port is not a number up to 65535"));
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => match v6.split_once(']') {
                Some((host, "")) => (host, 80),
                Some((host, port)) => (host, port_of(port.trim_start_matches(':'))?),
                None => return Err(wrong("a bracket is not closed")),
            },
            None => match authority.split_once(':') {
                Some((host, port)) => (host, port_of(port)?),
                None => (authority, 80),
            },
        };
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        if !key.is_empty() && !matches!(host, "127.0.0.1" | "::1" | "localhost") {
            return Err(wrong(
                "a key would cross the network unencrypted: run a proxy on this machine, or unset LOWSHOT_CHAT_KEY",
            ));
        }
        if !clean(key) {
            return Err("LOWSHOT_CHAT_KEY holds blanks or signs that are no plain ASCII".to_owned());
        }
        Ok(Endpoint { host: host.to_owned(), port, path: path.to_owned(), key: key.to_owned() })
    }

    /// Sends a JSON body and gives the body of an answer of status 200; all of it within `timeout`.
    pub(super) fn post(&self, body: &str, timeout: Duration) -> Result<Vec<u8>, Fault> {
        let deadline = Instant::now() + timeout;
        let place = format!("{}:{}", self.host, self.port);
        let again = |what: &str, e: std::io::Error| {
            let late = matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
            let why =
                if late { format!("no answer within {} s", timeout.as_secs_f64()) } else { e.to_string() };
            Fault::Again(format!("{what} {place}: {why}"))
        };
        let addresses = (self.host.as_str(), self.port).to_socket_addrs();
        let addresses = addresses.map_err(|e| again("looking up", e))?;
        let mut stream = Err(Fault::Again(format!("{place} has no address")));
        for address in addresses {
            stream =
                TcpStream::connect_timeout(&address, left(deadline)).map_err(|e| again("connecting to", e));
            if stream.is_ok() {
                break;
            }
        }
        let mut stream = stream?;
        stream.set_write_timeout(Some(left(deadline))).map_err(|e| again("asking", e))?;
        let key = if self.key.is_empty() {
            String::new()
        } else {
            format!("Authorization: Bearer {}\r\n", self.key)
        };
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json\r\n{key}\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.path,
            if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { place.clone() },
            body.len()
        );
        stream.write_all(head.as_bytes()).map_err(|e| again("asking", e))?;
        stream.write_all(body.as_bytes()).map_err(|e| again("asking", e))?;
        let mut bytes = Vec::new();
        let mut buffer = [0u8; 16 * 1024];
        loop {
            if let Some(answer) = parse(&bytes, false)? {
                return answer;
            }
            if Instant::now() >= deadline {
                return Err(again("waiting for", std::io::ErrorKind::TimedOut.into()));
            }
            stream.set_read_timeout(Some(left(deadline))).map_err(|e| again("waiting for", e))?;
            let read = match stream.read(&mut buffer) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other.map_err(|e| again("waiting for", e))?,
            };
            if read == 0 {
                let cut = || Err(Fault::Again(format!("{place} ended its answer before it was complete")));
                return parse(&bytes, true)?.unwrap_or_else(cut);
            }
            bytes.extend_from_slice(&buffer[..read]);
            if bytes.len() > LIMIT {
                return Err(Fault::Final(format!("{place} sent more than {LIMIT} bytes")));
            }
        }
    }
}

/// Never zero, which would mean no limit.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// The answer in `bytes`, once it is complete; `ended` if nothing more will come.
fn parse(bytes: &[u8], ended: bool) -> Result<Option<Result<Vec<u8>, Fault>>, Fault> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 4..]);
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(|code| code.parse::<u16>().ok());
    let Some(status) = status else {
        return Err(Fault::Final("LOWSHOT_CHAT_URL does not answer in HTTP".to_owned()));
    };
    let header = |name: &str| {
        lines.clone().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_lowercase())
        })
    };
    let body = if header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        match chunks(body)? {
            Some(body) => body,
            None => return Ok(None),
        }
    } else if let Some(length) = header("content-length") {
        let length: usize =
            length.parse().map_err(|_| Fault::Again(format!("the answer has the length `{length}`")))?;
        match body.get(..length) {
            Some(body) => body.to_vec(),
            None => return Ok(None),
        }
    } else if ended {
        body.to_vec()
    } else {
        return Ok(None);
    };
    if status == 200 {
        return Ok(Some(Ok(body)));
    }
    let said: String = String::from_utf8_lossy(&body).split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().take(200).collect();
    let reason = format!("the server answered with status {status}: {said}");
    // Too many requests, and what is the server's fault, may pass.
    let fault = if status == 429 || status >= 500 { Fault::Again(reason) } else { Fault::Final(reason) };
    Ok(Some(Err(fault)))
}

/// The chunks joined, once the last one is there.
fn chunks(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let malformed = || Fault::Again("the answer has malformed chunks".to_owned());
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let size = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let size = size.split(';').next().unwrap_or_default().trim();
        let size =
            usize::from_str_radix(size, 16).ok().filter(|size| *size <= LIMIT).ok_or_else(malformed)?;
        if size == 0 {
            return Ok(Some(body));
        }
        let Some(chunk) = bytes.get(end + 2..end + 2 + size) else { return Ok(None) };
        body.extend_from_slice(chunk);
        match bytes.get(end + 2 + size..end + 4 + size) {
            Some(b"\r\n") => bytes = &bytes[end + 4 + size..],
            Some(_) => return Err(malformed()),
            None => return Ok(None),
        }
    }
}
