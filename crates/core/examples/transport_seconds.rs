//! Seconds of entropic optimal transport between random directions: by default 2,000 × 2,000 at ε = 0.02.
//!
//! ```text
//! cargo run --release -p lowshot-core --example transport_seconds [ROWS] [COLUMNS] [EPSILON] [TOLERANCE]
//! ```

use std::time::Instant;

use lowshot_core::Rng;
use lowshot_core::optimal_transport::{CostMatrix, SinkhornConfig, sinkhorn, uniform};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = |at: usize| arguments.get(at).map_or(Ok(2000), |text| text.parse());
    let number = |at: usize, default: f64| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let (rows, columns) = (size(0)?, size(1)?);
    let config = SinkhornConfig {
        epsilon: number(2, 0.02)?,
        tolerance: number(3, 1e-3)?,
        ..SinkhornConfig::default()
    };
    let mut rng = Rng::new(1);
    let mut directions = |count: usize| -> Vec<[f64; 6]> {
        let one = |_| {
            let row: [f64; 6] = std::array::from_fn(|_| rng.normal());
            let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            row.map(|v| v / length)
        };
        (0..count).map(one).collect()
    };
    let (x, y) = (directions(rows), directions(columns));
    let distance = |a: &[f64; 6], b: &[f64; 6]| {
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt() as f32
    };
    let costs = x.iter().flat_map(|a| y.iter().map(move |b| distance(a, b))).collect();
    let cost = CostMatrix::new(costs, rows, columns)?;
    let start = Instant::now();
    let found = sinkhorn(cost, &uniform(rows), &uniform(columns), &config)?;
    println!(
        "{rows} × {columns}, ε = {}: {:.3} s, {} iterations, marginal error {:.1e}, cost {:.6}",
        config.epsilon,
        start.elapsed().as_secs_f64(),
        found.iterations,
        found.marginal_error,
        found.cost
    );
    Ok(())
}
