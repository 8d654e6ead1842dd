//! Runs a template: statements, scopes, loops and macros. The template is read by minijinja; it is run here because
//! its own machine can be made to overflow the stack, and does not know whose text is whose.

use std::rc::Rc;

use minijinja::machinery::ast::{self, Expr, Stmt};

use super::{
    budget::Budget,
    failure::Failure,
    print,
    text::Text,
    value::{Loop, Macro, Value},
};

type Scope<'a> = Vec<(&'a str, Value<'a>)>;

/// A template while it runs.
pub(super) struct Run<'a, 'b> {
    pub budget: &'b Budget,
    /// Seconds since 1970.
    pub now: u64,
    scopes: Vec<Scope<'a>>,
    /// What has been written; above it, what is being captured.
    out: Vec<Text>,
}

/// What comes after a statement.
enum Flow {
    Next,
    Continue,
    Break,
}

/// The arguments of a call.
#[derive(Default)]
pub(super) struct Args<'a> {
    pub positional: Vec<Value<'a>>,
    pub named: Vec<(String, Value<'a>)>,
}

impl<'a> Args<'a> {
    /// The argument at a position or of a name.
    pub fn get(&self, at: usize, name: &str) -> Option<&Value<'a>> {
        let named = || self.named.iter().find(|(known, _)| known == name);
        self.positional.get(at).or_else(|| Some(&named()?.1))
    }

    /// The same, where it must be text.
    pub fn text(&self, at: usize, name: &str) -> Result<Option<&Rc<Text>>, Failure> {
        match self.get(at, name) {
            None | Some(Value::None) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => {
                let kind = other.kind();
                Err(Failure::error(format!("{name} must be text, not {kind}")))
            }
        }
    }

    /// The same, where it must be an integer.
    pub fn int(&self, at: usize, name: &str) -> Result<Option<i64>, Failure> {
        match self.get(at, name) {
            None | Some(Value::None) => Ok(None),
            Some(value) => match value.as_int() {
                Some(int) => Ok(Some(int)),
                None => Err(Failure::error(format!("{name} must be an integer"))),
            },
        }
    }

    /// The same, where it says yes or no.
    pub fn flag(&self, at: usize, name: &str) -> bool {
        self.get(at, name).is_some_and(Value::is_true)
    }
}

impl<'a, 'b> Run<'a, 'b> {
    /// Runs a template with these variables, and returns what it wrote.
    pub fn template(
        template: &'a Stmt<'a>,
        variables: Vec<(&'a str, Value<'a>)>,
        now: u64,
        budget: &'b Budget,
    ) -> Result<Text, Failure> {
        let mut run = Self {
            budget,
            now,
            scopes: vec![variables, Vec::new()],
            out: vec![Text::default()],
        };
        run.statement(template)?;
        Ok(run.out.swap_remove(0))
    }

