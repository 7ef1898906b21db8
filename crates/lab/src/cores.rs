//! Parts of a batch on the cores of a processor.
//!
//! On a CPU the tensor library computes most operations on one thread, and the items of a batch do not depend on each
//! other: so each core takes a part of the batch through all of its operations.

use crate::{Context, Error};
use lowshot_kernels::device::DeviceKind;

/// What a run may compute at once: the cores of a CPU device; 1 on a GPU, whose queue belongs to one thread, and in
/// WebAssembly, which has no threads.
pub(crate) struct Cores {
    count: usize,
    /// One pool of one thread for each core. What runs inside such a pool stays on its thread, also where a library
    /// would divide its work: cores then do not wait for each other.
    #[cfg(not(target_family = "wasm"))]
    pools: std::cell::OnceCell<Vec<rayon::ThreadPool>>,
}

impl Cores {
    /// Of a device.
    pub(crate) fn of(kind: DeviceKind) -> Cores {
        let count = match kind {
            DeviceKind::Cpu if !cfg!(target_family = "wasm") => {
                std::thread::available_parallelism().map_or(1, usize::from)
            }
            _ => 1,
        };
        Cores {
            count,
            #[cfg(not(target_family = "wasm"))]
            pools: std::cell::OnceCell::new(),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

#[cfg(not(target_family = "wasm"))]
impl Cores {
    fn pools(&self) -> &[rayon::ThreadPool] {
        let build = |_| rayon::ThreadPoolBuilder::new().num_threads(1).build().ok();
        // A machine that gives no more threads computes with those that it gave.
        self.pools.get_or_init(|| (0..self.count).map_while(build).collect())
    }

    fn map<'a, T: Sync, R: Send>(&self, parts: &[&'a [T]], work: impl Fn(&'a [T]) -> R + Sync) -> Vec<R> {
        let pools = self.pools();
        let work = &work;
        std::thread::scope(|scope| {
            let spawn = |(at, part): (usize, &&'a [T])| {
                let (part, pool) = (*part, pools.get(at));
                scope.spawn(move || pool.map_or_else(|| work(part), |pool| pool.install(|| work(part))))
            };
            let workers: Vec<_> = parts.iter().enumerate().map(spawn).collect();
            let join = |worker: std::thread::ScopedJoinHandle<'_, R>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            workers.into_iter().map(join).collect()
        })
    }
}

impl Context {
    /// `work` over parts of `items`, in order: as many parts as a CPU device has cores, computed at once; otherwise one
    /// part.
    ///
    /// # Errors
    /// The first error of `work`.
    pub async fn in_parts<'a, T, R, W>(
        &self,
        items: &'a [T],
        work: impl Fn(&'a [T]) -> W + Sync,
    ) -> Result<Vec<R>, Error>
    where
        T: Sync,
        R: Send,
        W: Future<Output = Result<R, Error>>,
    {
        let parts: Vec<&[T]> = items.chunks(items.len().div_ceil(self.cores.count()).max(1)).collect();
        #[cfg(not(target_family = "wasm"))]
        if parts.len() > 1 {
            let compute = |part| futures::executor::block_on(work(part));
            return self.cores.map(&parts, compute).into_iter().collect();
        }
        let mut results = Vec::with_capacity(parts.len());
        for part in parts {
            results.push(work(part).await?);
        }
        Ok(results)
    }
}
