//! Records every request and, where a rule says so, changes the request or its answer.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future, stream};

use crate::{
    answer::{self, Span},
    behaviour::{Behaviour, Place},
    content::Content,
    record::{self, Record},
    state::Shared,
};

/// In an answer's extensions: close the connection instead of sending it.
#[derive(Clone)]
pub(crate) struct HungUp;

type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

const PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Please accept the terms of this hotspot.</body></html>";

/// What stands before the Hub and before the CDN.
pub(crate) async fn at_hub(shared: State<Arc<Shared>>, request: Request, next: Next) -> Response {
    recorded(&shared, false, request, next).await
}

pub(crate) async fn at_cdn(shared: State<Arc<Shared>>, request: Request, next: Next) -> Response {
    recorded(&shared, true, request, next).await
}

async fn recorded(
    shared: &Arc<Shared>,
    at_cdn: bool,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/_control") {
        return next.run(request).await;
    }
    let (place, file) = place_of(shared, at_cdn, &path);
    let sent = Arc::new(AtomicU64::new(0));
    let (number, behaviour) = {
        let mut inner = shared.lock();
        let behaviour = inner.behaviour(place, &[&path, file.as_deref().unwrap_or_default()]);
        inner.records.push(Record {
            request: record_of(&request, at_cdn, place, file, behaviour.is_some()),
            sent: sent.clone(),
        });
        (inner.records.len() - 1, behaviour)
    };
    let response = match behaviour {
        None => next.run(request).await,
        Some(Behaviour::Silence) => future::pending().await,
        Some(behaviour) => match instead(&behaviour, &request) {
            Some(response) => response,
            None => {
                change_request(&behaviour, request.headers_mut());
                changed(behaviour, next.run(request).await)
            }
        },
    };
    let status = response.status().as_u16();
    if let Some(record) = shared.lock().records.get_mut(number) {
        record.request.status = response
            .extensions()
            .get::<HungUp>()
            .is_none()
            .then_some(status);
    }
    let shared = shared.clone();
    response.map(|body| {
        Body::from_stream(body.into_data_stream().inspect(move |piece| {
            let bytes = piece.as_ref().map_or(0, Bytes::len) as u64;
            sent.fetch_add(bytes, Ordering::Relaxed);
            if place == Some(Place::Bytes) {
                shared.sent.send_modify(|sent| *sent += bytes);
            }
        }))
    })
}

/// Where a request stands, and the file it is about.
fn place_of(shared: &Shared, at_cdn: bool, path: &str) -> (Option<Place>, Option<String>) {
    if at_cdn {
        let hash = path.rsplit('/').next().unwrap_or_default();
        let inner = shared.lock();
        let file = inner.by_xet_hash(hash);
        let file = file.map(|(repository, file)| format!("{}/{}", repository.id, file.path));
        return (Some(Place::Bytes), file);
    }
    if let Some(rest) = path.strip_prefix("/api/resolve-cache/models/") {
        return (Some(Place::Bytes), Some(rest.to_owned()));
    }
    let place = if path.starts_with("/api/") {
        Some(Place::Api)
    } else {
        path.contains("/resolve/").then_some(Place::Resolve)
    };
    (place, None)
}

