//! Connections: accepted, timed, counted, and ended in order. Our own loop, since `axum::serve`
//! installs no timer and its header timeout does nothing.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::TokioTimer,
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{Config, admin, app::App, http, store::Store};

mod timed;

use timed::Timed;

/// Most headers of a request.
pub const MAX_HEADERS: usize = 64;
const CONNECTIONS: usize = 4_096;
const CONNECTIONS_OF_ONE: usize = 512;
const IDLE: Duration = Duration::from_secs(60);
#[cfg(feature = "tls")]
const HANDSHAKE: Duration = Duration::from_secs(10);
const STOPPING: Duration = Duration::from_secs(8);
const UPLOADS_LIVE: u64 = 3600;

/// Listeners that are bound, and the relay behind them.
pub struct Server {
    app: Arc<App>,
    public: TcpListener,
    admin: Option<TcpListener>,
    per_address: usize,
    guard: Option<Guard>,
}

impl Server {
    /// Opens the database and binds.
    ///
    /// # Errors
    /// What the operating system or the database refuses.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        let database = config.database.clone();
        let opened = tokio::task::spawn_blocking(move || database.open()).await;
        Self::over(opened.map_err(io::Error::other)?.map_err(io::Error::other)?, config).await
    }

    /// Over memory alone, for tests: everything is gone with it.
    ///
    /// # Errors
    /// What the operating system refuses.
    pub async fn in_memory(listen: SocketAddr) -> io::Result<Self> {
        Self::bind(&Config { listen, ..Config::default() }).await
    }

    async fn over(store: Arc<dyn Store>, config: &Config) -> io::Result<Self> {
        let public = TcpListener::bind(config.listen).await?;
        let admin = match config.admin {
            Some(address) => Some(TcpListener::bind(address).await?),
            None => None,
        };
        let own = public.local_addr()?.to_string();
        let authority = config.authority.clone().unwrap_or(own);
        // All connections come from the one proxy where there is one.
        let per_address = if config.behind_proxy { CONNECTIONS } else { CONNECTIONS_OF_ONE };
        let mut app = App::new(store, authority);
        (app.registration, app.quota) = (config.registration.clone(), config.quota);
        let app = Arc::new(app);
        app.store.follow(&app.watch);
        Ok(Self { app, public, admin, per_address, guard: guard(config)? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system refuses.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where it listens for operators.
    ///
    /// # Errors
    /// What the operating system refuses.
    pub fn admin_address(&self) -> io::Result<Option<SocketAddr>> {
        self.admin.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Serves until `stop`, then finishes what is under way, within ten seconds.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { app, public, admin, per_address, guard } = self;
        let graceful = GracefulShutdown::new();
        let open = &app.metrics.connections;
        let door = |router, guard| Arc::new(Door::new(router, per_address, guard, open));
        let mut accepting = vec![accept(public, door(http::router(&app), guard), &graceful)];
        if let Some(admin) = admin {
            accepting.push(accept(admin, door(admin::router(&app), None), &graceful));
        }
        let pruning = tokio::spawn(prune(Arc::clone(&app)));
        until(stop, accepting).await;
        pruning.abort();
        app.watch.stop();
        let _ = timeout(STOPPING, graceful.shutdown()).await;
        let store = Arc::clone(&app.store);
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }
}

/// Drives endless work until `stop`; then the listeners close with it.
async fn until(stop: impl Future<Output = ()>, work: Vec<impl Future<Output = ()>>) {
    let mut stop = std::pin::pin!(stop);
    let mut work: Vec<_> = work.into_iter().map(Box::pin).collect();
    std::future::poll_fn(move |context| {
        work.iter_mut().for_each(|work| {
            let _ = work.as_mut().poll(context);
        });
        stop.as_mut().poll(context)
    })
    .await;
}

/// Drops uploads that no commit named, every ten minutes.
async fn prune(app: Arc<App>) {
    loop {
        tokio::time::sleep(Duration::from_secs(600)).await;
        let before = crate::now().saturating_sub(UPLOADS_LIVE);
        if let Err(problem) = app.run(move |app| Ok(app.store.prune(before)?)).await {
            crate::report(&format!("prune: {}", problem.code()));
        }
    }
}

/// Speaks TLS, where the relay does so itself.
#[cfg(feature = "tls")]
type Guard = tokio_rustls::TlsAcceptor;
/// Nothing is one.
#[cfg(not(feature = "tls"))]
#[derive(Clone)]
enum Guard {}

#[cfg(feature = "tls")]
fn guard(config: &Config) -> io::Result<Option<Guard>> {
    config.tls.as_ref().map(|(chain, key)| crate::tls::acceptor(chain, key)).transpose()
}

#[cfg(not(feature = "tls"))]
fn guard(_: &Config) -> io::Result<Option<Guard>> {
    Ok(None)
}

/// What every accepted connection goes through.
struct Door {
    router: Router,
    all: Arc<Semaphore>,
    per_address: usize,
    guard: Option<Guard>,
    open: Arc<AtomicUsize>,
    of_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Door {
    fn new(
        router: Router,
        per_address: usize,
        guard: Option<Guard>,
        open: &Arc<AtomicUsize>,
    ) -> Self {
        let (all, open) = (Arc::new(Semaphore::new(CONNECTIONS)), Arc::clone(open));
        Self { router, all, per_address, guard, open, of_address: Mutex::default() }
    }

    /// Counts one more connection of an address, if it may have one.
    fn enter(self: &Arc<Self>, address: IpAddr, permit: OwnedSemaphorePermit) -> Option<Place> {
        let mut counts = self.of_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        self.open.fetch_add(1, Relaxed);
        Some(Place { door: Arc::clone(self), address, _permit: permit })
    }

    fn leave(&self, address: IpAddr) {
        self.open.fetch_sub(1, Relaxed);
        let mut counts = self.of_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
        }
        counts.retain(|other, count| *other != address || *count > 0);
    }
}

/// A connection's place, given back on drop.
struct Place {
    door: Arc<Door>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.leave(self.address);
    }
}

async fn accept(listener: TcpListener, door: Arc<Door>, graceful: &GracefulShutdown) {
    loop {
        let Ok(permit) = Arc::clone(&door.all).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Some(place) = door.enter(peer.ip(), permit) {
                    enter(stream, place, graceful.watcher());
                }
            }
            // Out of file descriptors, most likely: wait for some to come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn enter(stream: TcpStream, place: Place, watcher: Watcher) {
    let _ = stream.set_nodelay(true);
    tokio::spawn(async move {
        match &place.door.guard {
            #[cfg(feature = "tls")]
            Some(guard) => {
                // A handshake has the time of a header; who fails it has nothing to be told.
                if let Ok(Ok(stream)) = timeout(HANDSHAKE, guard.accept(stream)).await {
                    serve(stream, &place, watcher).await;
                }
            }
            _ => serve(stream, &place, watcher).await,
        }
        drop(place);
    });
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    place: &Place,
    watcher: Watcher,
) {
    let (timed, busy) = Timed::new(stream);
    let router = TowerToHyperService::new(place.door.router.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (busy, router) = (Arc::clone(&busy), router.clone());
        busy.store(true, Relaxed);
        async move {
            let response = router.call(request).await;
            busy.store(false, Relaxed);
            response
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(64 << 10)
        .serve_connection(timed, service);
    // Whatever ended the connection, the client knows; nothing is left to do here.
    let _ = watcher.watch(connection).await;
}
