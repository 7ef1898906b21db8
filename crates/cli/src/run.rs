//! `lowshot run`: one run, from a request to a finished run directory.

use crate::args::RunArgs;
use crate::error::CliError;
use crate::platform::NativePlatform;
use crate::run_dir::{self, Interrupted, RunDir, Saved};
use crate::sink::{Left, RunSink};
use crate::{Outcome, report_html, request, summary, terminal};
use futures::executor::block_on;
use lowshot_lab::device::{self, DeviceKind, OpenDevice};
use lowshot_lab::{Control, Error, Resumed, registry};
use lowshot_protocol::{Event, Report};
use std::path::Path;
use std::rc::Rc;

/// What a run says on standard output.
#[derive(Clone, Copy)]
pub(crate) struct Talk {
    /// Only the report, as JSON.
    pub(crate) json: bool,
    /// Nothing but errors.
    pub(crate) quiet: bool,
}

/// A run that is ready to go.
pub(crate) struct Job {
    /// Its directory.
    pub(crate) dir: RunDir,
    /// What `config.json` says.
    pub(crate) saved: Saved,
    /// What is done already.
    pub(crate) resumed: Resumed,
    /// Clock and files.
    pub(crate) platform: NativePlatform,
    /// The device, opened.
    pub(crate) device: OpenDevice,
    /// False if all items have to be there already.
    pub(crate) new_items: bool,
}

/// Runs a method, or goes on with an interrupted run.
pub(crate) fn run(args: &RunArgs) -> Outcome {
    let talk = Talk { json: args.json, quiet: args.quiet };
    if let Some(dir) = &args.resume {
        return resume(args, dir, talk);
    }
    let method = args.method.as_deref().unwrap_or_default();
    let request = request::build(method, args)?;
    let kind = args.device.unwrap_or(DeviceKind::Cpu);
    let device = open(kind)?;
    let path = args
        .out
        .clone()
        .unwrap_or_else(|| run_dir::default_path(&request.method, request.seed, request.shard));
    let saved = Saved { request, device: kind.to_string() };
    let (dir, saved) = RunDir::create(&path, &saved, args.force)?;
    let platform = NativePlatform::new(Default::default());
    let job = Job { dir, saved, resumed: Resumed::default(), platform, device, new_items: true };
    execute(job, talk, |report| report)
}

fn resume(args: &RunArgs, path: &Path, talk: Talk) -> Outcome {
    let saved = run_dir::saved(path)?;
    request::check_resume(args, path, &saved.request)?;
    if let Some(report) = run_dir::report(path)? {
        if talk.json {
            return terminal::print(&String::from_utf8_lossy(&lowshot_data::json_bytes(&report)?));
        }
        return terminal::print(&format!(
            "{} is finished already: see {}\n",
            path.display(),
            path.join("report.html").display()
        ));
    }
    let kind = match args.device {
        Some(kind) => kind,
        None => saved.device.parse::<DeviceKind>()?,
    };
    let device = open(kind)?;
    let Interrupted { dir, records, digests } = RunDir::resume(path)?;
    if !talk.quiet {
        terminal::complain(&format!("going on after {} saved results", records.len()));
    }
    let platform = NativePlatform::new(digests);
    execute(
        Job { dir, saved, resumed: Resumed { records }, platform, device, new_items: true },
        talk,
        |report| report,
    )
}

/// Opens a device; GPUs have to pass their known-answer test first.
///
/// # Errors
/// [`CliError::Lab`] says what is missing, or which kernel gives wrong results.
pub(crate) fn open(kind: DeviceKind) -> Result<OpenDevice, CliError> {
    let device = block_on(device::open(kind))?;
    if kind != DeviceKind::Cpu {
        block_on(lowshot_lab::self_test(&device.device)).map_err(Error::from)?;
    }
    Ok(device)
}

/// Runs a job to its end and writes everything that a run directory holds; `finish` may add to the report.
///
/// # Errors
/// What the run met, or what the file system refused.
pub(crate) fn execute(job: Job, talk: Talk, finish: impl FnOnce(Report) -> Report) -> Outcome {
    let Job { dir, saved, resumed, platform, device, new_items } = job;
    let card = registry::find(&saved.request.method)?.info();
    let control = Control::new(false);
    stop_on_signal(control.clone());
    let kept = resumed.records.len() as u64;
    let (dir, platform) = (Rc::new(dir), Rc::new(platform));
    let sink = RunSink::new(dir.clone(), platform.clone(), control.clone(), talk.quiet, new_items)?;
    let sink = Rc::new(sink);
    let request = saved.request.clone();
    let outcome =
        block_on(lowshot_lab::run(request, Vec::new(), resumed, device, platform, sink.clone(), control));
    // A failure to write stops the run, so it comes before what the run says.
    let left = sink.close()?;
    let report = match outcome {
        Ok(report) => finish(report),
        Err(Error::Stopped) => return Err(stopped(&dir, kept + left.recorded)),
        Err(error) => {
            drop(sink);
            // Nothing was computed here that would be lost.
            let nothing_lost = !new_items || (error.is_usage() && kept + left.recorded == 0);
            if let Some(dir) = Rc::into_inner(dir).filter(|_| nothing_lost) {
                dir.discard(&saved);
            }
            return Err(error.into());
        }
    };
    sink.write_log(Event::Finished { report: Box::new(report.clone()) })?;
    dir.write_count(kept + left.recorded)?;
    let Left { views, artifacts, .. } = left;
    for (id, view) in &views {
        dir.write_plot(id, &report_html::plot(&card.card, id, view))?;
    }
    let html = report_html::page(&card, &saved, &report, &views, &artifacts);
    dir.write("report.html", html.as_bytes())?;
    let json = lowshot_data::json_bytes(&report)?;
    dir.write("report.json", &json)?;
    if talk.json {
        return terminal::print(&String::from_utf8_lossy(&json));
    }
    if talk.quiet {
        return Ok(());
    }
    terminal::print(&summary::summary(&card.card, &report, dir.path(), &artifacts))
}

fn stopped(dir: &RunDir, saved: u64) -> CliError {
    let path = dir.path().display();
    CliError::Failed(if saved == 0 {
        "stopped before any result was saved; run the same command to begin again".to_owned()
    } else {
        format!("stopped with {saved} results saved; go on with: lowshot run --resume {path}")
    })
}

/// Stops the run at its next tick on Ctrl-C or on the signal with which batch systems announce the end; a second
/// signal ends the process at once, which loses nothing that was saved.
fn stop_on_signal(control: Control) {
    let wait = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async move {
            if next_signal().await.is_err() {
                return;
            }
            terminal::complain("stopping at the next step; once more stops at once");
            control.stop();
            if next_signal().await.is_ok() {
                std::process::exit(1);
            }
        });
    };
    // Without the thread, a signal ends the process at once.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
}

/// Waits for Ctrl-C or, on Unix, a termination signal.
///
/// # Errors
/// If signals cannot be waited for.
pub(crate) async fn next_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupt = tokio::signal::ctrl_c() => interrupt,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
