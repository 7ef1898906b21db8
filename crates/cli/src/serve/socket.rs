//! One WebSocket: frames in, frames out, within bounds.

use super::engine::rejection;
use super::outbox::Outbox;
use super::{App, refuse};
use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use lowshot_protocol::RunError;
use lowshot_protocol::frame::Frame;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

/// Quiet clients are asked this often whether they are there.
const PING: Duration = Duration::from_secs(20);
/// A client that says nothing for this long, not even to a ping, has gone.
const SILENCE: Duration = Duration::from_secs(75);
/// A message that is not taken within this time never will be.
const SEND: Duration = Duration::from_secs(30);
/// Messages that wait for the engine, per client; more wait in the network.
const INBOX: usize = 2;

#[derive(Deserialize)]
pub(super) struct Ticket {
    #[serde(default)]
    token: String,
}

/// Checks the token and takes the connection.
pub(super) async fn connect(
    State(app): State<Arc<App>>,
    ticket: Result<Query<Ticket>, axum::extract::rejection::QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let token = ticket.map(|Query(ticket)| ticket.token).unwrap_or_default();
    if !app.token.matches(&token) {
        return refuse(
            StatusCode::FORBIDDEN,
            "the token is missing or wrong: open the address that `lowshot serve` printed",
        );
    }
    match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(app.max_message)
            .max_frame_size(app.max_message)
            .on_upgrade(move |socket| attend(socket, app)),
        Err(_) => refuse(StatusCode::UPGRADE_REQUIRED, "this address is for WebSockets"),
    }
}

async fn attend(socket: WebSocket, app: Arc<App>) {
    let (mut sink, mut stream) = socket.split();
    let Ok(_place) = app.sessions.clone().try_acquire_owned() else {
        let error = RunError {
            code: "busy".to_owned(),
            message: format!("this server already has {} connections, its limit", app.max_sessions),
            remedy: "Close another page that uses it, or use an engine in this browser.".to_owned(),
            field: None,
        };
        let frame = Frame::new(lowshot_protocol::Message::Unavailable { error }).encode();
        say_goodbye(&mut sink, frame.ok(), 1013, "too many connections").await;
        return;
    };
    let outbox = Arc::new(Outbox::default());
    let (to_engine, inbox) = mpsc::channel(INBOX);
    if !app.engine.take(inbox, outbox.clone()).await {
        say_goodbye(&mut sink, None, 1011, "the engine has ended").await;
        return;
    }
    let end = tokio::select! {
        end = read(&mut stream, &to_engine, &outbox) => end,
        end = write(&mut sink, &outbox) => end,
    };
    // With its inbox gone, the engine stops this client's runs.
    drop(to_engine);
    outbox.close();
    match end {
        End::Gone => {}
        End::TooSlow => say_goodbye(&mut sink, None, 1008, "messages were not taken in time").await,
        End::Broken(reason) => {
            let frame =
                rejection("malformed", format!("the connection was ended: {reason}"), "Reload the page.");
            say_goodbye(&mut sink, Some(frame), 1009, "malformed or too large").await;
        }
        End::Engine => say_goodbye(&mut sink, None, 1011, "the engine has ended this connection").await,
    }
}

/// Why a connection ended.
enum End {
    Gone,
    TooSlow,
    Broken(String),
    Engine,
}

async fn read(stream: &mut SplitStream<WebSocket>, engine: &mpsc::Sender<Bytes>, outbox: &Outbox) -> End {
    loop {
        // Only waiting for the client counts as its silence, not waiting for the engine.
        let bytes = match timeout(SILENCE, stream.next()).await {
            Err(_) | Ok(None | Some(Ok(Message::Close(_)))) => return End::Gone,
            Ok(Some(Err(error))) => return End::Broken(error.to_string()),
            Ok(Some(Ok(Message::Binary(bytes)))) => bytes,
            Ok(Some(Ok(Message::Text(_)))) => {
                let message = "a text message came, but frames are binary".to_owned();
                outbox.push(rejection(
                    "malformed",
                    message,
                    "Reload the page; it may be of another version.",
                ));
                // Its answer has to fit before the next is read.
                outbox.room().await;
                continue;
            }
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
        };
        if engine.send(bytes).await.is_err() {
            return End::Engine;
        }
        outbox.room().await;
    }
}

async fn write(sink: &mut SplitSink<WebSocket, Message>, outbox: &Outbox) -> End {
    let mut ping = interval(PING);
    loop {
        let message = tokio::select! {
            frame = outbox.next() => match frame {
                Some(frame) => Message::Binary(frame.into()),
                None if outbox.overflowed() => return End::TooSlow,
                None => return End::Engine,
            },
            _ = ping.tick() => Message::Ping(Bytes::new()),
        };
        match timeout(SEND, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Gone,
            Err(_) => return End::TooSlow,
        }
    }
}

async fn say_goodbye(
    sink: &mut SplitSink<WebSocket, Message>,
    frame: Option<Vec<u8>>,
    code: u16,
    reason: &'static str,
) {
    let last = frame.map(|frame| Message::Binary(frame.into()));
    let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
    for message in last.into_iter().chain([close]) {
        if !matches!(timeout(Duration::from_secs(2), sink.send(message)).await, Ok(Ok(()))) {
            return;
        }
    }
}
