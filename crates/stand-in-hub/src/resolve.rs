//! Files: the Hub sends clients on to the CDN, or to its own cache for small ones.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

use crate::{
    answer::{self, Said},
    content::Content,
    repository::{File, Repository},
    state::{Inner, Shared},
};

/// Seconds a signed address is said to be valid.
const SIGNED_FOR: u64 = 3600;

pub(crate) async fn resolve(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, revision, path)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let id = format!("{owner}/{name}");
    let inner = shared.lock();
    let user = user(&inner, &headers);
    let Some(repository) = inner.repository(&id) else {
        return match inner.moved_to(&id) {
            Some(now) => answer::redirect(
                StatusCode::TEMPORARY_REDIRECT,
                &format!("/{now}/resolve/{revision}/{path}"),
            ),
            None => answer::missing(Said::Text, user.as_deref()),
        };
    };
    let is_open = ["README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"].contains(&path.as_str());
    let refusal = answer::refusal(repository, user.as_deref(), Said::Text);
    if let (Some(refusal), false) = (refusal, is_open) {
        return refusal;
    }
    let Some(at) = repository.revision(&revision) else {
        let message = format!("Invalid rev id: {revision}");
        return answer::error(Said::Text, 404, Some("RevisionNotFound"), &message);
    };
    let Some(file) = at.files.iter().find(|file| file.path == path) else {
        return answer::error(Said::Text, 404, Some("EntryNotFound"), "Entry not found");
    };
    if file.is_lfs {
        return to_cdn(&shared, repository, &at.commit, file);
    }
    if repository.gated != crate::Gated::No {
        return small(file, &at.commit, &headers);
    }
    let query = format!(
        "%2F{owner}%2F{name}%2Fresolve%2F{revision}%2F{path}=&etag=%22{}%22",
        file.oid
    );
    let commit = &at.commit;
    let location = format!("/api/resolve-cache/models/{id}/{commit}/{path}?{query}");
    with(
        answer::redirect(StatusCode::TEMPORARY_REDIRECT, &location),
        "x-repo-commit",
        commit,
    )
}

fn to_cdn(shared: &Shared, repository: &Repository, commit: &str, file: &File) -> Response {
    let (id, hash) = (&repository.id, &file.xet_hash);
    let object = Content::Text(id.clone()).git_sha1();
    let cdn = shared.cdn;
    let location = format!(
        "http://{cdn}/xet-bridge-us/{}/{hash}?response-content-disposition=inline&user_id=public&X-Xet-Cas-Uid=public&Expires={SIGNED_FOR}&Policy=cG9saWN5&Signature=c2lnbmF0dXJl&Key-Pair-Id=K2L8F4GPSG1IFC",
        &object[..24]
    );
    let hub = shared.hub;
    let link = format!(
        "<http://{hub}/api/models/{id}/xet-read-token/{commit}>; rel=\"xet-auth\", <https://cas-server.xethub.hf.co/v1/reconstructions/{hash}>; rel=\"xet-reconstruction-info\""
    );
    let mut response = answer::redirect(StatusCode::FOUND, &location);
    let size = file.size.to_string();
    let etag = format!("\"{}\"", file.sha256);
    for (name, value) in [
        ("link", link.as_str()),
        ("x-repo-commit", commit),
        ("x-linked-size", &size),
        ("x-linked-etag", &etag),
        ("x-xet-hash", hash),
    ] {
        response = with(response, name, value);
    }
    response
}

/// A small file, at the address its redirect gave.
pub(crate) async fn cached(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, commit, path)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let inner = shared.lock();
    let repository = inner.repository(&format!("{owner}/{name}"));
    let revision = repository.and_then(|repository| repository.revision(&commit));
    let file = revision.and_then(|at| at.files.iter().find(|file| file.path == path));
    match file {
        Some(file) => small(file, &commit, &headers),
        None => answer::error(Said::Text, 404, Some("EntryNotFound"), "Entry not found"),
    }
}

fn small(file: &File, commit: &str, headers: &HeaderMap) -> Response {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let kind = "text/plain; charset=utf-8";
    let mut response = answer::bytes(&file.content, kind, &file.oid, headers);
    let disposition = format!("inline; filename*=UTF-8''{name}; filename=\"{name}\";");
    response = with(response, "content-disposition", &disposition);
    with(response, "x-repo-commit", commit)
}

/// A large file at the CDN. Only who was sent here knows the address, so there is no gate.
pub(crate) async fn cdn(
    State(shared): State<Arc<Shared>>,
    Path((_, hash)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let is_signed = query.is_some_and(|query| query.contains("Signature="));
    let inner = shared.lock();
    let Some((_, file)) = inner.by_xet_hash(&hash).filter(|_| is_signed) else {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>";
        return answer::error(Said::Text, 403, None, body);
    };
    let kind = "application/octet-stream";
    let response = answer::bytes(&file.content, kind, &hash, &headers);
    with(response, "x-hf-cdn-pop", "aws-eu-west-3")
}

pub(crate) fn user(inner: &Inner, headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    inner.tokens.get(value.strip_prefix("Bearer ")?).cloned()
}

fn with(mut response: Response, name: &'static str, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
