//! Arithmetic of whole numbers that fails where it would overflow.
//!
//! DataFusion lets whole numbers wrap round: the largest INT and one more is the smallest. Nobody sees that such
//! a figure is wrong. So what a project writes is worked out by kernels that check; names and types stay.

use std::sync::Arc;

use arrow::array::{ArrayRef, Datum};
use arrow::compute::kernels::numeric::{add, mul, sub};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result as SqlResult, ScalarValue, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, lit,
};

use super::rewrite;

/// The same plan with whole numbers that never wrap round.
pub(super) fn plan(plan: LogicalPlan) -> SqlResult<LogicalPlan> {
    rewrite::plan(plan, &rewritten)
}

/// The same expression over rows of a schema with whole numbers that never wrap round.
pub(super) fn expression(expr: Expr, schema: &DFSchema) -> SqlResult<Expr> {
    Ok(rewritten(expr, schema)?.data)
}

fn rewritten(expr: Expr, schema: &DFSchema) -> SqlResult<Transformed<Expr>> {
    expr.transform_up(|part| {
        let checked = match &part {
            Expr::BinaryExpr(binary) => of_two(binary, schema),
            Expr::Negative(of) => negated(of, schema)?,
            _ => None,
        };
        Ok(checked.map_or_else(|| Transformed::no(part), Transformed::yes))
    })
}

fn of_two(binary: &BinaryExpr, schema: &DFSchema) -> Option<Expr> {
    let type_of = |side: &Expr| side.get_type(schema).ok();
    // Of different types, or of an unknown one, DataFusion has casts or complaints of its own.
    type_of(&binary.left).filter(|ty| ty.is_integer() && type_of(&binary.right).as_ref() == Some(ty))?;
    Some(Operation::of(binary.op)?.call((*binary.left).clone(), (*binary.right).clone()))
}

/// The smallest number of a type has no counterpart: it is taken from nought, which fails there.
fn negated(of: &Expr, schema: &DFSchema) -> SqlResult<Option<Expr>> {
    let ty = of.get_type(schema).ok().filter(|ty| ty.is_integer() && !matches!(of, Expr::Literal(..)));
    let Some(ty) = ty else { return Ok(None) };
    Ok(Some(Operation::Minus.call(lit(ScalarValue::new_zero(&ty)?), of.clone())))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Operation {
    Plus,
    Minus,
    Times,
}

impl Operation {
    fn of(operator: Operator) -> Option<Self> {
        match operator {
            Operator::Plus => Some(Self::Plus),
            Operator::Minus => Some(Self::Minus),
            Operator::Multiply => Some(Self::Times),
            _ => None,
        }
    }

    fn call(self, left: Expr, right: Expr) -> Expr {
        let function = Arc::new(ScalarUDF::from(Checked::new(self)));
        Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![left, right]))
    }

    fn of_values(self, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Plus => add(left, right),
            Self::Minus => sub(left, right),
            Self::Times => mul(left, right),
        }
    }
}

/// Two whole numbers of one type → one of the same type, or an error where it would not fit.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    operation: Operation,
    signature: Signature,
}

impl Checked {
    fn new(operation: Operation) -> Self {
        Self { operation, signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Plus => "checked_plus",
            Operation::Minus => "checked_minus",
            Operation::Times => "checked_times",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> SqlResult<DataType> {
        match types {
            [left, right] if left == right && left.is_integer() => Ok(left.clone()),
            other => exec_err!("arithmetic of whole numbers was given {other:?}"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> SqlResult<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return exec_err!("arithmetic of whole numbers takes two");
        };
        let made = self.operation.of_values(&*datum(left)?, &*datum(right)?)?;
        Ok(match (left, right) {
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?)
            }
            _ => ColumnarValue::Array(made),
        })
    }
}

fn datum(value: &ColumnarValue) -> SqlResult<Box<dyn Datum>> {
    Ok(match value {
        ColumnarValue::Array(array) => Box::new(Arc::clone(array)),
        ColumnarValue::Scalar(scalar) => Box::new(scalar.to_scalar()?),
    })
}
