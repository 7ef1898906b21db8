//! All trials of an experiment.

use super::config::Config;
use super::outcome::{self, Tally};
use super::pictures::{Picture, Watch};
use super::pools::Pools;
use super::trial::{self, Graphs};
use crate::trials::Trials;
use crate::{Context, Error};
use lowshot_data::{Tensor, TensorData, write_safetensors};
use lowshot_protocol::Report;

/// Bytes of a graph up to which it is left as an artifact.
const GRAPH_BYTES: usize = 64 << 20;

/// Runs the trials that are left, and reports on all.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    let pools = Pools::open(config, cx).await?;
    let total = config.trials as u64;
    let rng = cx.rng("trials");
    let mut tally = Tally::new(config, cx.recorded()?);
    let mut trials = Trials::left(total, cx);
    let mut first = None;
    while let Some(index) = trials.begin() {
        let rng = rng.at(index);
        let pool = pools.draw(&rng, cx.device())?;
        let start = cx.now();
        let graphs = Graphs::build(config, &pool).await?;
        let seconds = cx.now() - start;
        let picture = trials.is_first().then(|| Picture::new(&pools, &pool, &graphs));
        let mut watch = Watch::new(cx, picture);
        let record = trial::run(config, &pool, &graphs, seconds, &rng, &mut watch).await?;
        cx.record(index, &record)?;
        tally.add(index, record);
        if index == 0 {
            first = Some((pool.ids, graphs));
        }
        if trials.finished(cx) {
            tally.draw(cx);
        }
        cx.tick().await?;
    }
    if trials.none_were_left() {
        tally.draw(cx);
    }
    // Resumed and merged runs leave the same files.
    if first.is_none() && tally.has(0) {
        let pool = pools.draw(&rng.at(0), cx.device())?;
        let graphs = Graphs::build(config, &pool).await?;
        first = Some((pool.ids, graphs));
    }
    if let Some((ids, graphs)) = first {
        graph_artifact(&ids, &graphs, cx)?;
    }
    outcome::report(config, &pools, &tally, cx)
}

/// Leaves the graph for other programs.
fn graph_artifact(ids: &[usize], graphs: &Graphs, cx: &Context) -> Result<(), Error> {
    let (rows, degree) = (graphs.transitions.rows(), graphs.transitions.degree());
    if rows * degree * 12 > GRAPH_BYTES {
        return Ok(());
    }
    let ids: Vec<i64> = ids.iter().map(|id| *id as i64).collect();
    let mut to = Vec::with_capacity(rows * degree);
    let mut probability = Vec::with_capacity(rows * degree);
    for row in 0..rows {
        for (successor, p) in graphs.transitions.successors(row) {
            to.push(successor as i64);
            probability.push(p as f32);
        }
    }
    let shape = [rows, degree];
    let bytes = write_safetensors(&[
        Tensor { name: "rows", shape: &shape[..1], data: TensorData::I64(&ids) },
        Tensor { name: "successors", shape: &shape, data: TensorData::I64(&to) },
        Tensor { name: "probabilities", shape: &shape, data: TensorData::F32(&probability) },
    ])
    .map_err(|e| Error::Files { what: "writing graph.safetensors".to_owned(), problem: e.to_string() })?;
    cx.artifact("graph.safetensors", "application/octet-stream", bytes);
    Ok(())
}
