//! Holding, stepping and stopping a run from outside.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The handle by which a run is held, stepped and stopped; clones control the same run, from any thread.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    held: bool,
    steps: u32,
    stopped: bool,
    waker: Option<Waker>,
}

/// The run was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl Control {
    /// A run that goes on, or one that is held at its first tick.
    pub fn new(held: bool) -> Control {
        Control(Arc::new(Mutex::new(State { held, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid after every statement, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.state();
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Holds the run at its next tick.
    pub fn pause(&self) {
        self.change(|s| {
            s.held = true;
            s.steps = 0;
        });
    }

    /// Lets the run go on.
    pub fn resume(&self) {
        self.change(|s| s.held = false);
    }

    /// Lets a held run go on for one tick; a running one is held after its next tick.
    pub fn step(&self) {
        self.change(|s| {
            s.held = true;
            s.steps = s.steps.saturating_add(1);
        });
    }

    /// Ends the run at its next tick.
    pub fn stop(&self) {
        self.change(|s| s.stopped = true);
    }

    /// True once [`Control::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// True while the run is held or stepped.
    pub fn is_held(&self) -> bool {
        self.state().held
    }

    /// Passes one tick: at once if the run goes on, else when it is resumed or stepped. `held` is called once if the
    /// tick has to wait.
    ///
    /// # Errors
    /// [`Stopped`] if the run is to end.
    pub async fn pass(&self, held: impl FnOnce()) -> Result<(), Stopped> {
        let mut held = Some(held);
        poll_fn(move |cx| {
            {
                let mut state = self.state();
                if state.stopped {
                    return Poll::Ready(Err(Stopped));
                }
                if !state.held {
                    return Poll::Ready(Ok(()));
                }
                if state.steps > 0 {
                    state.steps -= 1;
                    return Poll::Ready(Ok(()));
                }
                state.waker = Some(cx.waker().clone());
            }
            if let Some(held) = held.take() {
                held();
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn ticks_pass_wait_step_and_stop() {
        let control = Control::new(false);
        assert_eq!(control.pass(|| {}).now_or_never(), Some(Ok(())));
        control.pause();
        let mut told = 0;
        assert_eq!(control.pass(|| told += 1).now_or_never(), None);
        assert_eq!(told, 1);
        control.step();
        assert_eq!(control.pass(|| {}).now_or_never(), Some(Ok(())));
        assert_eq!(control.pass(|| {}).now_or_never(), None);
        control.resume();
        assert_eq!(control.pass(|| {}).now_or_never(), Some(Ok(())));
        control.stop();
        assert_eq!(control.pass(|| {}).now_or_never(), Some(Err(Stopped)));
    }

    #[test]
    fn a_waiting_tick_is_woken_from_another_thread() {
        let control = Control::new(true);
        let other = control.clone();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            other.stop();
        });
        assert_eq!(futures::executor::block_on(control.pass(|| {})), Err(Stopped));
        thread.join().unwrap();
    }
}
