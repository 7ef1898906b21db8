//! `lowshot serve` as a browser, and as an attacker, sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{METHOD, lowshot, report, run, same_every_time};
use lowshot_protocol::frame::Frame;
use lowshot_protocol::{Command, Event, InputSource, Message, Report, RunRequest};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Bytes, WebSocket};

const TOKEN: &str = "0123456789abcdef-test";

struct Server {
    child: Child,
    address: String,
    root: tempfile::TempDir,
}

impl Server {
    fn start(more: &[&str]) -> Server {
        let root = tempfile::tempdir().unwrap();
        let site = root.path().join("site");
        fs::create_dir_all(site.join("docs")).unwrap();
        fs::write(site.join("index.html"), "<!doctype html><title>page</title>").unwrap();
        fs::write(site.join("docs/index.html"), "<!doctype html><title>docs</title>").unwrap();
        fs::write(site.join("app.wasm"), b"\0asm").unwrap();
        fs::write(site.join("app.js"), "export {}").unwrap();
        fs::write(root.path().join("secret.csv"), "SECRET,1,2\n").unwrap();
        let mut child = lowshot(root.path())
            .args(["serve", "--bind", "127.0.0.1:0", "--site", "site", "--token", TOKEN])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                let line = line.unwrap();
                let (_, rest) = line.split_once("http://")?;
                Some(rest.split('/').next()?.to_owned())
            })
            .expect("the server prints its address");
        Server { child, address, root }
    }

    /// Sends bytes as they are; gives the status, the headers in lower case, and the body.
    fn raw(&self, request: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        (status, head.to_lowercase(), body.to_owned())
    }

    fn get(&self, path: &str, headers: &str) -> (u16, String, String) {
        let host = &self.address;
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"))
    }

    /// Connects as a page of `origin` would; the status if it is refused.
    fn connect_as(&self, token: &str, origin: Option<&str>) -> Result<Client, u16> {
        let mut request =
            format!("ws://{}/engine?token={token}", self.address).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Client { socket }),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Connects and takes the greeting.
    #[track_caller]
    fn connect(&self) -> Client {
        let mut client = self.connect_as(TOKEN, None).expect("the token is right");
        assert!(matches!(client.next(), Some(Message::Hello { .. })));
        client
    }

    fn alive(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "the server has ended");
        let mut client = self.connect();
        client.send(&Command::Hello { protocol: lowshot_protocol::PROTOCOL_VERSION }, vec![]);
        assert!(matches!(client.next(), Some(Message::Hello { .. })));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client {
    socket: WebSocket<TcpStream>,
}

impl Client {
    fn send(&mut self, command: &Command, buffers: Vec<Vec<u8>>) {
        let frame = Frame { message: command.clone(), buffers };
        self.send_bytes(frame.encode().unwrap());
    }

    fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(tungstenite::Message::Binary(Bytes::from(bytes))).unwrap();
    }

    /// The next message; `None` if the server ended the connection.
    fn next(&mut self) -> Option<Message> {
        loop {
            match self.socket.read() {
                Ok(tungstenite::Message::Binary(bytes)) => {
                    return Some(Frame::<Message>::decode(&bytes).unwrap().message);
                }
                Ok(tungstenite::Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The outcome of a run.
    #[track_caller]
    fn outcome(&mut self, run: u64) -> Result<Report, lowshot_protocol::RunError> {
        loop {
            match self.next().expect("the connection stays") {
                Message::Event { run: id, event: Event::Finished { report } } if id == run => {
                    return Ok(*report);
                }
                Message::Event { run: id, event: Event::Failed { error } } if id == run => return Err(error),
                _ => {}
            }
        }
    }

    /// Waits until a run is held.
    #[track_caller]
    fn until_held(&mut self) {
        loop {
            match self.next().expect("the connection stays") {
                Message::Event { event: Event::Held, .. } => return,
                Message::Event { event: Event::Failed { error }, .. } => panic!("{error}"),
                _ => {}
            }
        }
    }

    fn run(&mut self, run: u64, config: Value, inputs: &[(&str, InputSource)]) {
        self.send(&Command::Run { run, request: request(config, inputs) }, vec![]);
    }
}

fn request(config: Value, inputs: &[(&str, InputSource)]) -> RunRequest {
    RunRequest {
        method: METHOD.to_owned(),
        config,
        seed: 1,
        inputs: inputs.iter().map(|(name, source)| ((*name).to_owned(), source.clone())).collect(),
        shard: None,
        paused: false,
    }
}

fn small() -> Value {
    json!({"episodes": 6, "queries": 5})
}

fn long() -> Value {
    json!({"episodes": 1_000_000, "queries": 5})
}

#[test]
fn the_page_comes_with_its_headers() {
    let server = Server::start(&[]);
    let (status, head, body) = server.get("/", "");
    assert_eq!((status, body.contains("<title>page")), (200, true), "{head}");
    for header in [
        "content-type: text/html; charset=utf-8",
        "x-content-type-options: nosniff",
        "cache-control: no-cache",
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
        "referrer-policy: no-referrer",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
    assert!(server.get("/app.wasm", "").1.contains("content-type: application/wasm"));
    let (_, head, _) = server.get("/app.js?v=1", "");
    assert!(head.contains("content-type: text/javascript"), "{head}");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    assert_eq!(server.get("/app.js", &format!("If-None-Match: {tag}\r\n")).0, 304);
    assert!(server.get("/docs/", "").2.contains("<title>docs"));
    let (status, head, _) = server.get("/docs?x=1", "");
    assert!(status == 308 && head.contains("location: /docs/?x=1"), "{head}");
    assert_eq!(server.get("/none.js", "").0, 404);
    let facts: Value = serde_json::from_str(&server.get("/server.json", "").2).unwrap();
    assert_eq!((&facts["engine"], &facts["device"]["id"]), (&"engine".into(), &"cpu".into()));
    let host = &server.address;
    assert_eq!(server.raw(&format!("POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).0, 405);
    assert_eq!(server.get("/engine", "").0, 403);
    assert_eq!(server.get(&format!("/engine?token={TOKEN}"), "").0, 426);
}

#[test]
fn files_outside_of_the_site_stay_there() {
    let server = Server::start(&[]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        server.root.path().join("secret.csv"),
        server.root.path().join("site/link.csv"),
    )
    .unwrap();
    for path in [
        "/../secret.csv",
        "/docs/../../secret.csv",
        "/%2e%2e/secret.csv",
        "/..%2fsecret.csv",
        "/%2e%2e%2fsecret.csv",
        "/docs/%2e%2e/%2e%2e/secret.csv",
        "//etc/passwd",
        "/.%00./secret.csv",
        "/link.csv",
        "/..\\secret.csv",
    ] {
        let (status, _, body) = server.get(path, "");
        assert!((400..500).contains(&status), "{path}: {status}");
        assert!(!body.contains("SECRET") && !body.contains("root:"), "{path}: {body}");
    }
}

#[test]
fn only_the_page_and_only_with_the_token() {
    let server = Server::start(&[]);
    let own = format!("http://{}", server.address);
    assert!(server.connect_as(TOKEN, None).is_ok());
    assert!(server.connect_as(TOKEN, Some(&own)).is_ok());
    for (token, origin) in [
        ("", None),
        ("wrong", None),
        ("0123456789abcdef-tesT", Some(own.as_str())),
        (TOKEN, Some("http://evil.example")),
        (TOKEN, Some("null")),
        (TOKEN, Some("http://127.0.0.1:1")),
    ] {
        assert_eq!(server.connect_as(token, origin).map(|_| ()), Err(403), "{token} {origin:?}");
    }
    for host in ["evil.example", "evil.example:7878", "127.0.0.1.evil.example", ""] {
        let (status, _, body) =
            server.raw(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        assert_eq!(status, 403, "{host}");
        assert!(!body.contains("<title>"), "{body}");
    }
    let (status, _, body) = server.get("/server.json", "Origin: http://evil.example\r\n");
    assert!(status == 403 && body.contains("evil.example"), "{body}");
    // A port forward changes the port that the browser sees.
    let (status, _, _) = server.raw("GET / HTTP/1.1\r\nHost: localhost:9999\r\nConnection: close\r\n\r\n");
    assert_eq!(status, 200);
}

#[test]
fn a_run_over_the_wire_is_the_run_of_the_command_line() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.run(1, small(), &[]);
    let over_wire = client.outcome(1).unwrap();
    run(server.root.path(), &["run", METHOD, "--set", "episodes=6", "--set", "queries=5", "--out", "r"])
        .fine();
    let on_command_line = report(&server.root.path().join("r"));
    assert_eq!(same_every_time(&over_wire), same_every_time(&on_command_line));
}

#[test]
fn runs_pause_step_and_stop() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let request = RunRequest { paused: true, ..request(long(), &[]) };
    client.send(&Command::Run { run: 3, request }, vec![]);
    client.until_held();
    for _ in 0..2 {
        client.send(&Command::Step { run: 3 }, vec![]);
        client.until_held();
    }
    client.send(&Command::Stop { run: 3 }, vec![]);
    assert_eq!(client.outcome(3).unwrap_err().code, "stopped");
    // A command for a run that is gone is no error.
    client.send(&Command::Stop { run: 3 }, vec![]);
    client.run(3, small(), &[]);
    client.outcome(3).unwrap();
}

#[test]
fn malicious_messages_harm_nothing() {
    let mut server = Server::start(&[]);
    let good =
        Frame { message: Command::Run { run: 1, request: request(small(), &[]) }, buffers: vec![vec![7; 9]] };
    let good = good.encode().unwrap();
    let mut client = server.connect();
    let mut refused = |bytes: Vec<u8>| {
        client.send_bytes(bytes.clone());
        let answer = client.next();
        assert!(matches!(answer, Some(Message::Rejected { .. })), "{bytes:?}: {answer:?}");
    };
    refused(vec![]);
    refused(b"GET / HTTP/1.1".to_vec());
    refused(vec![0xff; 1000]);
    for end in (0..good.len()).step_by(7) {
        refused(good[..end].to_vec());
    }
    // Announces four gigabytes of JSON, and 64 attachments of as much.
    refused([b"LSF1".as_slice(), &[0xff; 4], &64u32.to_le_bytes(), &[0xff; 256]].concat());
    for json in [
        "null",
        "{}",
        r#"{"command": "shutdown"}"#,
        r#"{"command": "run", "run": -1}"#,
        r#"{"command": "hello", "protocol": 999}"#,
        &"[".repeat(100_000),
    ] {
        refused(frame_of(json.as_bytes()));
    }
    let mut long_command =
        br#"{"command": "run", "run": 1, "request": {"method": "m", "seed": 1, "config": ["#.to_vec();
    long_command.extend(b"0,".repeat(1 << 20));
    long_command.extend(b"0]}}");
    refused(frame_of(&long_command));
    client.socket.send(tungstenite::Message::Text("hello".into())).unwrap();
    assert!(matches!(client.next(), Some(Message::Rejected { .. })));

    for (config, inputs, code) in [
        (json!({"shots": 0}), vec![], "invalid-config"),
        (json!([1, 2]), vec![], "invalid-config"),
        (small(), vec![("feature", InputSource::parse("builtin:digits"))], "invalid-input"),
        (small(), vec![("features", InputSource::parse("builtin:../../etc/passwd"))], "invalid-input"),
        (
            small(),
            vec![("features", InputSource::Attached { file: "x.npz".into(), buffer: 7 })],
            "invalid-input",
        ),
    ] {
        client.run(9, config, &inputs);
        assert_eq!(client.outcome(9).unwrap_err().code, code);
    }
    let request = RunRequest { method: "../x".into(), ..request(small(), &[]) };
    client.send(&Command::Run { run: 9, request }, vec![]);
    assert_eq!(client.outcome(9).unwrap_err().code, "unknown-method");
    let attached = [("features", InputSource::Attached { file: "x.npz".into(), buffer: 0 })];
    let command = Command::Run { run: 9, request: self::request(small(), &attached) };
    client.send(&command, vec![vec![0x50; 5 << 20]]);
    assert_eq!(client.outcome(9).unwrap_err().code, "invalid-input");
    client.run(9, small(), &[]);
    client.outcome(9).unwrap();
    server.alive();
}

fn frame_of(json: &[u8]) -> Vec<u8> {
    [b"LSF1".as_slice(), &(json.len() as u32).to_le_bytes(), &[0; 4], json].concat()
}

#[test]
fn messages_beyond_the_limit_end_only_their_connection() {
    let mut server = Server::start(&["--max-message", "1"]);
    let mut client = server.connect();
    // The server may hang up while it is sent.
    let _ = client.socket.send(tungstenite::Message::Binary(Bytes::from(vec![0u8; 3 << 20])));
    while client.next().is_some() {}
    server.alive();
}

#[test]
fn half_a_handshake_holds_up_nobody() {
    let mut server = Server::start(&[]);
    let mut silent: Vec<TcpStream> = Vec::new();
    for start in ["", "GET", "GET /engine?token=x HTTP/1.1\r\nHost: "] {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(start.as_bytes()).unwrap();
        silent.push(stream);
    }
    server.alive();
    drop(silent);
}

#[test]
fn files_are_read_only_under_the_data_directory() {
    let server = Server::start(&["--data-dir", "site"]);
    fs::write(server.root.path().join("site/mine.csv"), common::csv(5, 20)).unwrap();
    let mut client = server.connect();
    let secret = server.root.path().join("secret.csv");
    for path in ["../secret.csv", secret.to_str().unwrap(), "/etc/passwd", "docs", "none.csv"] {
        client.run(1, small(), &[("features", InputSource::Path { path: path.to_owned() })]);
        let error = client.outcome(1).unwrap_err();
        assert_eq!(error.code, "invalid-input");
        assert!(error.message.contains("no such file in the server's data directory"), "{}", error.message);
    }
    client.run(1, small(), &[("features", InputSource::Path { path: "mine.csv".to_owned() })]);
    assert_eq!(client.outcome(1).unwrap().metrics["episodes"].value, 6.0);

    let closed = Server::start(&[]);
    let mut client = closed.connect();
    client.run(1, small(), &[("features", InputSource::Path { path: "secret.csv".to_owned() })]);
    assert!(client.outcome(1).unwrap_err().message.contains("--data-dir"));
}

#[test]
fn two_pages_work_side_by_side_and_one_may_vanish() {
    let mut server = Server::start(&["--max-sessions", "2"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    // Both use the same number for their runs.
    first.run(1, long(), &[]);
    second.run(1, small(), &[]);
    second.outcome(1).unwrap();

    let mut third = server.connect_as(TOKEN, None).unwrap();
    match third.next() {
        Some(Message::Unavailable { error }) => assert_eq!(error.code, "busy"),
        other => panic!("{other:?}"),
    }
    assert!(third.next().is_none());

    // Without a goodbye, as when a laptop is closed.
    first.socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    drop(first);
    let begin = Instant::now();
    loop {
        let mut client = server.connect_as(TOKEN, None).unwrap();
        if matches!(client.next(), Some(Message::Hello { .. })) {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "the vanished page still holds its place");
        std::thread::sleep(Duration::from_millis(50));
    }
    second.run(2, small(), &[]);
    second.outcome(2).unwrap();
    drop(second);
    server.alive();
}

#[test]
fn one_page_has_a_bounded_number_of_runs() {
    let server = Server::start(&["--max-runs", "2"]);
    let mut client = server.connect();
    for id in 1..=3 {
        client.run(id, long(), &[]);
    }
    let error = client.outcome(3).unwrap_err();
    assert_eq!(error.code, "busy");
    client.send(&Command::Stop { run: 1 }, vec![]);
    assert_eq!(client.outcome(1).unwrap_err().code, "stopped");
    client.run(4, small(), &[]);
    client.outcome(4).unwrap();
}

#[test]
fn a_page_that_does_not_listen_hinders_nobody() {
    let server = Server::start(&[]);
    let mut deaf = server.connect();
    deaf.run(1, long(), &[]);
    let mut other = server.connect();
    for run in 1..=3 {
        other.run(run, small(), &[]);
        other.outcome(run).unwrap();
    }
    deaf.send(&Command::Stop { run: 1 }, vec![]);
    assert_eq!(deaf.outcome(1).unwrap_err().code, "stopped");
}

#[cfg(target_os = "linux")]
#[test]
fn a_page_that_asks_and_never_listens_is_no_longer_heard() {
    let mut server = Server::start(&[]);
    let mut deaf = server.connect();
    deaf.socket.get_ref().set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let before = resident(server.child.id());
    let hello = Frame {
        message: Command::Hello { protocol: lowshot_protocol::PROTOCOL_VERSION },
        buffers: Vec::<Vec<u8>>::new(),
    };
    let question = Bytes::from(hello.encode().unwrap());
    // The answers would be some gigabytes; instead the server stops reading, and the question cannot be sent.
    let stopped =
        (0..1_000_000).any(|_| deaf.socket.send(tungstenite::Message::Binary(question.clone())).is_err());
    let grown = resident(server.child.id()).saturating_sub(before);
    assert!(stopped, "the server still takes questions");
    assert!(grown < 64 << 20, "grown by {} MiB", grown >> 20);
    server.alive();
}

#[cfg(target_os = "linux")]
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_taken_port_and_a_public_address_are_said() {
    let server = Server::start(&[]);
    run(server.root.path(), &["serve", "--bind", &server.address])
        .exits(1)
        .says("another program has this port");

    let mut child = lowshot(server.root.path())
        .args(["serve", "--bind", "0.0.0.0:0", "--token", TOKEN])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let warned = errors.by_ref().take(4).any(|line| line.unwrap().contains("reached from other machines"));
    let _ = child.kill();
    let _ = child.wait();
    assert!(warned);
}

#[test]
fn tokens_are_random_unless_given() {
    let root = tempfile::tempdir().unwrap();
    let print = |environment: Option<&str>| {
        let mut command = lowshot(root.path());
        command.args(["serve", "--bind", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(token) = environment {
            command.env("LOWSHOT_TOKEN", token);
        }
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let token =
            lines.map_while(Result::ok).find_map(|line| Some(line.split_once("?token=")?.1.to_owned()));
        let _ = child.kill();
        let _ = child.wait();
        token.unwrap()
    };
    let (a, b) = (print(None), print(None));
    assert!(a != b && a.len() == 32, "{a} {b}");
    assert_eq!(print(Some("from-the-environment")), "from-the-environment");
}
