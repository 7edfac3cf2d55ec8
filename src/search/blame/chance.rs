//! The probability that a difference between two counts is chance.

/// The probability that at least `failed_after` of all `failed_before + failed_after` failures fall among the second
/// forks if the moment of the fork makes no difference: Fisher's exact test, one-sided. It needs only basic
/// arithmetic, so that every machine computes the same bits.
///
/// Source: R. A. Fisher, "On the interpretation of chi-squared from contingency tables", 1922.
pub(super) fn by_chance(
    (failed_before, forks_before): (u32, u32),
    (failed_after, forks_after): (u32, u32),
) -> f64 {
    let [before, after] = [u64::from(forks_before), u64::from(forks_after)];
    let failed = u64::from(failed_before) + u64::from(failed_after);
    // The least and the greatest number of failures among the second forks.
    let (least, most) = (failed.saturating_sub(before), failed.min(after));
    // Weights are computed from the likeliest number to both sides. Its weight is 1, and no other one is greater.
    let likeliest = ((after + 1) * (failed + 1) / (before + after + 2)).clamp(least, most);
    // The factor from the weight of `count` to that of the next number.
    let ratio = |count: u64| {
        let up = (failed - count) * (after - count);
        let down = (count + 1) * (before + count + 1 - failed);
        share(up, down)
    };
    let observed = u64::from(failed_after);
    let (mut all, mut as_many) = (0.0, 0.0);
    let mut add = |count: u64, weight: f64| {
        all += weight;
        as_many += if count >= observed { weight } else { 0.0 };
    };
    add(likeliest, 1.0);
    let mut weight = 1.0;
    for count in likeliest..most {
        weight *= ratio(count);
        add(count + 1, weight);
    }
    weight = 1.0;
    for count in (least..likeliest).rev() {
        weight /= ratio(count);
        add(count, weight);
    }
    as_many / all
}

#[expect(clippy::cast_precision_loss, reason = "a product of two numbers of forks is far below 2^53")]
fn share(up: u64, down: u64) -> f64 {
    up as f64 / down as f64
}

/// The confidence that a difference is not chance, in thousandths, if it was chosen from this many.
pub(super) fn confidence(by_chance: f64, chosen_from: usize) -> u32 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let at_most = by_chance * chosen_from.max(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1,000")]
    let doubt = (at_most.min(1.0) * 1_000.0).ceil() as u32;
    1_000 - doubt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tables_come_out_as_counted_by_hand() {
        // The lady tasting tea: all of 4 cups right is one of 70 choices, 3 of 4 one of 17 of 70.
        let check = |before, after, expected: f64| {
            let found = by_chance(before, after);
            assert!((found - expected).abs() < 1e-12, "{before:?} {after:?}: {found}, expected {expected}");
        };
        check((0, 4), (4, 4), 1.0 / 70.0);
        check((1, 4), (3, 4), 17.0 / 70.0);
        check((4, 4), (0, 4), 1.0);
        check((0, 4), (0, 4), 1.0);
        check((4, 4), (4, 4), 1.0);
        check((0, 1), (1, 1), 0.5);
    }

    #[test]
    fn thousands_of_forks_neither_overflow_nor_vanish() {
        let found = by_chance((0, 10_000), (10_000, 10_000));
        assert!((0.0..1e-300).contains(&found), "{found}");
        let found = by_chance((5_000, 10_000), (5_000, 10_000));
        assert!((0.5..0.6).contains(&found), "{found}");
    }

    #[test]
    fn choosing_from_many_costs_confidence() {
        assert_eq!(confidence(0.000_01, 20), 999);
        assert_eq!(confidence(0.001, 20), 980);
        assert_eq!(confidence(0.2, 20), 0);
        assert_eq!(confidence(0.0, 20), 1_000);
    }
}
