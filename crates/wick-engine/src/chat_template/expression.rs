//! Values of expressions, by Python's rules.

use std::{cmp::Ordering, rc::Rc};

use minijinja::machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};

use super::{
    failure::Failure,
    filters, functions, methods, print,
    run::{Args, Run},
    tests_of,
    text::Text,
    value::{Loop, Value},
};

impl<'a> Run<'a, '_> {
    /// The value of an expression.
    pub fn eval(&mut self, expr: &'a Expr<'a>) -> Result<Value<'a>, Failure> {
        let budget = self.budget;
        budget.step(1)?;
        budget.deeper(|| self.eval_here(expr))
    }

    fn eval_here(&mut self, expr: &'a Expr<'a>) -> Result<Value<'a>, Failure> {
        match expr {
            Expr::Var(variable) => Ok(match self.variable(variable.id)? {
                Some(value) => value,
                None if functions::NAMES.contains(&variable.id) => Value::Function(variable.id),
                None => Value::Undefined,
            }),
            Expr::Const(constant) => self.constant(&constant.value),
            Expr::List(list) => Value::list(self.eval_all(&list.items)?, self.budget),
            Expr::Tuple(tuple) => Value::sequence(self.eval_all(&tuple.items)?, true, self.budget),
            Expr::Map(map) => {
                let keys = self.eval_all(&map.keys)?;
                let values = self.eval_all(&map.values)?;
                if let Some(key) = keys
                    .iter()
                    .find(|key| matches!(key, Value::List(_) | Value::Map(_)))
                {
                    return Err(Failure::error(format!("{} cannot be a key", key.kind())));
                }
                Value::map(keys.into_iter().zip(values).collect(), self.budget)
            }
            Expr::UnaryOp(unary) => {
                let value = self.eval(&unary.expr)?;
                match unary.op {
                    UnaryOpKind::Not => Ok(Value::Bool(!value.is_true())),
                    UnaryOpKind::Neg => match (value.as_int(), value.as_float()) {
                        (Some(int), _) => int.checked_neg().map(Value::Int).ok_or_else(overflow),
                        (None, Some(float)) => Ok(Value::Float(-float)),
                        _ => Err(Failure::error(format!("{} has no negative", value.kind()))),
                    },
                }
            }
            Expr::BinOp(binary) => self.binary(binary),
            Expr::Compare(compare) => {
                let mut left = self.eval(&compare.expr)?;
                for op in &compare.ops {
                    let right = self.eval(&op.expr)?;
                    if !self.holds(op.op, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Expr::IfExpr(choice) => {
                match (self.eval(&choice.test_expr)?.is_true(), &choice.false_expr) {
                    (true, _) => self.eval(&choice.true_expr),
                    (false, Some(expr)) => self.eval(expr),
                    (false, None) => Ok(Value::Undefined),
                }
            }
            Expr::Filter(_) => self.filter_chain(expr, Value::Undefined),
            Expr::Test(test) => {
                let value = self.eval(&test.expr)?;
                let args = self.args(&test.args)?;
                tests_of::check(test.name, &value, &args, self.budget).map(Value::Bool)
            }
            Expr::GetAttr(attribute) => {
                let value = self.defined(&attribute.expr)?;
                self.attribute(&value, attribute.name)
            }
            Expr::GetItem(item) => {
                let value = self.defined(&item.expr)?;
                let key = self.eval(&item.subscript_expr)?;
                self.item(&value, &key)
            }
            Expr::Slice(slice) => self.slice(slice),
            Expr::Call(call) => self.call(call),
        }
    }

    fn constant(&self, value: &minijinja::Value) -> Result<Value<'a>, Failure> {
        use minijinja::value::ValueKind;
        let number = || Failure::error("a number is too large");
        match value.kind() {
            ValueKind::None => Ok(Value::None),
            ValueKind::Bool => Ok(Value::Bool(value.is_true())),
            ValueKind::Number if value.is_integer() => {
                value.as_i64().map(Value::Int).ok_or_else(number)
            }
            ValueKind::Number => f64::try_from(value.clone())
                .map(Value::Float)
                .map_err(|_| number()),
            _ => Value::text(value.as_str().unwrap_or_default().into(), self.budget),
        }
    }

    fn eval_all(&mut self, exprs: &'a [Expr<'a>]) -> Result<Vec<Value<'a>>, Failure> {
        exprs.iter().map(|expr| self.eval(expr)).collect()
    }

    /// The value of an expression that must not be undefined.
    fn defined(&mut self, expr: &'a Expr<'a>) -> Result<Value<'a>, Failure> {
        match self.eval(expr)? {
            Value::Undefined => Err(Failure::error(format!("{} is undefined", name_of(expr)))),
            value => Ok(value),
        }
    }

    fn args(&mut self, args: &'a [CallArg<'a>]) -> Result<Args<'a>, Failure> {
        let mut evaluated = Args::default();
        for arg in args {
            match arg {
                CallArg::Pos(expr) => evaluated.positional.push(self.eval(expr)?),
                CallArg::Kwarg(name, expr) => {
                    let value = self.eval(expr)?;
                    evaluated.named.push(((*name).to_owned(), value));
                }
                CallArg::PosSplat(expr) => {
                    let value = self.eval(expr)?;
                    let items = self.items(&value)?;
                    evaluated.positional.extend(items.iter().cloned());
                }
                CallArg::KwargSplat(expr) => {
                    let Value::Map(map) = self.eval(expr)? else {
                        return Err(Failure::error("** takes a dict"));
                    };
                    for (key, value) in &map.entries {
                        let key = key.as_str().unwrap_or_default();
                        self.budget.allocate(64 + key.len())?;
                        evaluated.named.push((key.to_owned(), value.clone()));
                    }
                }
            }
        }
        Ok(evaluated)
    }

    /// Calls a function, a macro or a method.
    pub fn call(&mut self, call: &'a ast::Call<'a>) -> Result<Value<'a>, Failure> {
        let called = match &call.expr {
            Expr::GetAttr(method) => {
                let value = self.defined(&method.expr)?;
                match value {
                    // A macro kept in a namespace is no method of it.
                    Value::Namespace(_) => self.attribute(&value, method.name)?,
                    _ => {
                        let args = self.args(&call.args)?;
                        return methods::call(self, &value, method.name, &args);
                    }
                }
            }
            expr => self.defined(expr)?,
        };
        let args = self.args(&call.args)?;
        match called {
            Value::Macro(code) => {
                let budget = self.budget;
                budget.deeper(|| self.call_macro(code, args))
            }
            Value::Function(name) => functions::call(self, name, args),
            other => Err(Failure::error(format!("{} cannot be called", other.kind()))),
        }
    }

    /// Applies filters, the innermost to its own operand or, where it has none, to `input`.
    pub fn filter_chain(
        &mut self,
        expr: &'a Expr<'a>,
        input: Value<'a>,
    ) -> Result<Value<'a>, Failure> {
        let Expr::Filter(filter) = expr else {
            return self.eval(expr);
        };
        let input = match &filter.expr {
            Some(operand @ Expr::Filter(_)) => {
                let budget = self.budget;
                budget.deeper(|| self.filter_chain(operand, input))?
            }
            Some(operand) => self.eval(operand)?,
            None => input,
        };
        let args = self.args(&filter.args)?;
        filters::apply(self, filter.name, input, &args)
    }

    /// `value.name`.
    pub fn attribute(&self, value: &Value<'a>, name: &'a str) -> Result<Value<'a>, Failure> {
        Ok(match value {
            // As in Python, the methods of a dict hide its keys here.
            Value::Map(_) if methods::OF_DICT.contains(&name) => Value::Function(name),
            Value::Map(_) => value.member(name, self.budget)?.unwrap_or(Value::Undefined),
            Value::Namespace(entries) => {
                let entries = entries.borrow();
                self.budget.step(1 + entries.len() as u64 / 8)?;
                let found = entries.iter().find(|(known, _)| known == name);
                found.map_or(Value::Undefined, |(_, value)| value.clone())
            }
            Value::Loop(this) => loop_attribute(this, name),
            _ => Value::Undefined,
        })
    }

    /// `value[key]`.
    pub fn item(&self, value: &Value<'a>, key: &Value<'a>) -> Result<Value<'a>, Failure> {
        let at = |length: usize| {
            let at = key.as_int()?;
            let at = if at < 0 { at + length as i64 } else { at };
            usize::try_from(at).ok().filter(|at| *at < length)
        };
        Ok(match (value, key) {
            (Value::Map(_), _) => value.entry(key, self.budget)?.unwrap_or(Value::Undefined),
            (Value::List(list), _) => {
                at(list.items.len()).map_or(Value::Undefined, |at| list.items[at].clone())
            }
            (Value::Text(text), _) => {
                self.budget.scan(text.len())?;
                let at = at(text.as_str().chars().count());
                match at.and_then(|at| text.as_str().char_indices().nth(at)) {
                    Some((at, c)) => Value::text(text.slice(at..at + c.len_utf8()), self.budget)?,
                    None => Value::Undefined,
                }
            }
            (Value::Namespace(entries), Value::Text(name)) => {
                let entries = entries.borrow();
                self.budget.step(1 + entries.len() as u64 / 8)?;
                let found = entries.iter().find(|(known, _)| known == name.as_str());
                found.map_or(Value::Undefined, |(_, value)| value.clone())
            }
            _ => Value::Undefined,
        })
    }

    fn slice(&mut self, slice: &'a ast::Slice<'a>) -> Result<Value<'a>, Failure> {
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

    fn binary(&mut self, binary: &'a ast::BinOp<'a>) -> Result<Value<'a>, Failure> {
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
                self.budget.allocate(a.len() + b.len())?;
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
                self.budget.allocate(text.len().saturating_mul(count))?;
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

    fn holds(&self, op: CompareOpKind, a: &Value<'a>, b: &Value<'a>) -> Result<bool, Failure> {
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

fn overflow() -> Failure {
    Failure::error("a number is too large")
}

fn loop_attribute<'a>(this: &Loop<'a>, name: &str) -> Value<'a> {
    let (at, length) = (this.at, this.items.len());
    match name {
        "index" => (at + 1).into(),
        "index0" => at.into(),
        "revindex" => (length - at).into(),
        "revindex0" => (length - at - 1).into(),
        "first" => (at == 0).into(),
        "last" => (at + 1 == length).into(),
        "length" => length.into(),
        "depth" => 1.into(),
        "depth0" => 0.into(),
        "previtem" if at > 0 => this.items[at - 1].clone(),
        "nextitem" if at + 1 < length => this.items[at + 1].clone(),
        _ => Value::Undefined,
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

/// What an expression is called in an error.
fn name_of(expr: &Expr<'_>) -> String {
    match expr {
        Expr::Var(variable) => format!("'{}'", variable.id),
        Expr::GetAttr(attribute) => format!("'{}'", attribute.name),
        Expr::GetItem(item) => match &item.subscript_expr {
            Expr::Const(key) => format!("'{}'", key.value),
            _ => "an item".to_owned(),
        },
        _ => format!("the {}", expr.description()),
    }
}

/// A text of the template's, as a value that costs nothing to speak of.
pub(super) fn plain<'a>(text: &str) -> Value<'a> {
    Value::Text(Rc::new(text.into()))
}
