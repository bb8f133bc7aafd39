//! A farm: where everything is, started in order and ended in the opposite one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use crate::balancer::{Balancer, BalancerConfig, Limits, Readiness};
use crate::error::LabError;
use crate::instance::{Instance, Member, Role};
use crate::keyfiles;
use crate::options::LabOptions;
use crate::ports::loopback;
use crate::provision::{self, Population};
use crate::warden::Warden;

/// Time for the balancer to use an instance that says it is ready.
const TURN: Duration = Duration::from_secs(30);

/// A running farm.
#[derive(Debug)]
pub(crate) struct Farm {
    pub(crate) author: Instance,
    pub(crate) publish: Vec<Instance>,
    pub(crate) balancer: Balancer,
    // After the instances: their directories go when they have ended.
    root: Root,
}

/// Where the data directories are.
#[derive(Debug)]
enum Root {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Farm {
    /// Prepares the data directories and starts author, publish instances and balancer.
    /// `on_ready` hears of each instance.
    pub(crate) async fn start(
        options: &LabOptions,
        population: &Population<'_>,
        mut on_ready: impl FnMut(&Instance),
    ) -> Result<Self, LabError> {
        let root = Root::create(options.data.as_deref())?;
        let ports = options.assign()?;
        let balancer = loopback(ports.balancer);
        let mut admin = ports.admin.into_iter();
        let mut member = |name: String, role, address: SocketAddr, host: SocketAddr| {
            let data = root.path().join(&name);
            let admin = loopback(admin.next().unwrap_or_default());
            Member {
                name,
                role,
                address,
                admin,
                data,
                host: host.to_string(),
            }
        };
        let author = loopback(ports.author);
        let author = member("author".to_owned(), Role::Author, author, author);
        let publish: Vec<Member> = (1..)
            .zip(&ports.publish)
            .map(|(number, port)| {
                member(
                    format!("publish-{number}"),
                    Role::Publish,
                    loopback(*port),
                    balancer,
                )
            })
            .collect();

        provision::farm(&author, &publish, population).await?;

        let warden = Arc::new(Warden::start()?);
        let instance = |member| Instance::new(member, options.program.clone(), Arc::clone(&warden));
        // The address people will open first: a farm whose balancer cannot listen is not started.
        let balancer = Balancer::start(BalancerConfig {
            listen: balancer,
            policy: options.balance,
            instances: publish
                .iter()
                .map(|member| (member.name.clone(), member.address))
                .collect(),
            limits: Limits::default(),
        })
        .await?;
        let mut farm = Self {
            author: instance(author),
            publish: publish.into_iter().map(instance).collect(),
            balancer,
            root,
        };
        for instance in farm.instances_mut() {
            instance.start().await?;
            on_ready(instance);
        }
        farm.all_in_turn().await?;
        Ok(farm)
    }

    /// Waits until the balancer uses every publish instance.
    pub(crate) async fn all_in_turn(&self) -> Result<(), LabError> {
        for instance in &self.publish {
            let name = &instance.member().name;
            let used = self.balancer.until(name, Readiness::Ready);
            timeout(TURN, used)
                .await
                .map_err(|_| instance.not_ready(TURN))?;
        }
        Ok(())
    }

    /// Fails where an instance has ended that nobody asked to.
    /// The others would carry its share, and no user would tell.
    pub(crate) fn all_alive(&mut self) -> Result<(), LabError> {
        self.instances_mut().try_for_each(|instance| {
            let status = instance.has_ended();
            status.map_or(Ok(()), |status| Err(instance.died(status)))
        })
    }

    /// The publish instance that faults happen to.
    pub(crate) fn first(&mut self) -> &mut Instance {
        self.instance_mut(1)
    }

    /// Number 0 is the author, 1 the first publish instance, and so on.
    pub(crate) fn instance_mut(&mut self, number: usize) -> &mut Instance {
        let publish = number
            .checked_sub(1)
            .and_then(|number| self.publish.get_mut(number));
        publish.unwrap_or(&mut self.author)
    }

    /// The author first, then the publish instances in order.
    pub(crate) fn instances_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        std::iter::once(&mut self.author).chain(&mut self.publish)
    }

    /// The author first, then the publish instances in order.
    pub(crate) fn instances(&self) -> impl Iterator<Item = &Instance> {
        std::iter::once(&self.author).chain(&self.publish)
    }

    /// The directory above the instances' data directories.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Copies the author's key files to every publish instance.
    pub(crate) fn replicate_keys(&self) -> Result<(), LabError> {
        let author = &self.author.member().data;
        self.publish
            .iter()
            .try_for_each(|instance| keyfiles::copy(author, &instance.member().data))
    }

    /// Ends the balancer, then the publish instances, then the author; a temporary directory
    /// goes last.
    pub(crate) async fn stop(mut self) -> Result<(), LabError> {
        self.balancer.stop().await;
        let mut result = Ok(());
        for instance in self.publish.iter_mut().chain([&mut self.author]) {
            result = result.and(instance.stop().await);
        }
        result.and_then(|()| self.root.close())
    }
}

impl Root {
    fn create(kept: Option<&Path>) -> Result<Self, LabError> {
        let Some(kept) = kept else {
            let temporary = tempfile::Builder::new().prefix("signet-lab-").tempdir();
            return temporary
                .map(Self::Temporary)
                .map_err(|source| LabError::File {
                    action: "create a directory in",
                    path: std::env::temp_dir(),
                    source,
                });
        };
        keyfiles::make_private(kept).map_err(|source| LabError::File {
            action: "create",
            path: kept.to_owned(),
            source,
        })?;
        // The instances are told their directories as they are, wherever they start.
        kept.canonicalize()
            .map(Self::Kept)
            .map_err(|source| LabError::File {
                action: "find",
                path: kept.to_owned(),
                source,
            })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Kept(path) => path,
        }
    }

    fn close(self) -> Result<(), LabError> {
        let Self::Temporary(directory) = self else {
            return Ok(());
        };
        let path = directory.path().to_owned();
        directory.close().map_err(|source| LabError::File {
            action: "remove",
            path,
            source,
        })
    }
}
