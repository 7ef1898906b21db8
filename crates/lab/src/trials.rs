//! Runs of equal trials: which are left, how far it is, when their pictures are drawn, and their means in the report.

use crate::Context;
use lowshot_core::metrics::Interval;
use lowshot_protocol::{Metric, Report, Unit};

/// Seconds between two pictures of all trials.
const PICTURE_SECONDS: f64 = 0.15;

/// The trials of a run or shard that are left.
pub(crate) struct Trials {
    left: Vec<u64>,
    begun: usize,
    whole: u64,
    drawn: f64,
}

impl Trials {
    /// Of `total` trials those that this run still has to do.
    pub(crate) fn left(total: u64, cx: &Context) -> Trials {
        let range = cx.shard().map_or(0..total, |shard| shard.range(total));
        let whole = range.end - range.start;
        Trials { left: cx.remaining(total), begun: 0, whole, drawn: f64::NEG_INFINITY }
    }

    /// The number of the next trial.
    pub(crate) fn begin(&mut self) -> Option<u64> {
        let index = self.left.get(self.begun).copied()?;
        self.begun += 1;
        Some(index)
    }

    /// True in the first trial that is done here: the one to show.
    pub(crate) fn is_first(&self) -> bool {
        self.begun == 1
    }

    /// Tells that the trial has been recorded; true if pictures of all trials should be drawn anew: now and then, at
    /// every step, and at the end.
    pub(crate) fn finished(&mut self, cx: &Context) -> bool {
        let left = self.left.len() - self.begun;
        cx.progress(self.whole - left as u64, self.whole, "trials");
        let now = cx.now();
        let draw = now - self.drawn > PICTURE_SECONDS || left == 0 || cx.stepping();
        if draw {
            self.drawn = now;
        }
        draw
    }

    /// True if everything had been recorded before, so that nothing has been drawn.
    pub(crate) fn none_were_left(&self) -> bool {
        self.left.is_empty()
    }
}

/// Puts a mean over trials with its interval into the report, if there is one.
pub(crate) fn put_mean(report: &mut Report, name: String, found: Option<Interval>, unit: Unit) {
    if let Some(found) = found {
        report.metrics.insert(name, Metric::with_half_width(found.mean, found.half_width, unit));
    }
}
