//! `/api/…`: information on a model, search, the tree of files, and who a token belongs to.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value, json};

use crate::{
    answer::{self, Said},
    content::Content,
    repository::{File, Repository, Revision},
    resolve::user,
    state::{Inner, Shared},
};

type Pairs = Vec<(String, String)>;

fn pairs(query: Option<String>) -> Pairs {
    let query = query.unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn first<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// The values of a key that may be given as `key[]=a&key[]=b` or `key=a,b`.
fn all<'a>(pairs: &'a Pairs, name: &str) -> Vec<&'a str> {
    let list = format!("{name}[]");
    let fits = pairs.iter().filter(|(key, _)| *key == list || key == name);
    fits.flat_map(|(_, value)| value.split(',')).collect()
}

/// A repository the user may know of, or the answer that says why not.
fn find<'a>(
    inner: &'a Inner,
    id: &str,
    user: Option<&str>,
    rest: &str,
) -> Result<&'a Repository, Box<Response>> {
    let Some(repository) = inner.repository(id) else {
        return Err(Box::new(match inner.moved_to(id) {
            Some(now) => answer::redirect(
                StatusCode::TEMPORARY_REDIRECT,
                &format!("/api/models/{now}{rest}"),
            ),
            None => answer::missing(Said::Json, user),
        }));
    };
    let hidden = repository.private || repository.disabled;
    match answer::refusal(repository, user, Said::Json).filter(|_| hidden) {
        Some(refusal) => Err(Box::new(refusal)),
        None => Ok(repository),
    }
}

fn revision<'a>(repository: &'a Repository, name: &str) -> Result<&'a Revision, Box<Response>> {
    repository.revision(name).ok_or_else(|| {
        let message = format!("Invalid rev id: {name}");
        Box::new(answer::error(
            Said::Json,
            404,
            Some("RevisionNotFound"),
            &message,
        ))
    })
}

pub(crate) async fn newest(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    model(
        &shared,
        &format!("{owner}/{name}"),
        "main",
        "",
        query,
        &headers,
    )
}

pub(crate) async fn at_revision(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, wanted)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let rest = format!("/revision/{wanted}");
    model(
        &shared,
        &format!("{owner}/{name}"),
        &wanted,
        &rest,
        query,
        &headers,
    )
}

