//! `lowshot serve`: the page, with this machine as its engine.
//!
//! One thread owns the device and runs everything ([`engine`]); this one answers HTTP and moves frames, so that a
//! long computation never holds up a page load. Who may connect is decided in [`auth`].

mod auth;
mod engine;
mod listener;
mod outbox;
mod socket;
mod static_files;

use crate::args::ServeArgs;
use crate::error::CliError;
use crate::{Outcome, run, terminal};
use auth::{Hosts, Token};
use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lowshot_lab::SessionLimits;
use lowshot_protocol::DeviceInfo;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What the page works under; the same as any static host should send.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; \
                      style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws: wss:";

/// What all requests share.
struct App {
    site: PathBuf,
    token: Token,
    hosts: Hosts,
    device: DeviceInfo,
    engine: engine::Engine,
    sessions: Arc<Semaphore>,
    max_sessions: u32,
    max_message: usize,
}

/// Serves until Ctrl-C.
pub(crate) fn serve(args: &ServeArgs) -> Outcome {
    let token = Token::choose(args.token.as_deref())?;
    let data_dir = args.data_dir.as_deref().map(data_dir).transpose()?;
    let site = args.site.canonicalize().unwrap_or_else(|_| args.site.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::Failed(format!("the server cannot start: {e}")))?;
    runtime.block_on(async {
        // The address first: it is the likeliest thing to be wrong, and opening a device takes a while.
        let listener = TcpListener::bind(args.bind).await.map_err(|e| cannot_listen(args.bind, &e))?;
        let address = listener.local_addr().map_err(|e| cannot_listen(args.bind, &e))?;
        let limits = SessionLimits { runs: args.max_runs as usize };
        let (engine, device) = engine::start(args.device, data_dir, limits).await?;
        let app = Arc::new(App {
            hosts: Hosts::new(address.ip(), &args.allow_host),
            token,
            site,
            device,
            engine,
            sessions: Arc::new(Semaphore::new(args.max_sessions as usize)),
            max_sessions: args.max_sessions,
            max_message: args.max_message as usize * 1024 * 1024,
        });
        announce(args, &app, address)?;
        let server = axum::serve(listener::Bounded::new(listener), router(app));
        tokio::select! {
            ended = server => ended.map_err(|e| CliError::Failed(format!("the server ended: {e}"))),
            _ = run::next_signal() => Ok(()),
        }
    })
}

fn data_dir(path: &Path) -> Result<PathBuf, CliError> {
    match path.canonicalize() {
        Ok(real) if real.is_dir() => Ok(real),
        Ok(_) => Err(CliError::Usage(format!("--data-dir {}: is not a directory", path.display()))),
        Err(error) => Err(CliError::Usage(format!("--data-dir {}: {error}", path.display()))),
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> CliError {
    let remedy = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "; another program has this port (another `lowshot serve`?): stop it, or take another one with --bind"
        }
        std::io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need more rights: take another one with --bind"
        }
        std::io::ErrorKind::AddrNotAvailable => "; this machine has no such address: see --bind",
        _ => "",
    };
    CliError::Failed(format!("cannot listen on {address}: {error}{remedy}"))
}

fn announce(args: &ServeArgs, app: &App, address: SocketAddr) -> Result<(), CliError> {
    let open = match (address.ip().is_unspecified(), address) {
        (true, SocketAddr::V4(_)) => SocketAddr::from(([127, 0, 0, 1], address.port())),
        (true, SocketAddr::V6(_)) => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port())),
        (false, address) => address,
    };
    let data = match &args.data_dir {
        Some(dir) => format!("files under {}", dir.display()),
        None => "no files of this machine (see --data-dir)".to_owned(),
    };
    terminal::print(&format!(
        "Lowshot {} on {} ({})\n  page   http://{open}/?token={}\n  reads  {data}\nCtrl-C stops it.\n",
        lowshot_lab::VERSION,
        app.device.id,
        app.device.name,
        app.token.text()
    ))?;
    if !app.site.join("index.html").is_file() {
        terminal::complain(&format!(
            "warning: there is no page in {}: build it with `cargo xtask web`, or give its directory with --site",
            args.site.display()
        ));
    }
    if !address.ip().is_loopback() {
        terminal::complain(&format!(
            "warning: {address} can be reached from other machines, and what is sent is not encrypted. Whoever has the \
             token can run methods here. Safer: listen on 127.0.0.1 and use `ssh -L {0}:127.0.0.1:{0} THIS-MACHINE`.",
            address.port()
        ));
        if app.token.is_short() {
            terminal::complain("warning: the token is short for an address that others can reach");
        }
    }
    Ok(())
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/engine", get(socket::connect))
        .route("/server.json", get(server_facts))
        .fallback(get(file))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

/// Turns away requests that another site makes a browser send, and adds the headers of all answers.
async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match app.hosts.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => refuse(StatusCode::FORBIDDEN, &reason),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        // The first address of the page has the token in it.
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// An answer that says why not, as plain text.
fn refuse(status: StatusCode, reason: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{reason}\n")).into_response()
}

#[derive(Serialize)]
struct ServerFacts {
    /// Where the WebSocket is, relative to this file.
    engine: &'static str,
    device: DeviceInfo,
    version: &'static str,
}

async fn server_facts(State(app): State<Arc<App>>) -> Json<ServerFacts> {
    Json(ServerFacts { engine: "engine", device: app.device.clone(), version: lowshot_lab::VERSION })
}

async fn file(State(app): State<Arc<App>>, headers: HeaderMap, request: Request) -> Response {
    static_files::answer(&app.site, request.uri(), &headers).await
}
