//! A small network with its gradient by hand: two hidden layers with ReLU, in f64.

use crate::{CoreError, Rng};

/// Inputs → hidden → hidden → outputs. Weights are stored input by input, so that a zero input costs nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    inputs: usize,
    hidden: usize,
    outputs: usize,
    /// Input layer, its biases, middle layer, its biases, output layer, its biases.
    pub(super) weights: Vec<f64>,
}

impl Network {
    /// Number of weights.
    pub fn size(inputs: usize, hidden: usize, outputs: usize) -> usize {
        inputs * hidden + hidden + hidden * hidden + hidden + hidden * outputs + outputs
    }

    /// Random weights of variance 2 / inputs; the output layer is ten times smaller, so that all outputs begin alike.
    pub fn random(inputs: usize, hidden: usize, outputs: usize, rng: &mut Rng) -> Network {
        let mut weights = Vec::with_capacity(Network::size(inputs, hidden, outputs));
        for (rows, columns, scale) in [(inputs, hidden, 1.0), (hidden, hidden, 1.0), (hidden, outputs, 0.1)] {
            let deviation = scale * libm::sqrt(2.0 / rows as f64);
            for _ in 0..rows * columns {
                weights.push(deviation * rng.normal());
            }
            weights.resize(weights.len() + columns, 0.0);
        }
        Network { inputs, hidden, outputs, weights }
    }

    /// A network of given weights.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if their number is wrong, [`CoreError::NotFinite`].
    pub fn of(inputs: usize, hidden: usize, outputs: usize, weights: Vec<f64>) -> Result<Network, CoreError> {
        let size = Network::size(inputs, hidden, outputs);
        if weights.len() != size || hidden == 0 {
            return Err(CoreError::Shape {
                what: "the list of weights of the policy",
                found: vec![weights.len()],
                expected: format!("{inputs} inputs, {hidden} hidden units and {outputs} outputs need {size}"),
            });
        }
        if weights.iter().any(|weight| !weight.is_finite()) {
            return Err(CoreError::NotFinite { what: "the list of weights of the policy" });
        }
        Ok(Network { inputs, hidden, outputs, weights })
    }

    /// Hidden units of a layer.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// Values of a pass: both hidden layers, then the outputs.
    pub fn pass(&self) -> usize {
        2 * self.hidden + self.outputs
    }

    /// Computes both hidden layers and the outputs into `pass`.
    pub fn forward(&self, input: &[f64], pass: &mut [f64]) {
        let (h, second) = (self.hidden, self.inputs * self.hidden + self.hidden);
        let third = second + h * h + h;
        let (one, rest) = pass.split_at_mut(h);
        let (two, out) = rest.split_at_mut(h);
        layer(&self.weights[..second], input, one);
        rectify(one);
        layer(&self.weights[second..third], one, two);
        rectify(two);
        layer(&self.weights[third..], two, out);
    }

    /// Adds the gradient of ⟨`slope`, outputs⟩ in the weights to `gradient`; `pass` is what [`Network::forward`] left.
    pub fn backward(&self, input: &[f64], pass: &[f64], slope: &[f64], gradient: &mut [f64]) {
        let (h, second) = (self.hidden, self.inputs * self.hidden + self.hidden);
        let third = second + h * h + h;
        let mut back_two = vec![0.0; h];
        let mut back_one = vec![0.0; h];
        layer_back(&self.weights[third..], &pass[h..2 * h], slope, &mut gradient[third..], &mut back_two);
        let (middle, into) = (&self.weights[second..third], &mut gradient[second..third]);
        layer_back(middle, &pass[..h], &back_two, into, &mut back_one);
        for (row, value) in gradient[..self.inputs * h].chunks_exact_mut(h).zip(input) {
            if *value != 0.0 {
                add(*value, &back_one, row);
            }
        }
        add(1.0, &back_one, &mut gradient[self.inputs * h..second]);
    }
}

fn add(factor: f64, from: &[f64], to: &mut [f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

fn rectify(values: &mut [f64]) {
    for value in values {
        *value = value.max(0.0);
    }
}

fn layer(weights: &[f64], input: &[f64], output: &mut [f64]) {
    let n = output.len();
    output.copy_from_slice(&weights[input.len() * n..]);
    for (row, value) in weights.chunks_exact(n).zip(input) {
        if *value != 0.0 {
            add(*value, row, output);
        }
    }
}

/// `input` is what a ReLU left: where it is 0 nothing passes back.
fn layer_back(weights: &[f64], input: &[f64], slope: &[f64], gradient: &mut [f64], back: &mut [f64]) {
    let n = slope.len();
    for (i, value) in input.iter().enumerate() {
        if *value > 0.0 {
            add(*value, slope, &mut gradient[i * n..(i + 1) * n]);
            for (weight, slope) in weights[i * n..(i + 1) * n].iter().zip(slope) {
                back[i] += weight * slope;
            }
        }
    }
    add(1.0, slope, &mut gradient[input.len() * n..]);
}

/// Adam with the usual constants 0.9, 0.999 and 10⁻⁸.
#[derive(Clone, Debug)]
pub(super) struct Adam {
    mean: Vec<f64>,
    square: Vec<f64>,
    steps: i32,
}

impl Adam {
    pub(super) fn new(size: usize) -> Adam {
        Adam { mean: vec![0.0; size], square: vec![0.0; size], steps: 0 }
    }

    /// Moves `values` by about `rate` against the gradient; along it for a negative rate.
    pub(super) fn step(&mut self, values: &mut [f64], gradient: &[f64], rate: f64) {
        self.steps += 1;
        let first = 1.0 - libm::pow(0.9, f64::from(self.steps));
        let second = 1.0 - libm::pow(0.999, f64::from(self.steps));
        for (i, slope) in gradient.iter().enumerate() {
            self.mean[i] += 0.1 * (slope - self.mean[i]);
            self.square[i] += 0.001 * (slope * slope - self.square[i]);
            values[i] -= rate * (self.mean[i] / first) / (libm::sqrt(self.square[i] / second) + 1e-8);
        }
    }
}
