//! The life of an instance: start, follow, drain, end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use signet_core::{Clock, Subject, UnixSeconds};
use signet_repository::IfMissing;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::admin::AdminSite;
use crate::config::{Role, listener_names};
use crate::connection::accept;
use crate::data::DataError;
use crate::health::Rounds;
use crate::hosts::HostNames;
use crate::instance::{FirstStart, Instance, OpenError, Overrides, Readiness, tell_admin};
use crate::poke;
use crate::public::PublicSite;
use crate::tls::{Tls, TlsError};

/// How often the instance looks by itself.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it forgets what can no longer matter.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// How long load balancers have to notice that the instance is going, before it stops accepting.
const NOTICE: Duration = Duration::from_millis(1_000);
/// How many connections the admin listener holds.
const ADMIN_CONNECTIONS: u32 = 64;

/// What to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The data directory; made at the first start.
    pub data: PathBuf,
    /// In the place of `role`.
    pub role: Option<Role>,
    /// In the place of `listen.public`.
    pub listen: Option<SocketAddr>,
    /// In the place of `listen.admin`.
    pub admin_listen: Option<SocketAddr>,
}

/// What whoever started the instance should know.
#[derive(Debug)]
#[non_exhaustive]
pub enum Announcement {
    /// The first administrator was made. The password is told this once.
    FirstAdministrator {
        /// The user.
        user: Subject,
        /// Good for one login, at which another must be chosen.
        password: SecretString,
    },
    /// The instance answers.
    Ready {
        /// What it is called.
        instance: String,
        /// What it is.
        role: Role,
        /// The address browsers know the site by.
        public_url: String,
        /// Where the public listener listens: address and port, as an https URL where it speaks TLS.
        public: String,
        /// Where the admin listener listens, in the same way.
        admin: String,
    },
    /// It has begun to end.
    Draining,
}

/// Why an instance did not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no certificate to show.
    #[error("the certificate of the listeners cannot be used")]
    Tls(#[from] TlsError),
    /// It could not listen.
    #[error("{address} could not be listened on ({key})")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The key of the configuration.
        key: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Another instance runs on this data directory.
    #[error("another instance runs on {0}")]
    Running(PathBuf),
    /// Signals could not be waited for.
    #[error("signals could not be waited for")]
    Signal(#[source] io::Error),
}

impl From<DataError> for ServeError {
    fn from(error: DataError) -> Self {
        Self::Open(error.into())
    }
}

impl ServeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Open(error) => error.hint(),
            Self::Tls(error) => error.hint(),
            Self::Listen {
                address,
                key,
                source,
            } => match source.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "something else listens there: end it, or set {key} to another port (`ss -ltnp 'sport = :{}'` shows what)",
                    address.port()
                ),
                io::ErrorKind::PermissionDenied => {
                    format!(
                        "ports below 1024 need CAP_NET_BIND_SERVICE; set {key} to a higher one behind a proxy"
                    )
                }
                _ => format!("set {key} to an address of this machine"),
            },
            Self::Running(_) => "end it first, or name another directory with --data".to_owned(),
            Self::Signal(_) => "is the system out of file descriptors?".to_owned(),
        }
    }
}