    /// The variable of this name in the innermost scope that has one.
    pub fn variable(&self, name: &str) -> Result<Option<Value<'a>>, Failure> {
        for scope in self.scopes.iter().rev() {
            self.budget.step(1 + scope.len() as u64 / 8)?;
            if let Some((_, value)) = scope.iter().find(|(known, _)| *known == name) {
                return Ok(Some(value.clone()));
            }
        }
        Ok(None)
    }

    fn set(&mut self, name: &'a str, value: Value<'a>) -> Result<(), Failure> {
        if let Some(scope) = self.scopes.last_mut() {
            self.budget.step(1 + scope.len() as u64 / 8)?;
            match scope.iter_mut().find(|(known, _)| *known == name) {
                Some(variable) => variable.1 = value,
                None => scope.push((name, value)),
            }
        }
        Ok(())
    }

    fn write(&mut self, value: &Value<'a>) -> Result<(), Failure> {
        if let Some(out) = self.out.last_mut() {
            print::print(value, out, self.budget)?;
        }
        self.check_output()
    }

    fn check_output(&self) -> Result<(), Failure> {
        match self.out[0].len() > self.budget.output {
            true => Err(Failure::Budget("its output is too long")),
            false => Ok(()),
        }
    }

    fn block(&mut self, statements: &'a [Stmt<'a>]) -> Result<Flow, Failure> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// Runs a block in a scope of its own.
    fn scoped(&mut self, scope: Scope<'a>, statements: &'a [Stmt<'a>]) -> Result<Flow, Failure> {
        self.scopes.push(scope);
        let flow = self.block(statements);
        self.scopes.pop();
        flow
    }

    /// What a block writes, as a value.
    fn captured(&mut self, statements: &'a [Stmt<'a>]) -> Result<Value<'a>, Failure> {
        self.out.push(Text::default());
        let result = self.scoped(Vec::new(), statements);
        let text = self.out.pop().unwrap_or_default();
        result?;
        Value::text(text, self.budget)
    }

    fn statement(&mut self, statement: &'a Stmt<'a>) -> Result<Flow, Failure> {
        let budget = self.budget;
        budget.step(1)?;
        budget.deeper(|| self.statement_here(statement))
    }

    fn statement_here(&mut self, statement: &'a Stmt<'a>) -> Result<Flow, Failure> {
        match statement {
            Stmt::Template(template) => return self.block(&template.children),
            Stmt::EmitRaw(raw) => {
                self.budget.allocate(raw.raw.len())?;
                if let Some(out) = self.out.last_mut() {
                    out.push_str(raw.raw, None);
                }
                self.check_output()?;
            }
            Stmt::EmitExpr(emit) => {
                let value = self.eval(&emit.expr)?;
                self.write(&value)?;
            }
            Stmt::IfCond(condition) => {
                return match self.eval(&condition.expr)?.is_true() {
                    true => self.block(&condition.true_body),
                    false => self.block(&condition.false_body),
                };
            }
            Stmt::ForLoop(for_loop) => return self.for_loop(for_loop),
            Stmt::Set(set) => {
                let value = self.eval(&set.expr)?;
                self.assign(&set.target, value)?;
            }
            Stmt::SetBlock(set) => {
                let mut value = self.captured(&set.body)?;
                if let Some(filter) = &set.filter {
                    value = self.filter_chain(filter, value)?;
                }
                self.assign(&set.target, value)?;
            }
            Stmt::WithBlock(with) => {
                self.scopes.push(Vec::new());
                let flow = with
                    .assignments
                    .iter()
                    .try_for_each(|(target, expr)| {
                        let value = self.eval(expr)?;
                        self.assign(target, value)
                    })
                    .and_then(|()| self.block(&with.body));
                self.scopes.pop();
                return flow;
            }
            Stmt::FilterBlock(filter) => {
                let value = self.captured(&filter.body)?;
                let value = self.filter_chain(&filter.filter, value)?;
                self.write(&value)?;
            }
            Stmt::AutoEscape(block) => return self.block(&block.body),
            Stmt::Macro(code) => {
                let scopes = self.scopes.len();
                self.set(code.name, Value::Macro(Macro { code, scopes }))?;
            }
            Stmt::Do(call) => {
                self.call(&call.call)?;
            }
            Stmt::Continue(_) => return Ok(Flow::Continue),
            Stmt::Break(_) => return Ok(Flow::Break),
            Stmt::CallBlock(_) => return Err(Failure::error("call blocks are not supported")),
        }
        Ok(Flow::Next)
    }

    fn assign(&mut self, target: &'a Expr<'a>, value: Value<'a>) -> Result<(), Failure> {
        match target {
            Expr::Var(variable) => self.set(variable.id, value),
            Expr::List(targets) => {
                let items = self.items(&value)?;
                if items.len() != targets.items.len() {
                    let (count, wanted) = (items.len(), targets.items.len());
                    let reason = format!("{count} values cannot be unpacked into {wanted} names");
                    return Err(Failure::Error(reason));
                }
                let mut pairs = targets.items.iter().zip(items.iter());
                pairs.try_for_each(|(target, item)| self.assign(target, item.clone()))
            }
            Expr::GetAttr(attribute) => {
                let Value::Namespace(namespace) = self.eval(&attribute.expr)? else {
                    return Err(Failure::error("only attributes of a namespace can be set"));
                };
                // What holds a namespace could come to hold itself.
                if matches!(value, Value::Namespace(_) | Value::Loop(_)) {
                    return Err(Failure::error(
                        "a namespace cannot hold a namespace or loop",
                    ));
                }
                let mut entries = namespace.borrow_mut();
                self.budget.step(1 + entries.len() as u64 / 8)?;
                match entries.iter_mut().find(|(name, _)| name == attribute.name) {
                    Some(entry) => entry.1 = value,
                    None => {
                        self.budget.allocate(64 + attribute.name.len())?;
                        entries.push((attribute.name.to_owned(), value));
                    }
                }
                Ok(())
            }
            other => Err(Failure::error(format!(
                "{} cannot be set",
                other.description()
            ))),
        }
    }

    /// What a loop over a value visits.
    pub fn items(&self, value: &Value<'a>) -> Result<Rc<Vec<Value<'a>>>, Failure> {
        let items: Vec<Value> = match value {
            Value::Undefined => Vec::new(),
            Value::List(list) => list.items.clone(),
            Value::Map(map) => map.entries.iter().map(|(key, _)| key.clone()).collect(),
            Value::Text(text) => {
                let string = text.as_str();
                self.budget.allocate(128 * string.len())?;
                let letters = string
                    .char_indices()
                    .map(|(at, c)| Value::text(text.slice(at..at + c.len_utf8()), self.budget));
                letters.collect::<Result<_, _>>()?
            }
            other => {
                let kind = other.kind();
                return Err(Failure::error(format!("{kind} is not iterable")));
            }
        };
        self.budget.allocate(items.len() * size_of::<Value>())?;
        Ok(Rc::new(items))
    }

    fn for_loop(&mut self, for_loop: &'a ast::ForLoop<'a>) -> Result<Flow, Failure> {
        if for_loop.recursive {
            return Err(Failure::error("recursive loops are not supported"));
        }
        let iterated = self.eval(&for_loop.iter)?;
        let mut items = self.items(&iterated)?;
        if let Some(filter) = &for_loop.filter_expr {
            let mut kept = Vec::new();
            for item in items.iter() {
                self.scopes.push(Vec::new());
                let keep = self
                    .assign(&for_loop.target, item.clone())
                    .and_then(|()| self.eval(filter));
                self.scopes.pop();
                if keep?.is_true() {
                    kept.push(item.clone());
                }
            }
            items = Rc::new(kept);
        }
        if items.is_empty() {
            return self.scoped(Vec::new(), &for_loop.else_body);
        }
        for at in 0..items.len() {
            let this = Value::Loop(Rc::new(Loop {
                items: Rc::clone(&items),
                at,
            }));
            self.budget.allocate(64)?;
            self.scopes.push(vec![("loop", this)]);
            let flow = self
                .assign(&for_loop.target, items[at].clone())
                .and_then(|()| self.block(&for_loop.body));
            self.scopes.pop();
            if matches!(flow?, Flow::Break) {
                break;
            }
        }
        Ok(Flow::Next)
    }

    /// Calls a macro. It sees the scopes that enclose it, not those of its caller.
    pub fn call_macro(&mut self, called: Macro<'a>, args: Args<'a>) -> Result<Value<'a>, Failure> {
        let hidden = self.scopes.split_off(called.scopes.min(self.scopes.len()));
        let enclosing = self.scopes.len();
        self.scopes.push(Vec::new());
        let result = self
            .bind(called.code, args)
            .and_then(|()| self.captured(&called.code.body));
        self.scopes.truncate(enclosing);
        self.scopes.extend(hidden);
        result
    }

    fn bind(&mut self, code: &'a ast::Macro<'a>, args: Args<'a>) -> Result<(), Failure> {
        let known = |name: &str| {
            code.args
                .iter()
                .any(|a| matches!(a, Expr::Var(v) if v.id == name))
        };
        let unknown = args.named.iter().find(|(name, _)| !known(name));
        if args.positional.len() > code.args.len() || unknown.is_some() {
            let reason = format!("the macro {} has other arguments", code.name);
            return Err(Failure::Error(reason));
        }
        let required = code.args.len() - code.defaults.len();
        for (at, parameter) in code.args.iter().enumerate() {
            let Expr::Var(parameter) = parameter else {
                continue;
            };
            let default = at.checked_sub(required).map(|at| &code.defaults[at]);
            let value = match (args.get(at, parameter.id), default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => self.eval(default)?,
                (None, None) => Value::Undefined,
            };
            self.set(parameter.id, value)?;
        }
        Ok(())
    }
}
