//! Search: the Hub's own filters first, then those that it has not; without the Hub from what was kept, and from the
//! catalog.

use wick_engine::estimate::MemoryVerdict;
use wick_hub::{Error as HubError, Hub, NextPage, SearchQuery, Sort};

use super::{HubModel, HubPage, HubQuery, HubSort, Runs, Source, rows::Here};
use crate::{
    Error, Result, Wick,
    catalog::{Catalog, CatalogEntry},
};

/// Where the rest of a page is left out by filters, so many of the Hub's pages are looked through for this many rows.
const MOST_PAGES: usize = 4;
const ENOUGH_ROWS: usize = 10;
/// Longest text of a filter, and most of one kind.
const LONGEST: usize = 200;
const MOST: usize = 32;
/// What a model for many languages has in place of a list.
const MANY_LANGUAGES: &str = "*";

impl Wick {
    /// A page of models that are like what is asked for.
    pub async fn hub_search(&self, query: &HubQuery) -> Result<HubPage> {
        check(query)?;
        let hub = self.hub().await?;
        let here = self.here().await?;
        let live = look(&hub, query, &here).await;
        let Err(error) = live else {
            return live.map_err(Error::from);
        };
        if !is_worth_looking_at_home(&error) {
            return Err(error.into());
        }
        if let Ok(page) = look(&hub.kept(), query, &here).await {
            return Ok(page);
        }
        match is_out_of_reach(&error) && query.next.is_none() {
            true => Ok(of_catalog(query, &here)),
            false => Err(error.into()),
        }
    }
}

/// What is not there, not ours or not allowed is not looked for elsewhere.
pub(super) fn is_worth_looking_at_home(error: &HubError) -> bool {
    error.is_retryable() || matches!(error, HubError::BadAnswer { .. })
}

/// Whether the Hub cannot be asked at all.
pub(super) fn is_out_of_reach(error: &HubError) -> bool {
    use HubError::{Interrupted, Offline, TimedOut};
    matches!(error, Offline { .. } | TimedOut { .. } | Interrupted { .. })
}

fn check(query: &HubQuery) -> Result<()> {
    let texts = [&query.architecture, &query.publisher]
        .into_iter()
        .flatten();
    let texts = texts.chain([&query.search]);
    let mut texts = texts.chain(&query.licences).chain(&query.languages);
    let are_few = query.licences.len() <= MOST && query.languages.len() <= MOST;
    match are_few && texts.all(|text| text.len() <= LONGEST) {
        true => Ok(()),
        false => Err(Error::InvalidSetting {
            setting: "the search",
            value: "too much text".into(),
            range: "a few words and filters",
        }),
    }
}

/// Looks through the Hub's pages until there are enough rows.
async fn look(hub: &Hub, query: &HubQuery, here: &Here) -> Result<HubPage, HubError> {
    let asked = SearchQuery {
        text: query.search.clone(),
        publisher: query.publisher.clone(),
        sort: match query.sort {
            HubSort::Trending => Sort::Trending,
            HubSort::Downloads => Sort::Downloads,
            HubSort::Likes => Sort::Likes,
            HubSort::Recent => Sort::Recent,
        },
        gated: query.gated,
        // Several licences are alternatives, which the Hub cannot be asked for.
        tags: match &query.licences[..] {
            [licence] => vec![format!("license:{licence}")],
            _ => Vec::new(),
        },
    };
    let next = query.next.as_deref().map(NextPage::from_text);
    let mut next = next.transpose()?;
    let mut models = Vec::new();
    let mut oldest = i64::MAX;
    for _ in 0..MOST_PAGES {
        let page = hub.search(&asked, next.as_ref()).await?;
        oldest = oldest.min(page.as_of_ms);
        let rows = page.models.iter().map(|summary| here.row(summary));
        models.extend(rows.filter(|row| fits(row, query)));
        next = page.next;
        if models.len() >= ENOUGH_ROWS || next.is_none() {
            break;
        }
    }
    Ok(HubPage {
        models,
        next: next.map(|next| next.as_str().to_owned()),
        source: source(hub, oldest),
    })
}

/// Where an answer of this client came from.
pub(super) fn source(hub: &Hub, at_ms: i64) -> Source {
    match hub.asks_nobody() {
        true => Source::Cached { at_ms },
        false => Source::Live,
    }
}

/// The filters, also those that the Hub was asked for: a mirror may not know them.
fn fits(row: &HubModel, query: &HubQuery) -> bool {
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let is_licensed =
        |licence: &String| row.licence.as_deref().is_some_and(|own| same(own, licence));
    let speaks = |language: &String| {
        let is_it = |own: &String| own == MANY_LANGUAGES || same(own, language);
        row.languages.iter().any(is_it)
    };
    let is_family = |wanted: &String| {
        row.architecture
            .as_deref()
            .is_some_and(|own| same(own, wanted))
    };
    let is_small_enough = || {
        let memory = row.verdict.map(|verdict| verdict.memory);
        let is_known = memory.is_some_and(|m| !matches!(m, MemoryVerdict::TooLarge { .. }));
        is_known && !matches!(row.runs, Runs::No { .. })
    };
    query.class.is_none_or(|class| row.class == Some(class))
        && (query.licences.is_empty() || query.licences.iter().any(is_licensed))
        && query.languages.iter().all(speaks)
        && query.architecture.as_ref().is_none_or(is_family)
        && query.gated.is_none_or(|gated| row.gated == gated)
        && query
            .publisher
            .as_ref()
            .is_none_or(|p| same(&row.publisher, p))
        && (!query.only_fitting || is_small_enough())
}

fn of_catalog(query: &HubQuery, here: &Here) -> HubPage {
    let words = query.search.to_lowercase();
    let is_named = |entry: &&CatalogEntry| {
        let names = format!("{} {}", entry.name, entry.repository).to_lowercase();
        words.split_whitespace().all(|word| names.contains(word))
    };
    let entries = Catalog::builtin().entries.iter().filter(is_named);
    let rows = entries.map(|entry| here.row_of_catalog(entry));
    let mut models: Vec<HubModel> = rows.filter(|row| fits(row, query)).collect();
    if query.sort == HubSort::Recent {
        models.sort_by(|one, other| other.updated_at.cmp(&one.updated_at));
    }
    HubPage {
        models,
        next: None,
        source: Source::Catalog,
    }
}
