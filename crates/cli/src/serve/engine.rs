//! The thread that owns the device and runs everything.

use super::outbox::Outbox;
use crate::error::CliError;
use crate::platform;
use axum::body::Bytes;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use lowshot_lab::device::{self, DeviceKind, OpenDevice};
use lowshot_lab::{Error, Platform, Session, SessionLimits, device_info};
use lowshot_protocol::frame::Frame;
use lowshot_protocol::{DeviceInfo, EngineKind, Message, RunError};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

/// A command is small; data comes as attachments. JSON needs many times its length when it is read.
const MAX_COMMAND: usize = 1 << 20;

/// The way to the engine's thread.
#[derive(Clone)]
pub(super) struct Engine(mpsc::Sender<Client>);

/// One connection as the engine sees it.
struct Client {
    inbox: mpsc::Receiver<Bytes>,
    outbox: Arc<Outbox>,
}

/// Opens and tests the device on a thread of its own.
///
/// # Errors
/// [`CliError`] says what the device lacks, or which kernel gives wrong results on it.
pub(super) async fn start(
    kind: DeviceKind,
    data_dir: Option<PathBuf>,
    limits: SessionLimits,
) -> Result<(Engine, DeviceInfo), CliError> {
    let (clients, requests) = mpsc::channel(1);
    let (ready, answer) = oneshot::channel();
    let work = move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = ready.send(Err(CliError::Failed(format!("the engine cannot start: {error}"))));
                return;
            }
        };
        LocalSet::new().block_on(&runtime, work(kind, data_dir, limits, ready, requests));
    };
    let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(work);
    thread.map_err(|error| CliError::Failed(format!("the engine cannot start: {error}")))?;
    let died = |_| CliError::Failed("the engine ended while it opened the device".to_owned());
    let device = answer.await.map_err(died)??;
    Ok((Engine(clients), device))
}

async fn work(
    kind: DeviceKind,
    data_dir: Option<PathBuf>,
    limits: SessionLimits,
    ready: oneshot::Sender<Result<DeviceInfo, CliError>>,
    mut requests: mpsc::Receiver<Client>,
) {
    let device = match open(kind).await {
        Ok(device) => device,
        Err(error) => {
            let _ = ready.send(Err(error.into()));
            return;
        }
    };
    if ready.send(Ok(device_info(&device))).is_err() {
        return;
    }
    while let Some(client) = requests.recv().await {
        spawn_local(attend(client, device.clone(), data_dir.clone(), limits));
    }
}

async fn open(kind: DeviceKind) -> Result<OpenDevice, Error> {
    let device = device::open(kind).await?;
    lowshot_lab::self_test(&device.device).await?;
    Ok(device)
}

/// Serves one client until its inbox ends; then its runs are stopped.
async fn attend(client: Client, device: OpenDevice, data_dir: Option<PathBuf>, limits: SessionLimits) {
    let Client { mut inbox, outbox } = client;
    let platform = Rc::new(ServerPlatform { start: Instant::now(), data_dir, outbox: outbox.clone() });
    let send = {
        let outbox = outbox.clone();
        Rc::new(move |frame| outbox.push(frame))
    };
    let session = Session::new(EngineKind::Native, device, platform, limits, send);
    session.hello();
    while let Some(bytes) = inbox.recv().await {
        if let Some(length) = command_length(&bytes).filter(|length| *length > MAX_COMMAND) {
            let message = format!("a command of {length} bytes; at most {MAX_COMMAND} are taken");
            outbox.push(rejection("too-large", message, "Send data as attachments."));
            continue;
        }
        // A panic is a defect, and must stay the defect of one client.
        match std::panic::catch_unwind(AssertUnwindSafe(|| session.handle(&bytes))) {
            Ok(Some(run)) => {
                let outbox = outbox.clone();
                spawn_local(async move {
                    if AssertUnwindSafe(run).catch_unwind().await.is_err() {
                        fail(&outbox);
                    }
                });
            }
            Ok(None) => {}
            Err(_) => fail(&outbox),
        }
    }
    session.close();
    outbox.close();
}

