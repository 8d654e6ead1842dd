//! Operators between values, and slices.

use std::cmp::Ordering;

use minijinja::machinery::ast::{self, BinOpKind, CompareOpKind, Expr};

use super::{
    expression::name_of, failure::Failure, methods, print, run::Run, tests_of, text::Text,
    value::Value,
};

impl<'a> Run<'a, '_> {
    /// `value[start:stop:step]`.
    pub fn slice(&mut self, slice: &'a ast::Slice<'a>) -> Result<Value<'a>, Failure> {
        let value = self.defined(&slice.expr)?;
        let mut bound = |expr: &'a Option<Expr<'a>>| match expr {
            None => Ok(None),
            Some(expr) => match self.eval(expr)? {
                Value::None => Ok(None),
                value => match value.as_int() {
                    Some(int) => Ok(Some(int)),
                    None => Err(Failure::error("slices take integers")),
                },
            },
        };
        let (start, stop, step) = (
            bound(&slice.start)?,
            bound(&slice.stop)?,
            bound(&slice.step)?,
        );
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(Failure::error("the step of a slice cannot be 0"));
        }
        match &value {
            Value::List(list) => {
                let chosen = slice_indices(list.items.len(), start, stop, step);
                let items = chosen.map(|at| list.items[at].clone()).collect();
                Value::sequence(items, list.is_tuple, self.budget)
            }
            Value::Text(text) => {
                self.budget.allocate(8 * text.len())?;
                let string = text.as_str();
                let mut borders: Vec<usize> = string.char_indices().map(|(at, _)| at).collect();
                borders.push(string.len());
                let chosen = slice_indices(borders.len() - 1, start, stop, step);
                let mut cut = Text::default();
                if step == 1 {
                    let chosen = chosen.collect::<Vec<_>>();
                    if let (Some(first), Some(last)) = (chosen.first(), chosen.last()) {
                        cut = text.slice(borders[*first]..borders[last + 1]);
                    }
                } else {
                    for at in chosen {
                        cut.push(&text.slice(borders[at]..borders[at + 1]));
                    }
                }
                Value::text(cut, self.budget)
            }
            other => Err(Failure::error(format!("{} cannot be sliced", other.kind()))),
        }
    }

    /// Two values joined by an operator.
    pub fn binary(&mut self, binary: &'a ast::BinOp<'a>) -> Result<Value<'a>, Failure> {
        let left = self.eval(&binary.left)?;
        match (binary.op, left.is_true()) {
            (BinOpKind::ScAnd, false) | (BinOpKind::ScOr, true) => return Ok(left),
            (BinOpKind::ScAnd, true) | (BinOpKind::ScOr, false) => return self.eval(&binary.right),
            _ => {}
        }
        let right = self.eval(&binary.right)?;
        let compare = match binary.op {
            BinOpKind::Eq => CompareOpKind::Eq,
            BinOpKind::Ne => CompareOpKind::Ne,
            BinOpKind::Lt => CompareOpKind::Lt,
            BinOpKind::Lte => CompareOpKind::Lte,
            BinOpKind::Gt => CompareOpKind::Gt,
            BinOpKind::Gte => CompareOpKind::Gte,
            BinOpKind::In => CompareOpKind::In,
            BinOpKind::Concat => {
                let mut text = print::to_text(&left, self.budget)?;
                print::print(&right, &mut text, self.budget)?;
                return Value::text(text, self.budget);
            }
            op => return self.arithmetic(op, &left, &right, binary),
        };
        self.holds(compare, &left, &right).map(Value::Bool)
    }

    fn arithmetic(
        &self,
        op: BinOpKind,
        left: &Value<'a>,
        right: &Value<'a>,
        binary: &'a ast::BinOp<'a>,
    ) -> Result<Value<'a>, Failure> {
        match (op, left, right) {
            (BinOpKind::Add, Value::Text(a), Value::Text(b)) => {
                self.budget.allocate(a.cost() + b.cost())?;
                let mut text = Text::clone(a);
                text.push(b);
                return Value::text(text, self.budget);
            }
            (BinOpKind::Add, Value::List(a), Value::List(b)) => {
                self.budget
                    .allocate((a.items.len() + b.items.len()) * size_of::<Value>())?;
                let items = a.items.iter().chain(&b.items).cloned().collect();
                return Value::sequence(items, a.is_tuple, self.budget);
            }
            (BinOpKind::Mul, Value::Text(_) | Value::List(_), Value::Int(count)) => {
                return self.repeat(left, *count);
            }
            (BinOpKind::Mul, Value::Int(count), Value::Text(_) | Value::List(_)) => {
                return self.repeat(right, *count);
            }
            (BinOpKind::Rem, Value::Text(format), _) => {
                return methods::percent_format(format, right, self.budget);
            }
            _ => {}
        }
        for (value, expr) in [(left, &binary.left), (right, &binary.right)] {
            if value.is_undefined() {
                return Err(Failure::error(format!("{} is undefined", name_of(expr))));
            }
        }
        let result = match (
            left.as_int(),
            right.as_int(),
            left.as_float(),
            right.as_float(),
        ) {
            (Some(a), Some(b), ..) if !matches!(op, BinOpKind::Div) => {
                if b == 0 && matches!(op, BinOpKind::FloorDiv | BinOpKind::Rem) {
                    return Err(Failure::error("division by zero"));
                }
                let floor = |a: i64, b: i64| {
                    let quotient = a.checked_div(b)?;
                    Some(quotient - i64::from(a % b != 0 && (a < 0) != (b < 0)))
                };
                let int = match op {
                    BinOpKind::Add => a.checked_add(b),
                    BinOpKind::Sub => a.checked_sub(b),
                    BinOpKind::Mul => a.checked_mul(b),
                    BinOpKind::FloorDiv => floor(a, b),
                    BinOpKind::Rem => floor(a, b).map(|quotient| a - quotient * b),
                    BinOpKind::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
                    _ => None,
                };
                return int.map(Value::Int).ok_or_else(overflow);
            }
            (.., Some(a), Some(b)) => match op {
                BinOpKind::Add => a + b,
                BinOpKind::Sub => a - b,
                BinOpKind::Mul => a * b,
                BinOpKind::Pow => a.powf(b),
                _ if b == 0.0 => return Err(Failure::error("division by zero")),
                BinOpKind::Div => a / b,
                BinOpKind::FloorDiv => (a / b).floor(),
                _ => a - b * (a / b).floor(),
            },
            _ => {
                let (left, right) = (left.kind(), right.kind());
                let reason = format!("{left} and {right} cannot be computed with");
                return Err(Failure::Error(reason));
            }
        };
        Ok(Value::Float(result))
    }

    fn repeat(&self, value: &Value<'a>, count: i64) -> Result<Value<'a>, Failure> {
        let count = usize::try_from(count).unwrap_or(0);
        match value {
            Value::Text(text) => {
                self.budget.allocate(text.cost().saturating_mul(count))?;
                let mut repeated = Text::default();
                (0..if text.len() > 0 { count } else { 0 }).for_each(|_| repeated.push(text));
                Value::text(repeated, self.budget)
            }
            Value::List(list) => {
                let length = list.items.len().saturating_mul(count);
                self.budget
                    .allocate(length.saturating_mul(size_of::<Value>()))?;
                let items = list.items.iter().cycle().take(length).cloned().collect();
                Value::sequence(items, list.is_tuple, self.budget)
            }
            _ => Ok(Value::Undefined),
        }
    }

    /// Whether a comparison holds.
    pub fn holds(&self, op: CompareOpKind, a: &Value<'a>, b: &Value<'a>) -> Result<bool, Failure> {
        Ok(match op {
            CompareOpKind::Eq => a.equals(b, self.budget)?,
            CompareOpKind::Ne => !a.equals(b, self.budget)?,
            CompareOpKind::Lt => a.order(b, self.budget)? == Ordering::Less,
            CompareOpKind::Lte => a.order(b, self.budget)? != Ordering::Greater,
            CompareOpKind::Gt => a.order(b, self.budget)? == Ordering::Greater,
            CompareOpKind::Gte => a.order(b, self.budget)? != Ordering::Less,
            CompareOpKind::In => tests_of::contains(b, a, self.budget)?,
            CompareOpKind::NotIn => !tests_of::contains(b, a, self.budget)?,
        })
    }
}

/// The positions a Python slice chooses.
fn slice_indices(
    length: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
) -> impl Iterator<Item = usize> {
    let length = length as i64;
    let (low, high) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let bound = |at: Option<i64>, default: i64| match at {
        None => default,
        Some(at) if at < 0 => (at.saturating_add(length)).clamp(low, high),
        Some(at) => at.clamp(low, high),
    };
    let (first, end) = match step > 0 {
        true => (bound(start, low), bound(stop, high)),
        false => (bound(start, high), bound(stop, low)),
    };
    let mut at = first;
    std::iter::from_fn(move || {
        let inside = if step > 0 { at < end } else { at > end };
        let here = inside.then_some(at as usize);
        at = at.saturating_add(step);
        here
    })
}

pub(super) fn overflow() -> Failure {
    Failure::error("a number is too large")
}
