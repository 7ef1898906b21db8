//! Sums of rows by class.

use pulp::{Simd, WithSimd};

use super::run_tasks;
use super::simd::Machine;

/// Rows summed in `f32` before their sum joins the `f64` total: fixed, so that no result depends on the number of
/// threads, and short, so that rounding stays near that of the rows themselves.
const BLOCK: usize = 4096;

struct SumBlock<'a> {
    x: &'a [f32],
    label: &'a [i32],
    d: usize,
    sum: &'a mut [f32],
    count: &'a mut [u32],
}

impl WithSimd for SumBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let SumBlock { x, label, d, sum, count } = self;
        for (row, &class) in x.chunks_exact(d).zip(label) {
            let Some(members) = usize::try_from(class).ok().and_then(|c| count.get_mut(c)) else {
                continue;
            };
            *members += 1;
            let line = &mut sum[class as usize * d..][..d];
            let (xv, xt) = S::as_simd_f32s(row);
            let (lv, lt) = S::as_mut_simd_f32s(line);
            for (l, &v) in lv.iter_mut().zip(xv) {
                *l = s.add_f32s(*l, v);
            }
            for (l, v) in lt.iter_mut().zip(xt) {
                *l += v;
            }
        }
    }
}

/// The partial sums of one block of rows of one episode.
struct Partial {
    sum: Vec<f32>,
    count: Vec<u32>,
}

/// `[B, k, D]` sums and `[B, k]` counts.
pub(super) fn segment_sum(
    machine: Machine,
    x: &[f32],
    label: &[i32],
    [b, n, d]: [usize; 3],
    k: usize,
) -> (Vec<f32>, Vec<f32>) {
    let per_episode = n.div_ceil(BLOCK).max(1);
    let mut partials: Vec<Partial> =
        (0..b * per_episode).map(|_| Partial { sum: vec![0.0; k * d], count: vec![0; k] }).collect();
    let tasks: Vec<_> = partials.iter_mut().enumerate().collect();
    // Twice the weight of a multiply-add: every row is also read from memory.
    run_tasks(tasks, 2 * b * n * d, |(i, partial)| {
        let (episode, first) = (i / per_episode, i % per_episode * BLOCK);
        let len = BLOCK.min(n - first);
        let rows = episode * n + first;
        let label = &label[rows..rows + len];
        if d == 0 {
            let classes = label.iter().filter_map(|&c| usize::try_from(c).ok()).filter(|&c| c < k);
            classes.for_each(|c| partial.count[c] += 1);
            return;
        }
        machine.run(SumBlock {
            x: &x[rows * d..(rows + len) * d],
            label,
            d,
            sum: &mut partial.sum,
            count: &mut partial.count,
        });
    });

    let (mut sum, mut count) = (Vec::with_capacity(b * k * d), Vec::with_capacity(b * k));
    for blocks in partials.chunks_mut(per_episode) {
        if let [only] = blocks {
            sum.append(&mut only.sum);
            count.extend(only.count.iter().map(|&c| c as f32));
            continue;
        }
        let mut total = vec![0.0f64; k * d];
        let mut members = vec![0u64; k];
        for block in blocks.iter() {
            total.iter_mut().zip(&block.sum).for_each(|(t, &v)| *t += f64::from(v));
            members.iter_mut().zip(&block.count).for_each(|(t, &v)| *t += u64::from(v));
        }
        sum.extend(total.iter().map(|&v| v as f32));
        count.extend(members.iter().map(|&v| v as f32));
    }
    (sum, count)
}
