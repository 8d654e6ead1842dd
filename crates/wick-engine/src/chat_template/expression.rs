//! Values of expressions, by Python's rules.

use std::rc::Rc;

use minijinja::machinery::ast::{self, CallArg, Expr, UnaryOpKind};

use super::{
    failure::Failure,
    filters, functions, methods,
    operators::overflow,
    run::{Args, Run},
    tests_of,
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
    pub fn defined(&mut self, expr: &'a Expr<'a>) -> Result<Value<'a>, Failure> {
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

/// What an expression is called in an error.
pub(super) fn name_of(expr: &Expr<'_>) -> String {
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
