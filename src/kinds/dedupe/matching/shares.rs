//! Shares of pairs by level, kept from saying what no evidence can say.

use super::level::Test;

/// The last level, that of different values, is no more frequent among matches than among others.
pub fn bound_else(m: &mut [f64], u: &[f64]) {
    let (Some((last, rest)), Some(most)) = (m.split_last_mut(), u.last()) else { return };
    if *last <= *most {
        return;
    }
    let left: f64 = rest.iter().sum();
    if left > 0.0 {
        rest.iter_mut().for_each(|share| *share *= (1.0 - most) / left);
        *last = *most;
    }
}

/// Pools neighbouring levels of the scale until m / u falls from equal to different (pool adjacent
/// violators): pooled levels get one ratio, and keep their u.
pub fn pool(m: &mut [f64], u: &[f64], tests: &[Test]) {
    // Each pool: places, sum of m, sum of u.
    let mut pools: Vec<(Vec<usize>, f64, f64)> = Vec::new();
    for (place, _) in tests.iter().enumerate().filter(|(_, test)| test.is_graded()) {
        let (Some(own_m), Some(own_u)) = (m.get(place), u.get(place)) else { continue };
        let mut last = (vec![place], *own_m, *own_u);
        while let Some((places, sum_m, sum_u)) = pools.pop_if(|(_, sum_m, sum_u)| *sum_m * last.2 < last.1 * *sum_u) {
            last = (places.into_iter().chain(last.0).collect(), sum_m + last.1, sum_u + last.2);
        }
        pools.push(last);
    }
    for (places, sum_m, sum_u) in pools {
        for place in places {
            if let (Some(own_m), Some(own_u)) = (m.get_mut(place), u.get(place)) {
                *own_m = sum_m * own_u / sum_u;
            }
        }
    }
}
