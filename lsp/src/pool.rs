//! A few threads that answer requests. Work that panics costs its own answer, not the thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// How many threads there are at least and at most.
const THREADS: (usize, usize) = (2, 4);

/// The threads; they end when the pool is dropped.
pub(crate) struct Pool {
    jobs: Sender<Job>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let cores = thread::available_parallelism().map_or(THREADS.0, usize::from);
        for _ in 0..cores.clamp(THREADS.0, THREADS.1) {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    // Whoever made the job tells of the panic.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            });
        }
        Self { jobs }
    }

    /// Does this as soon as a thread is free.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        // The threads live as long as this sender does.
        let _ = self.jobs.send(Box::new(job));
    }
}
