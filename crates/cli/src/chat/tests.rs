//! Against servers on this machine that hang, lie and fall over.

use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A server that treats its connections one after the other, the last way again and again.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

type Way = fn(&mut TcpStream);

impl Server {
    fn start(ways: Vec<Way>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/chat/completions", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        std::thread::spawn(move || {
            for (at, stream) in listener.incoming().enumerate() {
                let Ok(mut stream) = stream else { return };
                let way = ways[at.min(ways.len() - 1)];
                let log = log.clone();
                std::thread::spawn(move || {
                    log.lock().unwrap().push(request(&mut stream));
                    way(&mut stream);
                });
            }
        });
        Server { url, seen }
    }

    fn settings(&self) -> Settings {
        Settings { url: self.url.clone(), seconds: "1".to_owned(), ..Settings::default() }
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// A whole request: its head says how long its body is.
fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0u8];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes.clone()).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    let mut body = vec![0u8; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

fn send(stream: &mut TcpStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all((head + body).as_bytes());
}

fn good(stream: &mut TcpStream) {
    send(stream, "200 OK", r#"{"choices":[{"message":{"role":"assistant","content":"[[B]]\nIt is new."}}]}"#);
}

fn hang(_: &mut TcpStream) {
    std::thread::sleep(Duration::from_secs(20));
}

/// A byte every now and then: each read succeeds, the answer never ends.
fn trickle(stream: &mut TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while stream.write_all(b" ").is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn drop_it(_: &mut TcpStream) {}

fn busy(stream: &mut TcpStream) {
    send(stream, "503 Service Unavailable", "try later");
}

fn question() -> ChatRequest {
    ChatRequest { system: "curate".into(), user: "which \"one\"?\nA or B".into(), max_tokens: 64 }
}

fn ask(settings: &Settings) -> Result<String, ChatError> {
    Chat::new(settings).unwrap().ask(&question())
}

fn unavailable(outcome: Result<String, ChatError>) -> String {
    match outcome {
        Err(ChatError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_what_the_endpoint_expects() {
    let server = Server::start(vec![good]);
    let settings = Settings { model: "small".into(), key: "secret-1".into(), ..server.settings() };
    assert_eq!(ask(&settings).unwrap(), "[[B]]\nIt is new.");
    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:"), "{head}");
    assert!(head.contains("Authorization: Bearer secret-1"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&body["model"], &body["temperature"], &body["max_tokens"]),
        (&"small".into(), &0.into(), &64.into())
    );
    assert_eq!(body["messages"][1], json!({"role": "user", "content": "which \"one\"?\nA or B"}));
}

#[test]
fn answers_come_whole_in_chunks_or_until_the_end() {
    let chunked: Way = |stream| {
        let (a, b) = (r#"{"choices":[{"message":"#, r#"{"content":"[[C]]"}}]}"#);
        let text = format!("{:x}\r\n{a}\r\n{:X};note=1\r\n{b}\r\n0\r\n\r\n", a.len(), b.len());
        let head = "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n";
        for part in (head.to_owned() + &text).as_bytes().chunks(7) {
            let _ = stream.write_all(part);
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    assert_eq!(ask(&Server::start(vec![chunked]).settings()).unwrap(), "[[C]]");
    let closing: Way = |stream| {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n{\"choices\":[{\"message\":{\"content\":\"A\"}}]}");
    };
    assert_eq!(ask(&Server::start(vec![closing]).settings()).unwrap(), "A");
}

#[test]
fn a_server_that_hangs_or_trickles_is_given_up_in_time() {
    for way in [hang as Way, trickle] {
        let server = Server::start(vec![way]);
        let start = Instant::now();
        let reason = unavailable(ask(&server.settings()));
        assert!(reason.contains("no answer within 1 s") && reason.contains("3 attempts"), "{reason}");
        assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
        assert_eq!(server.requests().len(), 3);
    }
}

#[test]
fn what_may_pass_is_tried_again() {
    let server = Server::start(vec![busy, drop_it, good]);
    assert_eq!(ask(&server.settings()).unwrap(), "[[B]]\nIt is new.");
    let server = Server::start(vec![busy]);
    assert!(unavailable(ask(&server.settings())).contains("status 503: try later"));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Settings { url: format!("http://{gone}/"), seconds: "1".into(), ..Settings::default() };
    assert!(unavailable(ask(&settings)).contains("connecting to"));
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    let refused: Way = |stream| send(stream, "401 Unauthorized", "{\"error\": \"bad   key\"}");
    let server = Server::start(vec![refused]);
    assert!(unavailable(ask(&server.settings())).contains("status 401: {\"error\": \"bad key\"}"));
    assert_eq!(server.requests().len(), 1);
    let huge: Way = |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
        let block = vec![b' '; 1 << 16];
        while stream.write_all(&block).is_ok() {}
    };
    assert!(unavailable(ask(&Server::start(vec![huge]).settings())).contains("more than"));
    let other: Way = |stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n");
    };
    assert!(unavailable(ask(&Server::start(vec![other]).settings())).contains("not answer in HTTP"));
}

#[test]
fn answers_without_a_reply_cost_one_question_only() {
    for body in
        ["", "not JSON", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"message":{"content":null}}]}"#, "[1,2"]
    {
        assert!(matches!(content(body.as_bytes()), Err(ChatError::Unusable(_))), "{body}");
    }
    let lying: Way = |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"choices\":[]}");
    };
    assert!(matches!(ask(&Server::start(vec![lying]).settings()), Err(ChatError::Unusable(_))));
}

#[test]
fn nothing_is_asked_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("replies.jsonl");
    let server = Server::start(vec![good]);
    let settings = Settings { cache: path.display().to_string(), ..server.settings() };
    let chat = Chat::new(&settings).unwrap();
    for _ in 0..3 {
        chat.ask(&question()).unwrap();
    }
    drop(chat);
    assert_eq!(server.requests().len(), 1);
    // A crash in the middle of a line; then the file goes on as if it had not been.
    let mut text = std::fs::read(&path).unwrap();
    let whole = text.len();
    text.extend_from_slice(b"{\"model\": \"sm");
    std::fs::write(&path, &text).unwrap();
    let chat = Chat::new(&settings).unwrap();
    chat.ask(&question()).unwrap();
    assert_eq!((server.requests().len(), std::fs::read(&path).unwrap().len()), (1, whole));
    chat.ask(&ChatRequest { user: "another".into(), ..question() }).unwrap();
    let other = Settings { model: "other".into(), ..settings.clone() };
    Chat::new(&other).unwrap().ask(&question()).unwrap();
    assert_eq!(server.requests().len(), 3, "another question, another model");
    std::fs::write(&path, "nonsense\n").unwrap();
    assert!(Chat::new(&settings).err().unwrap().contains("line 1"));
}

#[test]
fn settings_that_cannot_work_are_named() {
    let wrong = |settings: Settings| Chat::new(&settings).err().unwrap();
    let url = |url: &str| Settings { url: url.into(), ..Settings::default() };
    assert!(wrong(url("")).contains("LOWSHOT_CHAT_URL"));
    assert!(wrong(url("https://api.example.com/v1")).contains("no encryption"));
    for bad in [
        "api.example.com",
        "http://",
        "http://:80/",
        "http://a:b/",
        "http://a:70000/",
        "http://u@h/",
        "http://a b/",
    ] {
        assert!(wrong(url(bad)).contains("LOWSHOT_CHAT_URL"), "{bad}");
    }
    assert!(wrong(url("http://a/x\r\nEvil: 1")).contains("blanks"));
    let key = |host: &str| Settings { key: "k".into(), ..url(&format!("http://{host}/v1")) };
    assert!(wrong(key("10.0.0.1")).contains("unencrypted"));
    assert!(wrong(key("127.0.0.1.example.com")).contains("unencrypted"));
    for host in ["127.0.0.1:9", "localhost:9", "[::1]:9"] {
        assert!(Chat::new(&key(host)).is_ok(), "{host}");
    }
    assert!(wrong(Settings { key: "a b".into(), ..url("http://localhost/") }).contains("LOWSHOT_CHAT_KEY"));
    assert!(
        wrong(Settings { seconds: "0".into(), ..url("http://localhost/") }).contains("LOWSHOT_CHAT_SECONDS")
    );
}