fn model(
    shared: &Shared,
    id: &str,
    wanted: &str,
    rest: &str,
    query: Option<String>,
    headers: &HeaderMap,
) -> Response {
    let pairs = pairs(query);
    let inner = shared.lock();
    let user = user(&inner, headers);
    let found = find(&inner, id, user.as_deref(), rest)
        .and_then(|repository| Ok((repository, revision(repository, wanted)?)));
    let (repository, at) = match found {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let is_masked = is_masked(repository, user.as_deref());
    let expand = all(&pairs, "expand");
    let blobs = first(&pairs, "blobs") == Some("true");
    let mut value = described(repository, at);
    value.insert("siblings".into(), siblings(at, blobs, is_masked));
    if !expand.is_empty() {
        value.retain(|key, _| key == "_id" || key == "id" || expand.contains(&key.as_str()));
    }
    answer::json(&Value::Object(value))
}

/// All the Hub says of a model but its files.
fn described(repository: &Repository, at: &Revision) -> Map<String, Value> {
    let owner = repository.id.split('/').next().unwrap_or_default();
    let object = Content::Text(repository.id.clone()).git_sha1();
    let value = json!({
        "_id": object[..24],
        "id": repository.id,
        "private": repository.private,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "modelId": repository.id,
        "author": owner,
        "sha": at.commit,
        "lastModified": "2026-01-01T00:00:00.000Z",
        "gated": repository.gated.json(),
        "disabled": repository.disabled,
        "model-index": null,
        "config": {},
        "cardData": {},
        "createdAt": "2026-01-01T00:00:00.000Z",
        "usedStorage": at.files.iter().map(|file| file.size).sum::<u64>(),
    });
    let Value::Object(mut value) = value else {
        return Map::new();
    };
    value.extend(repository.info.clone());
    value
}

fn siblings(at: &Revision, blobs: bool, is_masked: bool) -> Value {
    let sibling = |file: &File| {
        let mut value = json!({ "rfilename": file.path });
        if blobs {
            value["blobId"] = json!(file.oid);
            value["size"] = json!(file.size);
            if file.is_lfs {
                let sha256 = masked(&file.sha256, is_masked);
                value["lfs"] = json!({ "sha256": sha256, "size": file.size, "pointerSize": file.pointer_size });
            }
        }
        value
    };
    at.files.iter().map(sibling).collect()
}

fn is_masked(repository: &Repository, user: Option<&str>) -> bool {
    repository.masked || answer::refusal(repository, user, Said::Json).is_some()
}

fn masked(hash: &str, is_masked: bool) -> String {
    if is_masked {
        "*".repeat(64)
    } else {
        hash.to_owned()
    }
}

pub(crate) async fn search(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    let pairs = pairs(query);
    let inner = shared.lock();
    let mut found: Vec<Map<String, Value>> = inner
        .repositories
        .iter()
        .filter(|repository| !repository.private && !repository.disabled)
        .map(|repository| described(repository, repository.newest()))
        .filter(|row| fits(row, &pairs))
        .collect();
    let sort = first(&pairs, "sort").unwrap_or("trendingScore");
    // Numbers and dates alike: the greatest first, as `direction=-1` asks.
    found.sort_by_key(|row| Reverse(order(row.get(sort))));
    let limit = first(&pairs, "limit").and_then(|text| text.parse().ok());
    let limit: usize = limit.unwrap_or(30).clamp(1, 1000);
    let start: usize = first(&pairs, "cursor")
        .and_then(|text| text.strip_prefix("row-")?.parse().ok())
        .unwrap_or(0);
    let expand = all(&pairs, "expand");
    let rows: Vec<Value> = found
        .iter()
        .skip(start)
        .take(limit)
        .map(|row| {
            let mut row = row.clone();
            if !expand.is_empty() {
                row.retain(|key, _| {
                    ["_id", "id", "modelId"].contains(&key.as_str())
                        || expand.contains(&key.as_str())
                });
            }
            Value::Object(row)
        })
        .collect();
    let next = start + rows.len();
    let next = (next < found.len()).then(|| format!("row-{next}"));
    paged(
        &shared,
        "/api/models",
        &pairs,
        answer::json(&rows.into()),
        next,
    )
}

fn order(value: Option<&Value>) -> (i64, String) {
    match value {
        Some(Value::String(text)) => (0, text.clone()),
        Some(value) => (value.as_i64().unwrap_or(0), String::new()),
        None => (0, String::new()),
    }
}

fn fits(row: &Map<String, Value>, pairs: &Pairs) -> bool {
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let id = text("id").to_ascii_lowercase();
    let tags = row.get("tags").and_then(Value::as_array);
    let has_tag = |tag: &str| {
        let listed = tags.is_some_and(|tags| tags.iter().any(|known| known == tag));
        listed || (tag == "gguf" && row.contains_key("gguf"))
    };
    let searched = first(pairs, "search").is_none_or(|words| {
        let words = words.to_ascii_lowercase();
        words.split_whitespace().all(|word| id.contains(word))
    });
    let by_author = first(pairs, "author").is_none_or(|author| text("author") == author);
    let gated = first(pairs, "gated").is_none_or(|wanted| {
        let is_gated = row.get("gated") != Some(&json!(false));
        is_gated == (wanted == "true")
    });
    let task = first(pairs, "pipeline_tag").is_none_or(|wanted| text("pipeline_tag") == wanted);
    searched && by_author && gated && task && all(pairs, "filter").into_iter().all(has_tag)
}

pub(crate) async fn tree(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, wanted)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let (pairs, id) = (pairs(query), format!("{owner}/{name}"));
    let inner = shared.lock();
    let user = user(&inner, &headers);
    let rest = format!("/tree/{wanted}");
    let found = find(&inner, &id, user.as_deref(), &rest)
        .and_then(|repository| Ok((repository, revision(repository, &wanted)?)));
    let (repository, at) = match found {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let is_masked = is_masked(repository, user.as_deref());
    let recursive = first(&pairs, "recursive") == Some("true");
    let entries = entries(at, recursive, is_masked);
    let start: usize = first(&pairs, "cursor")
        .and_then(|text| text.strip_prefix("entry-")?.parse().ok())
        .unwrap_or(0);
    let page: Vec<Value> = entries
        .iter()
        .skip(start)
        .take(inner.tree_page)
        .cloned()
        .collect();
    let next = start + page.len();
    let next = (next < entries.len()).then(|| format!("entry-{next}"));
    let path = format!("/api/models/{id}{rest}");
    paged(&shared, &path, &pairs, answer::json(&page.into()), next)
}

fn entries(at: &Revision, recursive: bool, is_masked: bool) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut folders = Vec::new();
    for file in &at.files {
        if let Some((folder, _)) = file.path.rsplit_once('/') {
            if !folders.contains(&folder) {
                folders.push(folder);
                let oid = Content::Text(folder.to_owned()).git_sha1();
                entries.push(json!({ "type": "directory", "oid": oid, "size": 0, "path": folder }));
            }
            if !recursive {
                continue;
            }
        }
        let mut entry =
            json!({ "type": "file", "oid": file.oid, "size": file.size, "path": file.path });
        if file.is_lfs {
            let oid = masked(&file.sha256, is_masked);
            entry["lfs"] =
                json!({ "oid": oid, "size": file.size, "pointerSize": file.pointer_size });
            entry["xetHash"] = json!(masked(&file.xet_hash, is_masked));
        }
        entries.push(entry);
    }
    entries
}

/// With the `Link` to the next page, when there is one.
fn paged(
    shared: &Shared,
    path: &str,
    pairs: &Pairs,
    mut response: Response,
    next: Option<String>,
) -> Response {
    let Some(next) = next else { return response };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs.iter().filter(|(key, _)| key != "cursor") {
        query.append_pair(key, value);
    }
    query.append_pair("cursor", &next);
    let link = format!(
        "<http://{}{path}?{}>; rel=\"next\"",
        shared.hub,
        query.finish()
    );
    if let Ok(link) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

pub(crate) async fn who_am_i(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match user(&shared.lock(), &headers) {
        Some(name) => answer::json(&json!({ "type": "user", "name": name })),
        None => answer::error(Said::Json, 401, None, "Invalid username or password."),
    }
}
