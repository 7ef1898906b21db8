//! How far a run is: a bar on a terminal, plain lines elsewhere, always on standard error.

use crate::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lowshot_protocol::NoteLevel;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Plain lines come after this time, and then each time it has passed again.
const INTERVAL: Duration = Duration::from_secs(10);

/// Shows progress and notes.
pub(crate) enum Progress {
    /// Nothing at all (`--quiet`).
    Silent,
    /// A bar that redraws itself.
    Bar(ProgressBar),
    /// A line now and then.
    Lines(Lines),
}

/// State of plain progress.
pub(crate) struct Lines {
    start: Instant,
    printed: Instant,
    first: Option<u64>,
}

impl Progress {
    /// Fits the surroundings; `quiet` silences it.
    pub(crate) fn new(quiet: bool) -> Progress {
        if quiet {
            return Progress::Silent;
        }
        if !std::io::stderr().is_terminal() {
            let now = Instant::now();
            return Progress::Lines(Lines { start: now, printed: now, first: None });
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
        // No colours, so NO_COLOR has nothing to switch off.
        bar.set_style(
            ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Progress::Bar(bar)
    }

    /// `done` of `total` units are done; `total` is 0 if it is not known.
    pub(crate) fn update(&mut self, done: u64, total: u64, unit: &str) {
        match self {
            Progress::Silent => {}
            Progress::Bar(bar) => {
                bar.set_message(unit.to_owned());
                if bar.length() != Some(total) {
                    // A resumed run begins in the middle: what was done before is no part of its speed.
                    bar.set_length(total);
                    bar.set_position(done);
                    bar.reset_eta();
                }
                bar.set_position(done);
            }
            Progress::Lines(lines) => {
                let first = *lines.first.get_or_insert(done);
                if lines.printed.elapsed() >= INTERVAL {
                    lines.printed = Instant::now();
                    let seconds = lines.start.elapsed().as_secs_f64();
                    terminal::complain(&line(done, total, unit, done.saturating_sub(first), seconds));
                }
            }
        }
    }

    /// A remark of the method.
    pub(crate) fn note(&self, level: NoteLevel, text: &str) {
        let text = match level {
            NoteLevel::Info => format!("note: {text}"),
            NoteLevel::Warning => format!("warning: {text}"),
        };
        match self {
            Progress::Silent => {}
            Progress::Bar(bar) => bar.suspend(|| terminal::complain(&text)),
            Progress::Lines(_) => terminal::complain(&text),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn line(done: u64, total: u64, unit: &str, fresh: u64, seconds: f64) -> String {
    let rate = fresh as f64 / seconds.max(1e-9);
    if total == 0 || fresh == 0 {
        return format!("{done} {unit} after {seconds:.0} s");
    }
    let percent = 100.0 * done as f64 / total as f64;
    let left = total.saturating_sub(done) as f64 / rate;
    format!("{done}/{total} {unit} ({percent:.0} %), {} per second, {} left", short(rate), time(left))
}

fn short(rate: f64) -> String {
    if rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.2}") }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_speed_without_what_was_done_before() {
        assert_eq!(line(350, 600, "episodes", 50, 5.0), "350/600 episodes (58 %), 10 per second, 25 s left");
        assert_eq!(line(350, 0, "steps", 50, 5.0), "350 steps after 5 s");
        assert!(line(1, 1_000_000, "steps", 1, 1.0).ends_with("277.8 h left"));
    }
}
