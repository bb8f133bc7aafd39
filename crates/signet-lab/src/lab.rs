//! `signet lab`: a farm that stays until it is told to end.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use crate::balancer::BalancePolicy;
use crate::error::LabError;
use crate::farm::Farm;
use crate::instance::{Instance, Role};
use crate::keyfiles;
use crate::options::{LabOptions, TokenMode};
use crate::password::Password;
use crate::provision::{Life, Person, Population};

/// The user to try a lab with.
const TRIED: &str = "ada";

/// How long an instance that somebody killed stays dead before the lab starts it again.
const DEAD: Duration = Duration::from_secs(5);

/// Time between two looks at whether the instances still run.
const LOOK: Duration = Duration::from_millis(200);

/// What happens in a lab, as it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An instance is ready.
    Ready {
        /// Its name.
        name: &'a str,
    },
    /// Everything runs.
    Running(&'a Overview),
    /// An instance ended, by somebody else's hand.
    Ended {
        /// Its name.
        name: &'a str,
        /// How.
        status: ExitStatus,
        /// When it will be started again.
        again_in: Duration,
    },
    /// The lab ends its farm.
    Ending,
}

/// Who is where in a lab, and how to get in.
#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    /// The address to open.
    pub url: String,
    /// A user who exists on every instance.
    pub user: String,
    /// Their password, made at this start.
    #[serde(serialize_with = "Password::serialize_revealed")]
    pub password: Password,
    /// The kind of token.
    pub token: TokenMode,
    /// The balancer's policy.
    pub balance: BalancePolicy,
    /// Where the data directories are.
    pub directory: PathBuf,
    /// The balancer's address.
    pub balancer: SocketAddr,
    /// The instances, the author first.
    pub instances: Vec<Described>,
}

/// One instance of a lab.
#[derive(Debug, Clone, Serialize)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its admin listener is.
    pub admin: SocketAddr,
    /// Its process.
    pub pid: Option<u32>,
    /// The ids of its `hmac` keys, which are fingerprints of them.
    pub hmac: Vec<String>,
    /// The ids of its `master` keys.
    pub master: Vec<String>,
}

/// Starts a farm, keeps it running until `stop` is done, and ends it in order.
///
/// It prints nothing: `on_event` hears what happens.
/// An instance that ends meanwhile (`kill -9` is part of the fun) is started again.
///
/// # Errors
/// Any [`LabError`]; whatever was started has ended when it is returned.
pub async fn run(
    options: LabOptions,
    stop: impl Future<Output = ()>,
    mut on_event: impl FnMut(Event<'_>),
) -> Result<(), LabError> {
    let mut stop = std::pin::pin!(stop);
    let password = Password::random()?;
    let people = [Person {
        id: TRIED.to_owned(),
        name: "Ada Lovelace".to_owned(),
    }];
    let population = Population {
        people: &people,
        password: &password,
        token: options.token,
        life: Life::default(),
        now: options.now,
    };
    let starting = Farm::start(&options, &population, |instance| {
        on_event(Event::Ready {
            name: &instance.member().name,
        });
    });
    // Stopped on the way up: what runs already ends with the future that started it.
    let mut farm = tokio::select! {
        farm = starting => farm?,
        () = stop.as_mut() => return Ok(()),
    };
    on_event(Event::Running(&overview(&farm, &options, password)?));
    loop {
        let ended = tokio::select! {
            ended = first_to_end(&mut farm) => ended,
            () = stop.as_mut() => break,
        };
        let (instance, status) = ended;
        on_event(Event::Ended {
            name: &instance.member().name,
            status,
            again_in: DEAD,
        });
        tokio::select! {
            () = sleep(DEAD) => {}
            () = stop.as_mut() => break,
        }
        let started = tokio::select! {
            started = instance.start() => started,
            () = stop.as_mut() => break,
        };
        if let Err(error) = started {
            farm.stop().await?;
            return Err(error);
        }
        on_event(Event::Ready {
            name: &instance.member().name,
        });
    }
    on_event(Event::Ending);
    farm.stop().await
}

/// Waits until any instance ends.
async fn first_to_end(farm: &mut Farm) -> (&mut Instance, ExitStatus) {
    let (number, status) = loop {
        let ended = (0..)
            .zip(farm.instances_mut())
            .find_map(|(number, instance)| Some((number, instance.has_ended()?)));
        match ended {
            Some(ended) => break ended,
            None => sleep(LOOK).await,
        }
    };
    (farm.instance_mut(number), status)
}

fn overview(farm: &Farm, options: &LabOptions, password: Password) -> Result<Overview, LabError> {
    let described = |instance: &Instance| {
        let member = instance.member();
        let kids = |ring| keyfiles::kids(&member.data, ring).map(|kids| kids.into_iter().collect());
        Ok(Described {
            name: member.name.clone(),
            role: member.role,
            address: member.address,
            admin: member.admin,
            pid: instance.pid(),
            hmac: kids("hmac")?,
            master: kids("master")?,
        })
    };
    Ok(Overview {
        url: format!("http://{}/", farm.balancer.address()),
        user: TRIED.to_owned(),
        password,
        token: options.token,
        balance: options.balance,
        directory: farm.root().to_owned(),
        balancer: farm.balancer.address(),
        instances: farm
            .instances()
            .map(described)
            .collect::<Result<_, LabError>>()?,
    })
}
