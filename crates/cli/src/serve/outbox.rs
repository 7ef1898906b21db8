//! What waits to be sent to one client: bounded, whatever the client does.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Above this many bytes the client's runs wait at their next tick.
const SOFT: usize = 4 << 20;
/// Above this many bytes the connection ends; a run can produce so much only within one tick.
const HARD: usize = 256 << 20;

/// A queue of frames from the engine's thread to the connection's task.
#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
    closed: bool,
    overflowed: bool,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every statement leaves the state valid, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame; after the end it is dropped.
    pub(super) fn push(&self, frame: Vec<u8>) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        if !state.frames.is_empty() && state.bytes + frame.len() > HARD {
            state.frames.clear();
            state.bytes = 0;
            state.closed = true;
            state.overflowed = true;
            drop(state);
            self.emptied.notify_waiters();
        } else {
            state.bytes += frame.len();
            state.frames.push_back(frame);
            drop(state);
        }
        self.filled.notify_one();
    }

    /// The next frame; `None` after the end, when all are taken.
    pub(super) async fn next(&self) -> Option<Vec<u8>> {
        loop {
            {
                let mut state = self.state();
                if let Some(frame) = state.frames.pop_front() {
                    state.bytes -= frame.len();
                    if state.bytes <= SOFT {
                        self.emptied.notify_waiters();
                    }
                    return Some(frame);
                }
                if state.closed {
                    return None;
                }
            }
            // One consumer: a frame pushed since then has left its permit.
            self.filled.notified().await;
        }
    }

    /// Waits until the client has taken most of what there is for it, or has gone.
    pub(super) async fn room(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // Registered before the look, so that nothing happens unseen in between.
            emptied.as_mut().enable();
            {
                let state = self.state();
                if state.closed || state.bytes <= SOFT {
                    return;
                }
            }
            emptied.await;
        }
    }

    /// Takes no more frames; those that wait may still be sent.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }

    /// True if it ended because the client took too little.
    pub(super) fn overflowed(&self) -> bool {
        self.state().overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_client_that_takes_nothing_holds_its_runs_and_then_loses_its_connection() {
        let outbox = Outbox::default();
        outbox.push(vec![0; SOFT]);
        assert!(outbox.room().now_or_never().is_some());
        outbox.push(vec![0; 1]);
        assert!(outbox.room().now_or_never().is_none());
        outbox.push(vec![0; HARD]);
        assert!(outbox.overflowed());
        assert!(outbox.room().now_or_never().is_some());
        assert_eq!(outbox.next().now_or_never(), Some(None));
        outbox.push(vec![1]);
        assert_eq!(outbox.next().now_or_never(), Some(None));
    }

    #[test]
    fn one_large_frame_passes_and_the_rest_is_sent_after_closing() {
        let outbox = Outbox::default();
        outbox.push(vec![7; HARD + 1]);
        outbox.close();
        outbox.push(vec![1]);
        assert_eq!(outbox.next().now_or_never().flatten().map(|frame| frame.len()), Some(HARD + 1));
        assert_eq!(outbox.next().now_or_never(), Some(None));
        assert!(!outbox.overflowed());
    }
}