fn record_of(
    request: &Request,
    at_cdn: bool,
    place: Option<Place>,
    file: Option<String>,
    misbehaved: bool,
) -> record::Request {
    let header = |name: HeaderName| {
        let value = request.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    record::Request {
        at_cdn,
        place,
        method: request.method().to_string(),
        target: request.uri().to_string(),
        file,
        range: header(header::RANGE),
        authorization: header(header::AUTHORIZATION),
        accept_encoding: header(header::ACCEPT_ENCODING),
        user_agent: header(header::USER_AGENT),
        status: None,
        misbehaved,
        sent_bytes: 0,
    }
}

/// An answer that has nothing to do with what was asked.
fn instead(behaviour: &Behaviour, request: &Request) -> Option<Response> {
    Some(match behaviour {
        Behaviour::Hangup => {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(HungUp);
            response
        }
        Behaviour::Status {
            code,
            headers,
            body,
        } => {
            let mut response = answer::built(Ok(Response::new(Body::from(body.clone()))));
            *response.status_mut() = StatusCode::from_u16(*code).ok()?;
            for (name, value) in headers {
                set(response.headers_mut(), name, value);
            }
            response
        }
        Behaviour::Page => {
            let answer = Response::builder().header(header::CONTENT_TYPE, "text/html");
            answer::built(answer.body(Body::from(PAGE)))
        }
        Behaviour::Redirect { to } => answer::redirect(StatusCode::FOUND, to),
        Behaviour::RedirectLoop => {
            let here = request.uri().to_string();
            answer::redirect(StatusCode::FOUND, &here)
        }
        _ => return None,
    })
}

/// Some wrong answers are right answers to another question.
fn change_request(behaviour: &Behaviour, headers: &mut HeaderMap) {
    let text = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let asked = text.and_then(|text| {
        let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
        Some((start.parse::<u64>().ok()?, end.parse::<u64>().ok()))
    });
    let Some((start, end)) = asked else { return };
    let (start, end) = match behaviour {
        Behaviour::Shift { bytes } => (start + bytes, end.map(|end| end + bytes)),
        Behaviour::Longer { bytes } => (start, end.map(|end| end + bytes)),
        Behaviour::Shorter { bytes } => {
            let last = start + bytes.saturating_sub(1);
            (start, Some(end.map_or(last, |end| end.min(last))))
        }
        Behaviour::IgnoreRange => {
            headers.remove(header::RANGE);
            return;
        }
        _ => return,
    };
    let end = end.map(|end| end.to_string()).unwrap_or_default();
    set(headers, "range", &format!("bytes={start}-{end}"));
}

fn changed(behaviour: Behaviour, mut response: Response) -> Response {
    let start = response
        .extensions()
        .get::<Span>()
        .map_or(0, |span| span.start);
    let headers = response.headers_mut();
    match behaviour {
        Behaviour::Headers { set: headers_set } => {
            for (name, value) in &headers_set {
                set(headers, name, value);
            }
            response
        }
        Behaviour::Total { bytes } => {
            let said = headers.get(header::CONTENT_RANGE);
            let said = said.and_then(|value| value.to_str().ok()?.split_once('/'));
            if let Some(said) = said.map(|(range, _)| format!("{range}/{bytes}")) {
                set(headers, "content-range", &said);
            }
            response
        }
        Behaviour::NoLength => {
            headers.remove(header::CONTENT_LENGTH);
            response
        }
        Behaviour::Empty => {
            headers.remove(header::CONTENT_LENGTH);
            response.map(|_| Body::empty())
        }
        Behaviour::Gzip => {
            headers.remove(header::CONTENT_LENGTH);
            set(headers, "content-encoding", "gzip");
            with_body(response, |pieces| gzip(pieces).boxed())
        }
        Behaviour::CutAfter { bytes } => with_body(response, |pieces| {
            up_to(pieces, bytes).chain(stream::once(cut())).boxed()
        }),
        Behaviour::StallAfter { bytes } => with_body(response, |pieces| {
            up_to(pieces, bytes).chain(stream::pending()).boxed()
        }),
        Behaviour::Slow { pause_ms, bytes } => with_body(response, |pieces| {
            let pause = Duration::from_millis(pause_ms);
            let small = pieces.flat_map(move |piece| small_pieces(piece, bytes));
            small
                .then(move |piece| async move {
                    tokio::time::sleep(pause).await;
                    piece
                })
                .boxed()
        }),
        Behaviour::FlipBit { offset } => edited(response, start, move |at, piece| {
            let within = offset.checked_sub(at).filter(|&at| at < piece.len() as u64);
            if let Some(within) = within {
                piece[within as usize] ^= 1;
            }
        }),
        Behaviour::Garbage => edited(response, start, |at, piece| {
            let end = at + piece.len() as u64;
            piece.copy_from_slice(&Content::seeded(u64::MAX, end).read(at..end));
        }),
        _ => response,
    }
}

fn with_body(response: Response, change: impl FnOnce(Pieces) -> Pieces) -> Response {
    response.map(|body| {
        let pieces = body
            .into_data_stream()
            .map(|piece| piece.map_err(io::Error::other));
        Body::from_stream(change(pieces.boxed()))
    })
}

/// With every piece changed by `edit`, which is told where in the file the piece begins.
fn edited(
    response: Response,
    start: u64,
    edit: impl Fn(u64, &mut [u8]) + Send + 'static,
) -> Response {
    with_body(response, move |pieces| {
        let mut at = start;
        let edited = pieces.map(move |piece| {
            let mut piece = piece?.to_vec();
            edit(at, &mut piece);
            at += piece.len() as u64;
            Ok(Bytes::from(piece))
        });
        edited.boxed()
    })
}

/// The end of a connection, when what was sent before has had its chance to leave.
async fn cut() -> io::Result<Bytes> {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
    Err(io::ErrorKind::ConnectionAborted.into())
}

fn up_to(pieces: Pieces, bytes: u64) -> Pieces {
    let mut left = bytes;
    let cut = pieces.map(move |piece| {
        let mut piece = piece?;
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= piece.len() as u64;
        Ok(piece)
    });
    cut.take_while(|piece| future::ready(!piece.as_ref().is_ok_and(Bytes::is_empty)))
        .boxed()
}

fn small_pieces(piece: io::Result<Bytes>, bytes: u64) -> Pieces {
    let length = usize::try_from(bytes).unwrap_or(usize::MAX).max(1);
    match piece {
        Err(error) => stream::iter([Err(error)]).boxed(),
        Ok(piece) => {
            let count = piece.len().div_ceil(length);
            let part = move |number: usize| {
                let start = number * length;
                Ok(piece.slice(start..piece.len().min(start + length)))
            };
            stream::iter((0..count).map(part)).boxed()
        }
    }
}

/// The gzip format with blocks that are stored as they are.
fn gzip(pieces: Pieces) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks = small_blocks(pieces).map(|piece| {
        let piece = piece?;
        let length = piece.len() as u16;
        let mut block = vec![0];
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&(!length).to_le_bytes());
        block.extend_from_slice(&piece);
        Ok(Bytes::from(block))
    });
    let end = [1, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0];
    stream::iter([Ok(Bytes::copy_from_slice(&head))])
        .chain(blocks)
        .chain(stream::iter([Ok(Bytes::copy_from_slice(&end))]))
}

fn small_blocks(pieces: Pieces) -> Pieces {
    pieces
        .flat_map(|piece| small_pieces(piece, 32 * 1024))
        .boxed()
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    let Ok(name) = HeaderName::try_from(name) else {
        return;
    };
    if value.is_empty() {
        headers.remove(name);
    } else if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}