/// Tells the client that its engine is gone, and ends the connection.
fn fail(outbox: &Outbox) {
    let error = RunError {
        code: "panic".to_owned(),
        message: "the engine failed while it worked on this run; the server's terminal shows where"
            .to_owned(),
        remedy: "Reload the page. If it happens again, report it with this link.".to_owned(),
        field: None,
    };
    if let Ok(frame) = Frame::new(Message::Unavailable { error }).encode() {
        outbox.push(frame);
    }
    outbox.close();
}

/// A message that a command was not taken.
pub(super) fn rejection(code: &str, message: String, remedy: &str) -> Vec<u8> {
    let error = RunError { code: code.to_owned(), message, remedy: remedy.to_owned(), field: None };
    Frame::new(Message::Rejected { error }).encode().unwrap_or_default()
}

/// Length of the JSON part that a frame announces.
fn command_length(frame: &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(frame.get(4..8)?.try_into().ok()?) as usize)
}

impl Engine {
    /// Takes a client; `false` if the engine's thread is gone.
    pub(super) async fn take(&self, inbox: mpsc::Receiver<Bytes>, outbox: Arc<Outbox>) -> bool {
        self.0.send(Client { inbox, outbox }).await.is_ok()
    }
}

/// Clock and files of one client's runs.
struct ServerPlatform {
    start: Instant,
    data_dir: Option<PathBuf>,
    outbox: Arc<Outbox>,
}

impl Platform for ServerPlatform {
    fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn yield_now(&self) -> LocalBoxFuture<'_, ()> {
        async {
            tokio::task::yield_now().await;
            // A run goes no faster than its client listens.
            self.outbox.room().await;
        }
        .boxed_local()
    }

    fn bundled<'a>(&'a self, file: &'a str) -> LocalBoxFuture<'a, Result<Vec<u8>, String>> {
        futures::future::ready(platform::bundled(file)).boxed_local()
    }

    fn read_path(&self, path: &str) -> Result<Vec<u8>, String> {
        let Some(root) = &self.data_dir else {
            return Err(
                "this server reads no files: start it with --data-dir, or drop the file on the page".into()
            );
        };
        // The same words whether it is not there or not allowed: what is elsewhere is nobody's business.
        let none = || "there is no such file in the server's data directory".to_owned();
        let real = root.join(path).canonicalize().map_err(|_| none())?;
        // A pipe or a device in it could hold up everybody.
        if !real.starts_with(root) || !real.is_file() {
            return Err(none());
        }
        platform::read_file(&real)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(data_dir: Option<PathBuf>) -> ServerPlatform {
        ServerPlatform { start: Instant::now(), data_dir, outbox: Arc::default() }
    }

    #[test]
    fn files_are_read_only_under_the_data_directory() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        std::fs::create_dir_all(data.join("sub")).unwrap();
        std::fs::write(data.join("sub/in.csv"), "1,2").unwrap();
        std::fs::write(root.path().join("out.csv"), "secret").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.path().join("out.csv"), data.join("link.csv")).unwrap();
        let reader = reader(Some(data.canonicalize().unwrap()));
        assert_eq!(reader.read_path("sub/in.csv").unwrap(), b"1,2");
        assert_eq!(reader.read_path("sub/../sub/in.csv").unwrap(), b"1,2");
        let outside = root.path().join("out.csv");
        for path in [
            "../out.csv",
            outside.to_str().unwrap(),
            "link.csv",
            "sub",
            "",
            "none.csv",
            "a\0b",
            "/etc/passwd",
        ] {
            let error = reader.read_path(path).unwrap_err();
            assert_eq!(error, "there is no such file in the server's data directory", "{path}");
        }
    }

    #[test]
    fn without_a_data_directory_nothing_is_read() {
        assert!(reader(None).read_path("/etc/passwd").unwrap_err().contains("--data-dir"));
    }
}