/// Runs an instance until SIGTERM or SIGINT, and then lets requests under way end.
///
/// # Errors
/// [`ServeError`] names what is wrong, and has a hint; nothing was changed then that the next start would not do again.
pub async fn serve(
    options: ServeOptions,
    mut announce: impl FnMut(Announcement) + Send,
) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signal)?;
    let overrides = Overrides {
        role: options.role,
        public: options.listen,
        admin: options.admin_listen,
    };
    let data = FirstStart::data(&options.data, &overrides)?;
    let Some(_alone) = data.claim()? else {
        return Err(ServeError::Running(data.path().to_owned()));
    };
    // Since the last instance ended, anybody may listen where it did.
    data.forget_admin();
    let config = overrides.apply(data.config()?);
    // Certificate and ports first: if they cannot be had, no keys and no users are made.
    let tls = Tls::open(&config, data.path())?.map(Arc::new);
    let public = bind(config.listen.public, "listen.public").await?;
    let admin = bind(config.listen.admin, "listen.admin").await?;

    // Commands that ask from now on wait for the start to end.
    if let Ok(socket) = admin.local_addr() {
        tell_admin(&data, socket, tls.as_deref());
    }
    // With port 0 the system has chosen one; the names of the listener have that.
    let overrides = Overrides {
        public: public.local_addr().ok(),
        admin: admin.local_addr().ok(),
        ..overrides
    };
    let clock: Arc<dyn Clock> = Arc::new(system_clock);
    let if_missing = match data.is_initialised() {
        true => IfMissing::Refuse,
        false => IfMissing::Create,
    };
    let instance = Instance::open(data, overrides, if_missing, clock).await?;
    let instance = Arc::new(instance.with_tls(tls.clone()));
    if let Some((user, password)) = FirstStart::administrator(&instance, config.role).await? {
        announce(Announcement::FirstAdministrator { user, password });
        FirstStart::told(&instance).await?;
    }
    instance.data().initialised()?;
    instance.record_start().await;

    let (stop, stopped) = watch::channel(false);
    let public_address = public.local_addr().unwrap_or(config.listen.public);
    let admin_address = admin.local_addr().unwrap_or(config.listen.admin);
    let public_site = Arc::new(PublicSite(Arc::clone(&instance)));
    if let Some(tls) = &tls {
        instance.tell_certificate(&tls.certificate(), "the listeners speak TLS");
    }
    let public_tls = tls.clone().filter(|tls| tls.is_public());
    let admin_tls = tls.filter(|tls| tls.is_admin());
    let (public_told, admin_told) = (
        told(public_address, public_tls.as_deref()),
        told(admin_address, admin_tls.as_deref()),
    );
    let admin_site = Arc::new(AdminSite {
        instance: Arc::clone(&instance),
        hosts: HostNames::new(listener_names(admin_address)),
        rounds: Rounds::default(),
    });
    let follow = tokio::spawn(follow(Arc::clone(&instance), stopped.clone()));
    let listeners = [
        tokio::spawn(accept(
            public,
            public_site,
            config.listen.connections,
            public_tls,
            stopped.clone(),
        )),
        tokio::spawn(accept(
            admin,
            admin_site,
            ADMIN_CONNECTIONS,
            admin_tls,
            stopped,
        )),
    ];
    announce(Announcement::Ready {
        instance: config.instance_name(),
        role: config.role,
        public_url: config.public_url.to_string(),
        public: public_told,
        admin: admin_told,
    });
    let readiness = instance.state.readiness();
    if readiness != Readiness::Ready {
        tracing::warn!(code = "NOT_READY", "{}", readiness.as_str());
    }

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    announce(Announcement::Draining);
    instance.state.drain();
    tokio::select! {
        () = tokio::time::sleep(NOTICE) => {}
        // A second one means: now.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let _ = stop.send(true);
    for listener in listeners {
        let _ = listener.await;
    }
    let _ = follow.await;
    instance.record_noticed_keys(true).await;
    let _ = std::fs::remove_file(instance.data().socket());
    instance.site.repository.close().await;
    Ok(())
}

/// Keeps the instance current until `stop` says so.
pub(crate) async fn follow(instance: Arc<Instance>, stop: watch::Receiver<bool>) {
    // Apart, because tidying may have to wait for a reader of the repository, and looking must not.
    tokio::join!(
        look_now_and_then(&instance, stop.clone()),
        tidy_now_and_then(&instance, stop)
    );
}

/// Looks at everything when poked, on SIGHUP, and by itself.
async fn look_now_and_then(instance: &Instance, mut stop: watch::Receiver<bool>) {
    let socket = instance.data().socket();
    let listener = poke::listen(&socket).inspect_err(|error| {
        let error = error as &dyn std::error::Error;
        tracing::warn!(
            code = "NO_SOCKET",
            error,
            "commands cannot poke this instance; it looks by itself every second"
        );
    });
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut look = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            stream = next_poke(listener.as_ref().ok()) => {
                let outcome = instance.look().await;
                poke::answer(stream, outcome).await;
            }
            () = next_hangup(&mut hangup) => { let _ = instance.look().await; }
            _ = look.tick() => { let _ = instance.look().await; }
        }
    }
}

/// Forgets what can no longer matter.
async fn tidy_now_and_then(instance: &Instance, mut stop: watch::Receiver<bool>) {
    let mut tidy = interval(TIDY_EVERY);
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = tidy.tick() => instance.tidy().await,
        }
    }
}

fn interval(every: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Waits until the instance is told to stop, or nobody is left who could tell it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn next_poke(listener: Option<&UnixListener>) -> tokio::net::UnixStream {
    loop {
        match listener {
            None => std::future::pending().await,
            Some(listener) => match listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            },
        }
    }
}

async fn next_hangup(hangup: &mut Option<tokio::signal::unix::Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Where a listener listens, as it is told.
fn told(address: SocketAddr, tls: Option<&Tls>) -> String {
    match tls {
        Some(_) => format!("https://{address}"),
        None => address.to_string(),
    }
}

async fn bind(address: SocketAddr, key: &'static str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen {
            address,
            key,
            source,
        })
}

/// The one place of the program that asks the system for the time.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else is given"
)]
pub fn system_clock() -> UnixSeconds {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixSeconds(since.map_or(0, |since| since.as_secs()))
}
