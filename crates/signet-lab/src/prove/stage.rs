//! How each scene is played.

use std::future::Future;
use std::time::Duration;

use super::show::Show;
use super::token::key_id;
use super::{Progress, ProofOptions};
use crate::command::Signet;
use crate::error::LabError;
use crate::farm::Farm;
use crate::keyfiles;
use crate::load::{User, log_in_all};
use crate::options::LabOptions;
use crate::password::Password;
use crate::provision::{Life, Person, Population};
use crate::scene::{Scene, Seen};

/// Units of work of one act, against one of a login.
const ACT: u64 = 40;

/// Everything the scenes share.
pub(super) struct Stage<'a> {
    options: &'a ProofOptions,
    progress: &'a mut dyn FnMut(Progress<'_>),
    people: Vec<Person>,
    password: Password,
    done: u64,
    total: u64,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        options: &'a ProofOptions,
        progress: &'a mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, LabError> {
        let people = (1..=options.users).map(|number| Person {
            id: format!("user-{number:04}"),
            name: format!("User {number}"),
        });
        // Two farms start and end; the scenes have 1, 2, 3, one per instance, and 4 acts.
        let acts = 4 + 1 + 2 + 3 + (options.publish as u64 + 1) + 4;
        Ok(Self {
            options,
            progress,
            people: people.collect(),
            password: Password::random()?,
            done: 0,
            total: 3 * options.users as u64 + acts * ACT,
        })
    }

    /// Starts a farm with the tokens and the policy of `scene`.
    pub(super) async fn farm(&mut self, scene: Scene) -> Result<Farm, LabError> {
        let options = LabOptions {
            publish: self.options.publish,
            token: scene.token(),
            balance: scene.balance(),
            ports: None,
            ..LabOptions::new(self.options.program.clone(), self.options.now)
        };
        let people = self.people.clone();
        let password = self.password.clone();
        let population = Population {
            people: &people,
            password: &password,
            token: scene.token(),
            life: Life {
                renewal_interval: self.options.renewal_interval,
                ..Life::default()
            },
            now: self.options.now,
        };
        let step = format!("starting a farm with {} tokens", scene.token());
        self.act(&step, Farm::start(&options, &population, |_| ()))
            .await
    }

    /// Ends a farm.
    pub(super) async fn end(&mut self, farm: Farm) -> Result<(), LabError> {
        self.act("ending the farm", farm.stop()).await
    }

    /// Logs every user in, with nothing left of an earlier login.
    pub(super) async fn log_in(
        &mut self,
        scene: Scene,
        farm: &Farm,
    ) -> Result<Vec<User>, LabError> {
        farm.balancer.set_policy(scene.balance());
        let names: Vec<String> = self.people.iter().map(|person| person.id.clone()).collect();
        let step = format!("{}: users log in", scene.event());
        let (before, total) = (self.done, self.total);
        let progress = &mut *self.progress;
        let users = log_in_all(farm.balancer.address(), &names, &self.password, |count| {
            progress(Progress {
                step: &step,
                done: before + count as u64,
                total,
            });
        })
        .await?;
        self.done = before + names.len() as u64;
        Ok(users)
    }

    /// Repository tokens behind round robin: nothing happens, and users are refused all the same.
    pub(super) async fn strangers(&mut self, farm: &mut Farm) -> Result<Seen, LabError> {
        let scene = Scene::RepositoryRoundRobin;
        let users = self.log_in(scene, farm).await?;
        let show = Show::open(scene, users, self.options);
        self.act("round robin: requests flow", show.flow()).await;
        Ok(show.close(farm, |_| None).await?.1)
    }

    /// Repository tokens behind sticky connections: who was on the killed instance is lost.
    pub(super) async fn lost_with_the_instance(
        &mut self,
        farm: &mut Farm,
    ) -> Result<Seen, LabError> {
        let scene = Scene::RepositorySticky;
        let users = self.log_in(scene, farm).await?;
        let show = Show::open(scene, users, self.options);
        self.act("sticky: requests flow", show.flow()).await;
        let (step, dead) = ("sticky: one instance is killed", self.options.dead);
        self.act(step, async {
            farm.first().kill().await?;
            show.flow_for(dead).await;
            Ok(())
        })
        .await?;
        Ok(show.close(farm, |_| None).await?.1)
    }

    /// `kill -9` of one instance, which stays dead for a while and then comes back.
    pub(super) async fn kill(
        &mut self,
        farm: &mut Farm,
        users: Vec<User>,
    ) -> Result<(Vec<User>, Seen), LabError> {
        let show = Show::open(Scene::Kill, users, self.options);
        self.act("kill: requests flow", show.flow()).await;
        let (step, dead) = ("kill: one instance is dead", self.options.dead);
        self.act(step, async {
            farm.first().kill().await?;
            show.flow_for(dead).await;
            Ok(())
        })
        .await?;
        self.act("kill: it comes back", async {
            farm.first().start().await?;
            farm.all_in_turn().await?;
            show.flow().await;
            Ok(())
        })
        .await?;
        show.close(farm, |_| None).await
    }

    /// Every instance is stopped and started again, the author as well, one at a time.
    pub(super) async fn rolling_restart(
        &mut self,
        farm: &mut Farm,
        users: Vec<User>,
    ) -> Result<(Vec<User>, Seen), LabError> {
        let show = Show::open(Scene::RollingRestart, users, self.options);
        for number in 0..=self.options.publish {
            self.act("rolling restart", async {
                let instance = farm.instance_mut(number);
                instance.stop().await?;
                instance.start().await?;
                // The next one may only go when this one carries its share again.
                farm.all_in_turn().await?;
                show.flow().await;
                Ok(())
            })
            .await?;
        }
        show.close(farm, |_| None).await
    }

    /// A new `hmac` key, as an administrator would bring it in: made on the author, copied,
    /// read by every instance, and only then activated.
    pub(super) async fn key_rotation(
        &mut self,
        farm: &mut Farm,
        users: Vec<User>,
    ) -> Result<Seen, LabError> {
        let signet = Signet::new(self.options.program.clone());
        let author = farm.author.member().data.as_path();
        let show = Show::open(Scene::KeyRotation, users, self.options);

        let step = "key rotation: a pending key is made and copied";
        let kid = self
            .act(step, async {
                let before = keyfiles::kids(author, "hmac")?;
                signet.run(&["keys", "rotate", "--pending"], author).await?;
                let after = keyfiles::kids(author, "hmac")?;
                let kid = after.difference(&before).next().cloned();
                farm.replicate_keys()?;
                kid.ok_or(LabError::CommandResult {
                    command: "keys rotate --pending".to_owned(),
                    missing: "no new key in keys/hmac",
                })
            })
            .await?;
        self.act("key rotation: every instance reads it", async {
            for instance in farm.instances() {
                signet
                    .run(&["keys", "refresh"], &instance.member().data)
                    .await?;
            }
            show.flow().await;
            Ok(())
        })
        .await?;
        self.act("key rotation: it is activated", async {
            for instance in farm.instances() {
                signet
                    .run(&["keys", "activate", &kid], &instance.member().data)
                    .await?;
            }
            show.flow().await;
            Ok(())
        })
        .await?;
        let renewals = show.flow_for(self.options.renewal_interval + Duration::from_secs(1));
        self.act("key rotation: tokens are renewed", renewals).await;
        let has_new_key =
            |user: &&User| user.session().and_then(key_id).as_deref() == Some(kid.as_str());
        let seen = show
            .close(farm, |users| {
                Some(users.iter().filter(has_new_key).count() as u64)
            })
            .await?;
        Ok(seen.1)
    }

    async fn act<T>(&mut self, step: &str, work: impl Future<Output = T>) -> T {
        (self.progress)(Progress {
            step,
            done: self.done,
            total: self.total,
        });
        let done = work.await;
        self.done += ACT;
        (self.progress)(Progress {
            step,
            done: self.done,
            total: self.total,
        });
        done
    }
}
