//! Which tensors an architecture has, and of what shape: a table of [`Expected`] says it, and `check` holds a
//! model to it.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use super::HyperParameters;
use crate::{Result, gguf::label};

/// A tensor that a model of an architecture has, or may have.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// Its name; `*` stands for the number of a layer: `blk.*.attn_q.weight`.
    pub name_pattern: &'static str,
    /// Its dimensions, the fastest varying first.
    pub dims: &'static [Dim],
    /// Whether every model (and every layer) has it.
    pub required: bool,
}

/// A tensor that every model of the architecture has.
pub const fn required(name_pattern: &'static str, dims: &'static [Dim]) -> Expected {
    Expected {
        name_pattern,
        dims,
        required: true,
    }
}

/// A tensor that a model of the architecture may have.
pub const fn optional(name_pattern: &'static str, dims: &'static [Dim]) -> Expected {
    Expected {
        name_pattern,
        dims,
        required: false,
    }
}

/// A dimension, as the hyper-parameters give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// `embedding_length`
    Embedding,
    /// Entries of the vocabulary.
    Vocabulary,
    /// `feed_forward_length`
    FeedForward,
    /// Gate and up in one: twice `feed_forward_length`.
    GateAndUp,
    /// `expert_feed_forward_length`
    ExpertFeedForward,
    /// `expert_count`. As the last of three it also stands for that many tensors of two dimensions, `….0.weight` and on.
    Experts,
    /// Queries of all heads.
    Queries,
    /// Keys of all key-value heads.
    Keys,
    /// Values of all key-value heads.
    Values,
    /// Queries, keys and values in one.
    QueriesKeysValues,
    /// Values of all heads: what attention puts out.
    Attended,
    /// Keys of one head.
    KeyLength,
    /// Half of the rotated part of a head.
    HalfRotary,
    /// Always this.
    Fixed(usize),
    /// Anything.
    Any,
}

/// What is wrong with one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorProblem {
    /// Its name.
    pub tensor: String,
    /// What about it.
    pub flaw: Flaw,
    /// Which rule it breaks.
    pub reason: String,
}

/// What about a tensor is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// There is none of this name.
    Missing,
    /// None of this name is expected.
    Name,
    /// Its dimensions.
    Dims,
}

impl TensorProblem {
    /// The field of a header that an error names.
    pub(crate) fn field(&self) -> String {
        let name = label(&self.tensor);
        match self.flaw {
            Flaw::Missing => format!("tensor {name}"),
            Flaw::Name => format!("name of tensor {name}"),
            Flaw::Dims => format!("dims of tensor {name}"),
        }
    }
}

impl HyperParameters<'_> {
    /// The size that `dim` stands for, `None` where the model does not say.
    pub(crate) fn size(&self, dim: Dim) -> Result<Option<usize>> {
        let heads = self.positive("attention.head_count")?;
        let kv_heads = self.positive("attention.head_count_kv")?.or(heads);
        let key = self.key_length()?;
        let value = self.get("attention.value_length")?.or(key);
        let times = |a: Option<u32>, b: Option<u32>| Some(a? as usize * b? as usize);
        let plain = |value: Option<u32>| value.map(|value| value as usize);
        Ok(match dim {
            Dim::Embedding => plain(self.get("embedding_length")?),
            Dim::Vocabulary => plain(self.vocabulary()?),
            Dim::FeedForward => plain(self.get("feed_forward_length")?),
            Dim::GateAndUp => times(self.get("feed_forward_length")?, Some(2)),
            Dim::ExpertFeedForward => plain(self.get("expert_feed_forward_length")?),
            Dim::Experts => plain(self.get("expert_count")?),
            Dim::Queries => times(heads, key),
            Dim::Keys => times(kv_heads, key),
            Dim::Values => times(kv_heads, value),
            Dim::QueriesKeysValues => times(heads, key)
                .zip(times(kv_heads, key))
                .zip(times(kv_heads, value))
                .map(|((queries, keys), values)| queries + keys + values),
            Dim::Attended => times(heads, value),
            Dim::KeyLength => plain(key),
            Dim::HalfRotary => plain(self.rotary_length()?).map(|length| length / 2),
            Dim::Fixed(size) => Some(size),
            Dim::Any => None,
        })
    }

    fn sizes(&self, dims: &[Dim]) -> Result<Vec<Option<usize>>> {
        dims.iter().map(|dim| self.size(*dim)).collect()
    }
}

/// The number of the layer that a name gives, and the name with `*` in its place.
fn layer_of(name: &str) -> Option<(&str, String)> {
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    Some((layer, format!("blk.*.{part}")))
}

/// `blk.*.ffn_up_exps.7.weight` as 7 and `blk.*.ffn_up_exps.weight`.
fn expert_of(pattern: &str) -> Option<(usize, String)> {
    let stem = pattern.strip_suffix(".weight")?;
    let (stem, expert) = stem.rsplit_once('.')?;
    Some((plain_number(expert)?, format!("{stem}.weight")))
}

