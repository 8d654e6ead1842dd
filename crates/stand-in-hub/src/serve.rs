//! The two listeners and their connections.

use std::{io, net::Ipv4Addr, sync::Arc};

use axum::{Router, extract::Request, middleware, response::Response, routing::get};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tower_service::Service;

use crate::{
    api,
    behaviour::Rule,
    content::Content,
    control::{self, Script},
    misbehave::{self, HungUp},
    record::Request as Recorded,
    repository::{File, Repository},
    resolve,
    state::Shared,
};

const SEND_BUFFER_BYTES: u32 = 64 * 1024;

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct StandInHub {
    shared: Arc<Shared>,
    listeners: [JoinHandle<()>; 2],
}

impl StandInHub {
    /// Starts on free ports of the loopback address.
    ///
    /// # Errors
    /// When there are none.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(0).await
    }

    /// Starts with the Hub at this port (0: a free one), the CDN at a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_at(port: u16) -> io::Result<Self> {
        let hub = listen(port)?;
        let cdn = listen(0)?;
        let shared = Arc::new(Shared::new(hub.local_addr()?, cdn.local_addr()?));
        let listeners = [
            tokio::spawn(accept(hub, hub_routes(shared.clone()))),
            tokio::spawn(accept(cdn, cdn_routes(shared.clone()))),
        ];
        Ok(Self { shared, listeners })
    }

    /// The Hub's address, to be used as `HF_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.shared.hub)
    }

    /// The CDN's address.
    pub fn cdn(&self) -> String {
        format!("http://{}", self.shared.cdn)
    }

    /// Holds a repository, instead of the one of this id if there is one.
    pub fn add(&self, repository: Repository) {
        self.apply(Script {
            repositories: vec![repository],
            ..Script::default()
        });
    }

    /// Adds what a script says.
    pub fn apply(&self, script: Script) {
        script.apply(&mut self.shared.lock());
    }

    /// A token and the user it belongs to.
    pub fn token(&self, token: &str, user: &str) {
        let mut inner = self.shared.lock();
        inner.tokens.insert(token.to_owned(), user.to_owned());
    }

    /// Adds a rule, behind those there are.
    pub fn misbehave(&self, rule: Rule) {
        self.shared.lock().rules.push(rule);
    }

    /// Forgets all rules.
    pub fn behave(&self) {
        self.shared.lock().rules.clear();
    }

    /// A new commit, in which one file has other bytes; the old commit stays. Returns the new commit.
    pub fn push(&self, repository: &str, path: &str, content: Content) -> Option<String> {
        let mut inner = self.shared.lock();
        let repository = inner.repository_mut(repository)?;
        repository.push(path, content);
        Some(repository.commit().to_owned())
    }

    /// Other bytes under the same commit.
    pub fn overwrite(&self, repository: &str, path: &str, content: Content) {
        if let Some(repository) = self.shared.lock().repository_mut(repository) {
            repository.overwrite(path, content);
        }
    }

    /// A file of the newest commit.
    pub fn file(&self, repository: &str, path: &str) -> Option<File> {
        let inner = self.shared.lock();
        let files = &inner.repository(repository)?.newest().files;
        files.iter().find(|file| file.path == path).cloned()
    }

    /// The newest commit of a repository.
    pub fn commit(&self, repository: &str) -> Option<String> {
        let inner = self.shared.lock();
        Some(inner.repository(repository)?.commit().to_owned())
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        let inner = self.shared.lock();
        inner
            .records
            .iter()
            .map(|record| record.snapshot())
            .collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.lock().records.clear();
    }

    /// How many bytes of files went out since the start.
    pub fn sent_bytes(&self) -> u64 {
        *self.shared.sent.borrow()
    }

    /// Returns when so many bytes of files have gone out since the start: a moment to do something at, such as to kill
    /// who gets them.
    pub async fn sent_at_least(&self, bytes: u64) {
        let mut sent = self.shared.sent.subscribe();
        // The sender lives as long as this.
        let _ = sent.wait_for(|&sent| sent >= bytes).await;
    }
}

impl Drop for StandInHub {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // What counts as sent should be with the client, not with the system.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(128)
}

fn hub_routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(
            "/{owner}/{name}/resolve/{revision}/{*path}",
            get(resolve::resolve),
        )
        .route(
            "/{owner}/{name}/raw/{revision}/{*path}",
            get(resolve::resolve),
        )
        .route(
            "/api/resolve-cache/models/{owner}/{name}/{commit}/{*path}",
            get(resolve::cached),
        )
        .route("/api/models", get(api::search))
        .route("/api/models/{owner}/{name}", get(api::newest))
        .route(
            "/api/models/{owner}/{name}/revision/{revision}",
            get(api::at_revision),
        )
        .route("/api/models/{owner}/{name}/tree/{revision}", get(api::tree))
        .route("/api/whoami-v2", get(api::who_am_i))
        .route("/_control", get(control::report).post(control::steer))
        .layer(middleware::from_fn_with_state(
            shared.clone(),
            misbehave::at_hub,
        ))
        .with_state(shared)
}

fn cdn_routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/xet-bridge-us/{repository}/{hash}", get(resolve::cdn))
        .layer(middleware::from_fn_with_state(
            shared.clone(),
            misbehave::at_cdn,
        ))
        .with_state(shared)
}

async fn accept(listener: TcpListener, routes: Router) {
    // Ends the connections with the listener.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, routes.clone()));
                }
                Err(_) => return,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, routes: Router) {
    // The end of one answer and the beginning of the next must not wait for each other.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let mut routes = routes.clone();
        async move {
            let response: Response = match routes.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            match response.extensions().get::<HungUp>() {
                Some(_) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                None => Ok(response),
            }
        }
    });
    // A connection that ends badly is the client's business, and often what a test asked for.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
