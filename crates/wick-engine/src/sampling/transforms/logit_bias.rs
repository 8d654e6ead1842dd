//! Logit bias: what the caller adds to single tokens.

/// The bias that makes a token impossible.
const BAN: f32 = -100.0;

/// Adds each bias; tokens that are none are passed over.
pub(in crate::sampling) fn add_bias(logits: &mut [f32], biases: &[(u32, f32)]) {
    for &(token, bias) in biases {
        if let Some(logit) = logits.get_mut(token as usize) {
            *logit = match bias <= BAN {
                true => f32::NEG_INFINITY,
                false => *logit + bias,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn biases_add_up_and_the_lowest_bans() {
        let mut logits = [1.0, 2.0, 300.0];
        add_bias(
            &mut logits,
            &[(0, 1.5), (0, -1.0), (2, -100.0), (9, 1.0), (1, -99.0)],
        );
        assert_eq!(logits, [1.5, -97.0, f32::NEG_INFINITY]);
    }
}
