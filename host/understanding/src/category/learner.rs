//! Multinomial logistic regression with L2, fitted by L-BFGS (Nocedal 1980; two-loop recursion, backtracking line
//! search). Everything is summed in a fixed order, so the same examples give the same weights.

/// One training example: rows with values, a label, its weight.
pub(super) struct Example {
    pub vector: Vec<(u32, f32)>,
    pub label: usize,
    pub weight: f32,
}

/// Weights by row and label, then the biases.
pub(super) struct Fitted {
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
}

const MEMORY: usize = 7;

pub(super) fn fit(examples: &[Example], rows: usize, labels: usize, l2: f32, iterations: usize) -> Fitted {
    // The labels of a row stand side by side in as many lanes as the processor takes at once.
    match labels {
        0..=4 => fit_lanes::<4>(examples, rows, labels, l2, iterations),
        5..=12 => fit_lanes::<12>(examples, rows, labels, l2, iterations),
        _ => fit_lanes::<64>(examples, rows, labels.min(64), l2, iterations),
    }
}

fn fit_lanes<const L: usize>(examples: &[Example], rows: usize, labels: usize, l2: f32, iterations: usize) -> Fitted {
    let size = (rows + 1) * L;
    let mut at = vec![0.0_f32; size];
    let mut gradient = vec![0.0_f32; size];
    let mut loss = objective::<L>(examples, labels, l2, &at, &mut gradient);
    let mut pairs: Vec<(Vec<f32>, Vec<f32>, f64)> = Vec::new();
    for iteration in 0..iterations {
        let mut direction: Vec<f32> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(pairs.len());
        for (s, y, rho) in pairs.iter().rev() {
            let alpha = rho * dot(s, &direction);
            axpy(-alpha, y, &mut direction);
            alphas.push(alpha);
        }
        if let Some((s, y, _)) = pairs.last() {
            let gamma = (dot(s, y) / dot(y, y)) as f32;
            direction.iter_mut().for_each(|d| *d *= gamma);
        }
        for ((s, y, rho), alpha) in pairs.iter().zip(alphas.iter().rev()) {
            let beta = rho * dot(y, &direction);
            axpy(alpha - beta, s, &mut direction);
        }
        let slope = dot(&gradient, &direction);
        if slope >= 0.0 {
            break;
        }
        let mut length = if iteration == 0 { 1.0 / dot(&gradient, &gradient).sqrt().max(1e-9) } else { 1.0 };
        let mut stepped = None;
        for _ in 0..20 {
            let mut next = at.clone();
            axpy(length, &direction, &mut next);
            let mut next_gradient = vec![0.0_f32; size];
            let next_loss = objective::<L>(examples, labels, l2, &next, &mut next_gradient);
            if next_loss <= loss + 1e-4 * length * slope {
                stepped = Some((next, next_gradient, next_loss));
                break;
            }
            length *= 0.5;
        }
        let Some((next, next_gradient, next_loss)) = stepped else { break };
        let s: Vec<f32> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let y: Vec<f32> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > 1e-10 {
            pairs.push((s, y, 1.0 / curvature));
            if pairs.len() > MEMORY {
                pairs.remove(0);
            }
        }
        let gained = loss - next_loss;
        (at, gradient, loss) = (next, next_gradient, next_loss);
        if gained < 1e-6 * loss.abs() {
            break;
        }
    }
    let unpadded = |padded: &[f32]| padded.chunks_exact(L).flat_map(|row| row[..labels].to_vec()).collect();
    Fitted { weights: unpadded(&at[..rows * L]), bias: unpadded(&at[rows * L..]) }
}

/// Mean weighted cross-entropy plus `l2 / 2` times the squared weights (biases free); fills the gradient.
fn objective<const L: usize>(examples: &[Example], labels: usize, l2: f32, at: &[f32], gradient: &mut [f32]) -> f64 {
    let (weights, biases) = at.as_chunks::<L>().0.split_at(at.len() / L - 1);
    let (slots, bias_slots) = gradient.as_chunks_mut::<L>().0.split_at_mut(at.len() / L - 1);
    let total: f64 = examples.iter().map(|e| f64::from(e.weight)).sum();
    let mut loss = 0.0_f64;
    for example in examples {
        let mut logits = biases[0];
        for &(row, value) in &example.vector {
            let weights = &weights[row as usize];
            (0..L).for_each(|n| logits[n] += value * weights[n]);
        }
        let top = logits[..labels].iter().copied().fold(f32::MIN, f32::max);
        let sum: f32 = logits[..labels].iter().map(|l| (l - top).exp()).sum();
        loss -= f64::from(example.weight) * f64::from(logits[example.label] - top - sum.ln());
        let scale = (f64::from(example.weight) / total) as f32;
        let mut off = [0.0_f32; L];
        for label in 0..labels {
            off[label] = scale * ((logits[label] - top).exp() / sum - f32::from(u8::from(label == example.label)));
        }
        for &(row, value) in &example.vector {
            let slots = &mut slots[row as usize];
            (0..L).for_each(|n| slots[n] += value * off[n]);
        }
        (0..L).for_each(|n| bias_slots[0][n] += off[n]);
    }
    let mut squares = 0.0_f64;
    for (g, w) in slots.as_flattened_mut().iter_mut().zip(weights.as_flattened()) {
        *g += l2 * w;
        squares += f64::from(w * w);
    }
    loss / total + 0.5 * f64::from(l2) * squares
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum()
}

fn axpy(factor: f64, x: &[f32], y: &mut [f32]) {
    let factor = factor as f32;
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}
