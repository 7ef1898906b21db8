//! The official procedure for one task, written plainly in f64 from the sheet, to hold the batched one against.

use super::super::mode::PrototypeStep;
use super::super::{GraphKind, PrototypeLaplacianConfig, SigmaNorm};

pub struct Task {
    /// Rows, support first.
    pub x: Vec<Vec<f64>>,
    pub support: Vec<usize>,
    pub classes: usize,
}

pub struct Found {
    pub z: Vec<Vec<f64>>,
    pub label: Vec<usize>,
    pub outer: usize,
}

pub fn sqdist(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

pub fn argmax(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

fn one_hot(label: usize, k: usize) -> Vec<f64> {
    (0..k).map(|c| f64::from(u8::from(c == label))).collect()
}

pub fn neighbours(x: &[Vec<f64>], edges: usize) -> Vec<Vec<usize>> {
    (0..x.len())
        .map(|p| {
            let mut others: Vec<usize> = (0..x.len()).filter(|q| *q != p).collect();
            others.sort_by(|a, b| sqdist(&x[p], &x[*a]).total_cmp(&sqdist(&x[p], &x[*b])));
            others.truncate(edges);
            others
        })
        .collect()
}

fn shifted(task: &Task) -> Vec<Vec<f64>> {
    let (ns, d) = (task.support.len(), task.x[0].len());
    let mean = |rows: &[Vec<f64>], at: usize| rows.iter().map(|r| r[at]).sum::<f64>() / rows.len() as f64;
    let eta: Vec<f64> = (0..d).map(|i| mean(&task.x[..ns], i) - mean(&task.x[ns..], i)).collect();
    let mut x = task.x.clone();
    x[ns..].iter_mut().for_each(|row| row.iter_mut().zip(&eta).for_each(|(v, e)| *v += e));
    x
}

fn mean_of(rows: &[&Vec<f64>]) -> Vec<f64> {
    (0..rows[0].len()).map(|i| rows.iter().map(|r| r[i]).sum::<f64>() / rows.len() as f64).collect()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exp: Vec<f64> = logits.iter().map(|v| (v - top).exp()).collect();
    let total: f64 = exp.iter().sum();
    exp.into_iter().map(|v| v / total).collect()
}

/// Few-shot modes with movable prototypes (not nearest-prototype, laplacian-shot, kernel-k-means).
pub fn solve(task: &Task, config: &PrototypeLaplacianConfig) -> Found {
    let x = if config.query_shift { shifted(task) } else { task.x.clone() };
    let (n, k, ns) = (x.len(), task.classes, task.support.len());
    let lambda = if config.mode.has_laplacian() { config.lambda } else { 0.0 };
    let edges = config.knn - 1;
    let near = neighbours(&x, edges);
    let mut w = vec![vec![0.0; n]; n];
    for (p, row) in near.iter().enumerate() {
        for q in row {
            if config.graph == GraphKind::Symmetric {
                w[p][*q] += 0.5;
                w[*q][p] += 0.5;
            } else {
                w[p][*q] += 1.0;
            }
        }
    }
    let total: f64 = near
        .iter()
        .enumerate()
        .flat_map(|(p, r)| r.iter().map(move |q| (p, *q)))
        .map(|(p, q)| sqdist(&x[p], &x[q]))
        .sum();
    let divisor = if config.sigma_norm == SigmaNorm::Official { 5.0 } else { edges as f64 };
    let two_sigma2 = 2.0 * total / (divisor * n as f64);
    let gauss = |a: &[f64], b: &[f64]| (-sqdist(a, b) / two_sigma2).exp();
    let cost = |a: &[f64], m: &[f64]| if config.mode.has_bandwidth() { -gauss(a, m) } else { sqdist(a, m) };

    let members = |label: &[usize], c: usize| -> Vec<usize> { (0..n).filter(|p| label[*p] == c).collect() };
    let mut m: Vec<Vec<f64>> = (0..k)
        .map(|c| mean_of(&(0..ns).filter(|p| task.support[*p] == c).map(|p| &x[p]).collect::<Vec<_>>()))
        .collect();
    let mut label: Vec<usize> =
        x.iter().map(|row| argmax(&m.iter().map(|m| -sqdist(row, m)).collect::<Vec<_>>())).collect();
    label[..ns].copy_from_slice(&task.support);
    let mut z: Vec<Vec<f64>> = label.iter().map(|l| one_hot(*l, k)).collect();
    let mut before = f64::NAN;
    let mut outer = 0;
    while outer < config.max_outer {
        let (old_label, old_m, old_z) = (label.clone(), m.clone(), z.clone());
        let medoid = |c: usize| {
            let inside = members(&label, c);
            let density: Vec<f64> = inside
                .iter()
                .map(|p| inside.iter().filter(|q| *q != p).map(|q| gauss(&x[*p], &x[*q])).sum())
                .collect();
            x[inside[argmax(&density)]].clone()
        };
        for c in 0..k {
            m[c] = match config.mode.prototype_step() {
                PrototypeStep::Mean => {
                    mean_of(&members(&label, c).iter().map(|p| &x[*p]).collect::<Vec<_>>())
                }
                PrototypeStep::MeanShift => mean_shift(&x, &members(&label, c), &old_m[c], two_sigma2),
                PrototypeStep::Medoid => medoid(c),
                PrototypeStep::BestPoint if outer == 0 => medoid(c),
                PrototypeStep::BestPoint => x[argmax(&z.iter().map(|z| z[c]).collect::<Vec<_>>())].clone(),
            };
        }
        let a: Vec<Vec<f64>> = x.iter().map(|row| m.iter().map(|m| cost(row, m)).collect()).collect();
        if lambda > 0.0 {
            z = a.iter().map(|a| softmax(&a.iter().map(|v| -v).collect::<Vec<_>>())).collect();
            (0..ns).for_each(|p| z[p] = one_hot(task.support[p], k));
            let mut inner_before = f64::NAN;
            for inner in 0..config.max_inner.unwrap_or(600) {
                z = (0..n)
                    .map(|p| {
                        if config.clamp_support && p < ns {
                            return z[p].clone();
                        }
                        let b = |c: usize| (0..n).map(|q| w[p][q] * z[q][c]).sum::<f64>();
                        softmax(&(0..k).map(|c| -a[p][c] + lambda * b(c)).collect::<Vec<_>>())
                    })
                    .collect();
                let entropy: f64 = z.iter().flatten().map(|v| v * v.max(1e-20).ln()).sum();
                let e = entropy + energy(&z, &a, &w, lambda);
                if inner > 1
                    && (e - inner_before).abs() <= config.tol_inner.unwrap_or(1e-7) * inner_before.abs()
                {
                    break;
                }
                inner_before = e;
            }
            label = z.iter().map(|z| argmax(z)).collect();
        } else {
            label = a.iter().map(|a| argmax(&a.iter().map(|v| -v).collect::<Vec<_>>())).collect();
        }
        if config.clamp_support {
            label[..ns].copy_from_slice(&task.support);
        }
        if lambda == 0.0 {
            z = label.iter().map(|l| one_hot(*l, k)).collect();
        }
        outer += 1;
        if (0..k).any(|c| members(&label, c).is_empty()) {
            (label, m, z) = (old_label, old_m, old_z);
            break;
        }
        let e = energy(&z, &a, &w, lambda);
        if outer > 2 && (e - before).abs() <= config.tol_outer * before.abs() {
            break;
        }
        before = e;
    }
    drop(m);
    Found { z, label, outer }
}

fn energy(z: &[Vec<f64>], a: &[Vec<f64>], w: &[Vec<f64>], lambda: f64) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let unary: f64 = z.iter().zip(a).map(|(z, a)| dot(z, a)).sum();
    let n = z.len();
    let pairwise: f64 = (0..n).map(|p| (0..n).map(|q| w[p][q] * dot(&z[p], &z[q])).sum::<f64>()).sum();
    unary - lambda * pairwise
}

fn mean_shift(x: &[Vec<f64>], members: &[usize], start: &[f64], two_sigma2: f64) -> Vec<f64> {
    let mut m = start.to_vec();
    for _ in 0..1000 {
        let weight: Vec<f64> = members.iter().map(|q| (-sqdist(&x[*q], &m) / two_sigma2).exp()).collect();
        let total: f64 = weight.iter().sum();
        let next: Vec<f64> = (0..m.len())
            .map(|d| members.iter().zip(&weight).map(|(q, w)| w * x[*q][d]).sum::<f64>() / total)
            .collect();
        let change = next.iter().zip(&m).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let size = next.iter().map(|v| v.abs()).fold(0.0, f64::max);
        m = next;
        if change < 1e-5 * size {
            break;
        }
    }
    m
}
