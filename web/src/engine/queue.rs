//! Whose turn it is: the demos of a page share one engine, and only a visible one runs.

use lowshot_protocol::RunId;

/// A demo of the page.
pub type Client = u32;

/// What has to be told to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the request.
    Send(RunId),
    /// Send [`lowshot_protocol::Command::Pause`].
    Pause(RunId),
    /// Send [`lowshot_protocol::Command::Resume`].
    Resume(RunId),
    /// Send [`lowshot_protocol::Command::Step`].
    Step(RunId),
}

#[derive(Clone, Debug)]
struct Job {
    run: RunId,
    client: Client,
    sent: bool,
    /// Held by the visitor.
    held: bool,
    /// Held as far as the engine was told.
    told_held: bool,
    steps: u32,
}

/// The unfinished runs of a page.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    jobs: Vec<Job>,
    hidden: Vec<Client>,
    ready: bool,
}

impl Queue {
    /// Adds a run; a held one waits for [`Queue::step`] or [`Queue::resume`] but is sent at once.
    pub fn push(&mut self, run: RunId, client: Client, held: bool) -> Vec<Action> {
        self.jobs.push(Job { run, client, sent: false, held, told_held: held, steps: 0 });
        self.settle()
    }

    /// Takes a run out, after its end.
    pub fn remove(&mut self, run: RunId) -> Vec<Action> {
        self.jobs.retain(|job| job.run != run);
        self.settle()
    }

    /// The visitor holds a run.
    pub fn pause(&mut self, run: RunId) -> Vec<Action> {
        self.change(run, |job| job.held = true)
    }

    /// The visitor lets a run go on.
    pub fn resume(&mut self, run: RunId) -> Vec<Action> {
        self.change(run, |job| job.held = false)
    }

    /// The visitor lets a run go on for one tick and holds it there.
    pub fn step(&mut self, run: RunId) -> Vec<Action> {
        self.change(run, |job| {
            job.held = true;
            job.steps += 1;
        })
    }

    /// Scrolled into or out of sight.
    pub fn show(&mut self, client: Client, visible: bool) -> Vec<Action> {
        self.hidden.retain(|c| *c != client);
        if !visible {
            self.hidden.push(client);
        }
        self.settle()
    }

    /// An engine is there, or gone; the runs it had are forgotten and returned.
    pub fn ready(&mut self, ready: bool) -> (Vec<RunId>, Vec<Action>) {
        self.ready = ready;
        let mut lost = Vec::new();
        if !ready {
            lost = self.jobs.iter().filter(|j| j.sent).map(|j| j.run).collect();
            self.jobs.retain(|j| !j.sent);
        }
        (lost, self.settle())
    }

    /// True if the engine has been told to compute something.
    pub fn busy(&self) -> bool {
        self.jobs.iter().any(|j| j.sent && !j.told_held)
    }

    /// All runs in the queue.
    pub fn runs(&self) -> Vec<RunId> {
        self.jobs.iter().map(|j| j.run).collect()
    }

    /// True if the visitor holds the run.
    pub fn held(&self, run: RunId) -> bool {
        self.jobs.iter().any(|j| j.run == run && j.held)
    }

    /// True if the run has been sent to the engine.
    pub fn sent(&self, run: RunId) -> bool {
        self.jobs.iter().any(|j| j.run == run && j.sent)
    }

    fn change(&mut self, run: RunId, change: impl FnOnce(&mut Job)) -> Vec<Action> {
        if let Some(job) = self.jobs.iter_mut().find(|j| j.run == run) {
            change(job);
        }
        self.settle()
    }

    fn settle(&mut self) -> Vec<Action> {
        let (mut pauses, mut actions) = (Vec::new(), Vec::new());
        if !self.ready {
            return actions;
        }
        let hidden = &self.hidden;
        let turn = self.jobs.iter().find(|j| !j.held && !hidden.contains(&j.client)).map(|j| j.run);
        for job in &mut self.jobs {
            let goes = turn == Some(job.run);
            if !job.sent && (goes || job.held) {
                job.sent = true;
                job.told_held = job.held;
                actions.push(Action::Send(job.run));
            }
            if !job.sent {
                continue;
            }
            if job.steps > 0 {
                // A step also holds.
                actions.extend((0..std::mem::take(&mut job.steps)).map(|_| Action::Step(job.run)));
                job.told_held = true;
            } else if goes && job.told_held {
                job.told_held = false;
                actions.push(Action::Resume(job.run));
            } else if !goes && !job.told_held {
                job.told_held = true;
                pauses.push(Action::Pause(job.run));
            }
        }
        // What goes on comes after what is held, so that two never compute at once.
        pauses.append(&mut actions);
        pauses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Pause, Resume, Send, Step};

    fn ready() -> Queue {
        let mut queue = Queue::default();
        assert_eq!(queue.ready(true), (vec![], vec![]));
        queue
    }

    #[test]
    fn runs_wait_for_an_engine_and_for_each_other() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(1, 1, false), []);
        assert_eq!(queue.push(2, 2, false), []);
        assert_eq!(queue.ready(true).1, [Send(1)]);
        assert!(queue.busy());
        assert_eq!(queue.remove(1), [Send(2)]);
        assert_eq!(queue.remove(2), []);
        assert!(!queue.busy());
    }

    #[test]
    fn only_the_visible_one_runs() {
        let mut queue = ready();
        assert_eq!(queue.push(1, 1, false), [Send(1)]);
        assert_eq!(queue.push(2, 2, false), []);
        assert_eq!(queue.show(1, false), [Pause(1), Send(2)]);
        assert_eq!(queue.show(1, true), [Pause(2), Resume(1)]);
        assert_eq!(queue.show(2, false), []);
        assert_eq!(queue.remove(1), []);
        assert_eq!(queue.show(2, true), [Resume(2)]);
    }

    #[test]
    fn a_run_held_by_the_visitor_makes_room() {
        let mut queue = ready();
        assert_eq!(queue.push(1, 1, false), [Send(1)]);
        assert_eq!(queue.push(2, 2, false), []);
        assert_eq!(queue.pause(1), [Pause(1), Send(2)]);
        assert_eq!(queue.step(1), [Step(1)]);
        assert_eq!(queue.resume(1), [Pause(2), Resume(1)]);
    }

    #[test]
    fn a_run_can_begin_with_a_step() {
        let mut queue = ready();
        assert_eq!(queue.push(1, 1, true), [Send(1)]);
        assert_eq!(queue.step(1), [Step(1)]);
        assert_eq!(queue.resume(1), [Resume(1)]);
        let mut late = Queue::default();
        assert_eq!(late.push(1, 1, true), []);
        assert_eq!(late.step(1), []);
        let actions = late.ready(true).1;
        assert!(actions.contains(&Send(1)) && actions.contains(&Step(1)));
        let at = |a| actions.iter().position(|b| *b == a);
        assert!(at(Send(1)) < at(Step(1)), "a run is sent before it is stepped: {actions:?}");
    }

    #[test]
    fn a_lost_engine_gives_up_what_it_had() {
        let mut queue = ready();
        queue.push(1, 1, false);
        queue.push(2, 2, false);
        assert_eq!(queue.ready(false), (vec![1], vec![]));
        assert_eq!(queue.ready(true), (vec![], vec![Send(2)]));
        assert!(queue.sent(2) && !queue.sent(1));
        assert_eq!(queue.runs(), [2]);
    }
}
