//! `corr`, `covar` and `regr_…` of doubles, exact until they are told; see [`super::exact_aggregates`].

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, ReversedUDAF, Signature, Volatility};

use super::exact::Total;
use super::exact_states;

/// Which figure of pairs of numbers, the first of which is y and the second x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PairFigure {
    /// Of a sample, or of all.
    Covariance {
        sample: bool,
    },
    Correlation,
    Slope,
    Intercept,
    Determination,
    MeanX,
    MeanY,
    SpreadX,
    SpreadY,
    SpreadXy,
}

impl PairFigure {
    /// The figure that a function of DataFusion gives.
    pub(super) fn of(function: &str) -> Option<Self> {
        Some(match function {
            "covar_samp" => Self::Covariance { sample: true },
            "covar_pop" => Self::Covariance { sample: false },
            "corr" => Self::Correlation,
            "regr_slope" => Self::Slope,
            "regr_intercept" => Self::Intercept,
            "regr_r2" => Self::Determination,
            "regr_avgx" => Self::MeanX,
            "regr_avgy" => Self::MeanY,
            "regr_sxx" => Self::SpreadX,
            "regr_syy" => Self::SpreadY,
            "regr_sxy" => Self::SpreadXy,
            _ => return None,
        })
    }

    fn least_pairs(self) -> i64 {
        match self {
            Self::Covariance { sample: false } | Self::MeanX | Self::MeanY => 1,
            Self::SpreadX | Self::SpreadY | Self::SpreadXy => 1,
            Self::Covariance { sample: true } | Self::Correlation => 2,
            Self::Slope | Self::Intercept | Self::Determination => 2,
        }
    }
}

/// An aggregate over two columns of doubles, under the name of the function that it stands for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactPairs {
    name: String,
    figure: PairFigure,
    signature: Signature,
}

impl ExactPairs {
    pub(super) fn new(name: &str, figure: PairFigure) -> Self {
        let signature = Signature::exact(vec![DataType::Float64; 2], Volatility::Immutable);
        Self { name: name.to_string(), figure, signature }
    }
}

impl AggregateUDFImpl for ExactPairs {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Pairs { figure: self.figure, ..Pairs::default() }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let count = Arc::new(Field::new(format_state_name(args.name, "count"), DataType::Int64, false));
        let totals = ["x", "y", "xx", "yy", "xy"].map(|name| exact_states::field(args.name, name));
        Ok(totals.into_iter().chain([count]).collect())
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// What is known of some pairs. One of which either number is missing is none.
#[derive(Debug)]
struct Pairs {
    figure: PairFigure,
    x: Total,
    y: Total,
    xx: Total,
    yy: Total,
    xy: Total,
    count: i64,
}

impl Default for Pairs {
    fn default() -> Self {
        let none = Total::default;
        Self { figure: PairFigure::Correlation, x: none(), y: none(), xx: none(), yy: none(), xy: none(), count: 0 }
    }
}

impl Pairs {
    fn totals(&self) -> [&Total; 5] {
        [&self.x, &self.y, &self.xx, &self.yy, &self.xy]
    }

    fn totals_mut(&mut self) -> [&mut Total; 5] {
        [&mut self.x, &mut self.y, &mut self.xx, &mut self.yy, &mut self.xy]
    }

    /// Takes pairs, or with `by` −1 gives them back.
    fn change(&mut self, values: &[ArrayRef], by: i64) -> Result<()> {
        let [y, x] = values else { return Err(misfit()) };
        let doubles = |column: &ArrayRef| column.as_primitive_opt::<Float64Type>().cloned().ok_or_else(misfit);
        for (y, x) in doubles(y)?.iter().zip(&doubles(x)?) {
            let (Some(y), Some(x)) = (y, x) else { continue };
            self.count += by;
            for (total, one, other) in [
                (&mut self.x, x, 1.0),
                (&mut self.y, y, 1.0),
                (&mut self.xx, x, x),
                (&mut self.yy, y, y),
                (&mut self.xy, x, y),
            ] {
                total.change_by_product(one, other, by as f64);
            }
        }
        Ok(())
    }

    /// The figure; none of fewer pairs than it takes, and none where all x, or all y, that it divides by are the same.
    fn figure(&self) -> Option<f64> {
        if self.count < self.figure.least_pairs() {
            return None;
        }
        let n = self.count as f64;
        let (mean_x, mean_y) = (self.x.value() / n, self.y.value() / n);
        let (x, y) = (self.x.own_spread(&self.xx, self.count), self.y.own_spread(&self.yy, self.count));
        let xy = self.x.spread(&self.y, &self.xy, self.count);
        match self.figure {
            PairFigure::Covariance { sample: true } => Some(xy / (n - 1.0)),
            PairFigure::Covariance { sample: false } => Some(xy / n),
            PairFigure::Correlation | PairFigure::Determination if x == 0.0 || y == 0.0 => None,
            PairFigure::Correlation => {
                // One root is nearer to the truth than two, unless what it is drawn from is no ordinary number.
                let root = if (x * y).is_normal() { (x * y).sqrt() } else { x.sqrt() * y.sqrt() };
                Some((xy / root).clamp(-1.0, 1.0))
            }
            PairFigure::Determination => Some((xy / x * (xy / y)).min(1.0)),
            PairFigure::Slope | PairFigure::Intercept if x == 0.0 => None,
            PairFigure::Slope => Some(xy / x),
            PairFigure::Intercept => Some(mean_y - xy / x * mean_x),
            PairFigure::MeanX => Some(mean_x),
            PairFigure::MeanY => Some(mean_y),
            PairFigure::SpreadX => Some(x),
            PairFigure::SpreadY => Some(y),
            PairFigure::SpreadXy => Some(xy),
        }
    }
}

fn misfit() -> DataFusionError {
    exec_datafusion_err!("a figure of pairs got other columns than it takes")
}

impl Accumulator for Pairs {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.change(values, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.change(values, -1)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.figure()))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.totals().map(Total::held_bytes).iter().sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let told = |total: &Total| ScalarValue::try_from_array(&exact_states::column(std::iter::once(total))?, 0);
        let totals = self.totals().into_iter().map(told);
        totals.chain([Ok(ScalarValue::Int64(Some(self.count)))]).collect()
    }

    fn merge_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Some((count, totals)) = columns.split_last() else { return Err(misfit()) };
        let count = count.as_primitive_opt::<Int64Type>().ok_or_else(misfit)?;
        self.count += count.values().iter().sum::<i64>();
        for (total, lists) in self.totals_mut().into_iter().zip(totals) {
            let lists = lists.as_list_opt::<i32>().ok_or_else(misfit)?;
            (0..lists.len()).for_each(|row| exact_states::merge(total, lists, row));
        }
        Ok(())
    }
}