/// A number written in the one usual way.
fn plain_number<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse()
        .ok()
        .filter(|number: &T| number.to_string() == text)
}

fn check_dims(dims: &[usize], expected: &[Option<usize>]) -> Result<(), String> {
    let agrees = |(dim, size): (&usize, &Option<usize>)| size.is_none_or(|size| size == *dim);
    if dims.len() == expected.len() && dims.iter().zip(expected).all(agrees) {
        return Ok(());
    }
    let expected: Vec<String> = expected
        .iter()
        .map(|size| size.map_or("any".to_owned(), |size| size.to_string()))
        .collect();
    Err(format!("are {dims:?}; must be [{}]", expected.join(", ")))
}

/// Holds the tensors to the table, where there is one, and in any case to the number of layers.
pub(super) fn check<'a>(
    model: &HyperParameters<'_>,
    table: Option<&[Expected]>,
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize])>,
) -> Result<Vec<TensorProblem>> {
    let layers = model.get("block_count")?;
    if table.is_some() {
        for suffix in ["block_count", "embedding_length", "attention.head_count"] {
            if model.get(suffix)?.is_none() {
                let reason = match model.metadata.contains(&model.key(suffix)) {
                    true => "differs between layers, which models of this architecture do not",
                    false => "is missing",
                };
                return model.wrong(suffix, reason.to_owned());
            }
        }
    }
    let mut expected = BTreeMap::new();
    for entry in table.unwrap_or_default() {
        expected.insert(entry.name_pattern, (entry, model.sizes(entry.dims)?));
    }
    let experts = model.size(Dim::Experts)?.unwrap_or(0);
    let mut problems = Vec::new();
    let mut found = BTreeSet::new();
    for (name, dims) in tensors {
        let mut wrong = |flaw, reason: String| {
            problems.push(TensorProblem {
                tensor: name.to_owned(),
                flaw,
                reason,
            });
        };
        let mut pattern = name.to_owned();
        if let Some((layer, of_any_layer)) = layer_of(name) {
            match plain_number::<u32>(layer) {
                None => wrong(Flaw::Name, "does not number its layer".to_owned()),
                Some(index) => {
                    if let Some(layers) = layers.filter(|layers| index >= *layers) {
                        wrong(Flaw::Name, format!("there are only {layers} layers"));
                    }
                }
            }
            pattern = of_any_layer;
        }
        if table.is_none() {
            continue;
        }
        let stacked = || {
            let (expert, stacked) = expert_of(&pattern)?;
            let (entry, sizes) = expected.get(stacked.as_str())?;
            let is_stack = entry.dims.len() == 3 && entry.dims.last() == Some(&Dim::Experts);
            (is_stack && expert < experts).then(|| &sizes[..2])
        };
        let sizes = expected.get(pattern.as_str()).map(|(_, sizes)| &sizes[..]);
        match sizes.or_else(stacked) {
            None => wrong(
                Flaw::Name,
                format!("{} models have no such tensor", model.architecture),
            ),
            Some(sizes) => {
                if let Err(reason) = check_dims(dims, sizes) {
                    wrong(Flaw::Dims, reason);
                }
            }
        }
        found.insert(name);
    }
    for (entry, _) in expected.values().filter(|(entry, _)| entry.required) {
        let is_of_layer = entry.name_pattern.contains('*');
        for layer in 0..if is_of_layer { layers.unwrap_or(0) } else { 1 } {
            let name = entry.name_pattern.replace('*', &layer.to_string());
            let of_expert = |expert: usize| {
                name.strip_suffix(".weight")
                    .map(|stem| format!("{stem}.{expert}.weight"))
                    .is_some_and(|name| found.contains(name.as_str()))
            };
            let is_stack = entry.dims.len() == 3 && entry.dims.last() == Some(&Dim::Experts);
            let in_pieces = || is_stack && experts > 0 && (0..experts).all(of_expert);
            if !found.contains(name.as_str()) && !in_pieces() {
                problems.push(TensorProblem {
                    tensor: name,
                    flaw: Flaw::Missing,
                    reason: "is missing".to_owned(),
                });
            }
        }
    }
    Ok(once_for_all_layers(problems))
}

/// Of what is wrong with the same tensor in several layers, the first, and how many more.
fn once_for_all_layers(problems: Vec<TensorProblem>) -> Vec<TensorProblem> {
    let mut places = HashMap::<_, usize>::new();
    let mut first = Vec::<(TensorProblem, usize)>::new();
    for problem in problems {
        let pattern = layer_of(&problem.tensor).map(|(_, pattern)| pattern);
        let pattern = pattern.unwrap_or_else(|| problem.tensor.clone());
        match places.entry((pattern, problem.flaw)) {
            Entry::Occupied(place) => first[*place.get()].1 += 1,
            Entry::Vacant(place) => {
                place.insert(first.len());
                first.push((problem, 0));
            }
        }
    }
    let told = first.into_iter().map(|(mut problem, more)| {
        if more > 0 {
            problem.reason += &format!(" (and so in {more} more layers)");
        }
        problem
    });
    told.collect()
}
