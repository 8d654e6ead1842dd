//! Search: models with GGUF files, page by page.

use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{
    Holds, LONGEST_NEXT,
    model::{ModelSummary, RawModel},
};
use crate::{Error, Hub, Refusal, Result};

/// Models of a page: more would bring more of chat templates than of models.
const PAGE: &str = "30";
/// Longest text that is searched for.
const LONGEST_SEARCH: usize = 200;
/// What is told of each model.
const TOLD: [&str; 8] = [
    "downloads",
    "likes",
    "tags",
    "lastModified",
    "gated",
    "gguf",
    "cardData",
    "pipeline_tag",
];

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words of a name.
    pub text: String,
    /// Who published it.
    pub publisher: Option<String>,
    /// What comes first.
    pub sort: Sort,
    /// Only those that ask for something first, or only the others.
    pub gated: Option<bool>,
    /// Tags that all of them have: `license:mit`, `de`.
    pub tags: Vec<String>,
}

/// What comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// What many look at now.
    #[default]
    Trending,
    /// What is fetched most.
    Downloads,
    /// What is liked most.
    Likes,
    /// What changed last.
    Recent,
}

/// Where a search goes on; only the Hub knows how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPage(String);

/// A page of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// Models, as the Hub sorted them.
    pub models: Vec<ModelSummary>,
    /// The page after it.
    pub next: Option<NextPage>,
    /// When the Hub said so, in milliseconds since 1970.
    pub as_of_ms: i64,
}

impl NextPage {
    /// As it crosses to where it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it came back from there.
    pub fn from_text(text: &str) -> Result<Self> {
        let is_query =
            text.len() <= LONGEST_NEXT && text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        match is_query {
            true => Ok(Self(text.to_owned())),
            false => Err(Error::refused("the next page", Refusal::Address)),
        }
    }
}

impl Hub {
    /// A page of a search: the first, or the next.
    pub async fn search(&self, query: &SearchQuery, next: Option<&NextPage>) -> Result<SearchPage> {
        let mut url = self.endpoint().at(["api", "models"]);
        let asked = match next {
            Some(NextPage(next)) => next.clone(),
            None => query.to_text(),
        };
        url.set_query(Some(&asked));
        let answer = self.page(url, None, Holds::AMinute, read).await?;
        Ok(SearchPage {
            models: answer.value,
            next: answer.next.map(NextPage),
            as_of_ms: answer.at_ms,
        })
    }
}

/// Rows that name no repository are left out.
fn read(body: &[u8]) -> Result<Vec<ModelSummary>, String> {
    let rows: Vec<Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let models = rows.into_iter().filter_map(|row| {
        let raw: RawModel = serde_json::from_value(row).ok()?;
        raw.summary()
    });
    Ok(models.collect())
}

impl SearchQuery {
    fn to_text(&self) -> String {
        let mut text = Serializer::new(String::new());
        // `library=gguf` would be ignored.
        text.append_pair("filter", "gguf");
        for tag in &self.tags {
            text.append_pair("filter", tag);
        }
        let words: String = self.text.trim().chars().take(LONGEST_SEARCH).collect();
        if !words.is_empty() {
            text.append_pair("search", &words);
        }
        if let Some(publisher) = &self.publisher {
            text.append_pair("author", publisher);
        }
        if let Some(gated) = self.gated {
            text.append_pair("gated", if gated { "true" } else { "false" });
        }
        text.append_pair(
            "sort",
            match self.sort {
                Sort::Trending => "trendingScore",
                Sort::Downloads => "downloads",
                Sort::Likes => "likes",
                Sort::Recent => "lastModified",
            },
        );
        text.append_pair("direction", "-1")
            .append_pair("limit", PAGE);
        for field in TOLD {
            text.append_pair("expand[]", field);
        }
        text.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_for_gguf_files_and_says_what_it_wants_to_know() {
        let query = SearchQuery {
            text: " qwen 3&limit=9 ".into(),
            publisher: Some("Qwen".into()),
            sort: Sort::Likes,
            gated: Some(false),
            tags: vec!["license:mit".into()],
        };
        let text = query.to_text();
        assert!(text.starts_with(
            "filter=gguf&filter=license%3Amit&search=qwen+3%26limit%3D9&author=Qwen&gated=false&sort=likes&direction=-1"
        ));
        assert!(text.contains("&expand%5B%5D=gguf"));
    }

    #[test]
    fn rows_that_name_no_repository_are_left_out() {
        let models = read(
            br#"[7, null, {"id": "a/b"}, {"modelId": "c/d", "likes": 3}, {"id": "../x"}, []]"#,
        )
        .unwrap();
        let names: Vec<&str> = models.iter().map(|model| model.repo.as_str()).collect();
        assert_eq!(names, ["a/b", "c/d"]);
        assert!(read(b"{}").is_err() && read(b"<html>").is_err());
    }

    #[test]
    fn where_a_search_goes_on_is_a_query_and_nothing_else() {
        assert!(NextPage::from_text("cursor=abc%3D").is_ok());
        assert!(NextPage::from_text("a#b").is_err());
        assert!(NextPage::from_text("a b").is_err());
        assert!(NextPage::from_text(&"x".repeat(LONGEST_NEXT + 1)).is_err());
    }
}
