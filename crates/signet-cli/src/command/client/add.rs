//! `signet client add`

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use signet_oauth::{
    AuthMethod, ClientId, ClientName, CredentialKind, Definition, Preset, Scope, TokenEndpoint,
    credential_place,
};
use zeroize::Zeroizing;

use super::{ask, book};
use crate::choice::one_of;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::place::Place;
use crate::{prompt, secret};

/// No private key is longer, in bytes.
const LONGEST_KEY: u64 = 16 * 1_024;

/// Define a client in the repository
///
/// The secret is asked for, or without a terminal read from one line of standard input. It is sealed with the master key
/// and never an argument: those are seen by every user of the machine.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// What the client is called here
    name: ClientName,

    /// The kind of the endpoint: adobe-ims is Adobe's Identity Management Service
    #[arg(long, value_name = "PRESET", default_value = "generic", value_parser = one_of::<Preset>(&["adobe-ims", "generic"]))]
    preset: Preset,

    /// The URL that is asked for tokens [default: that of the preset]
    #[arg(long, value_name = "URL")]
    token_endpoint: Option<TokenEndpoint>,

    /// The client's id at the endpoint
    #[arg(long, value_name = "ID")]
    client_id: ClientId,

    /// Read the secret from a file that holds it in one line ("-" is standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "private_key_file")]
    secret_file: Option<PathBuf>,

    /// Read the private key from a PEM file ("-" is standard input), and sign with it
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,

    /// What the token is to be good for, in the words of the endpoint
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,

    /// How the client says who it is [default: that of the preset; private_key_jwt with a private key]
    #[arg(long, value_name = "METHOD", value_parser = one_of::<AuthMethod>(&["client_secret_basic", "client_secret_post", "private_key_jwt"]))]
    auth: Option<AuthMethod>,

    /// What the endpoint calls the private key (kid)
    #[arg(long, value_name = "KID")]
    key_id: Option<String>,

    /// Whom signed statements are for (aud) [default: the token endpoint]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,

    /// Trust the certificates of this PEM file besides those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// Take the place of the client of that name, if there is one
    #[arg(long)]
    replace: bool,
}

impl Add {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        let definition = self.definition()?;
        let name = &self.name;
        if place.config().client.contains_key(name) {
            let message = format!("signet.toml defines the client {name} already");
            let hint = "change it there, or choose another name";
            return Err(Failure::new(message).hint(hint).into());
        }
        place.ready_to_record()?;
        let kind = definition.auth().credential();
        let belongs = credential_place(name, kind);
        let master = ask::master(&place)?;
        let replaced = place
            .with_repository(async |repository| {
                // Nobody likes to type a secret for a client that cannot be added.
                let present = repository.client(name.as_str()).await?.is_some();
                if present && !self.replace {
                    let message = format!("there is a client {name} already");
                    let hint = "add --replace to put this one in its place, or choose another name";
                    return Err(Failure::new(message).hint(hint).into());
                }
                let credential = self.credential(kind)?;
                let sealed = master.seal(&belongs, credential.expose_secret().as_bytes())?;
                let described = serde_json::to_value(&definition)?;
                let secret = (belongs.as_str(), &*sealed.to_string());
                let now = context.now();
                place.begin_change()?;
                repository
                    .put_client(name.as_str(), &described, Some(secret), now)
                    .await?;
                // What the client said who it was with before is of no use any more.
                let other = credential_place(name, other(kind));
                let tidied = async {
                    repository.remove_secret(other.as_str(), now).await?;
                    book::settle(repository).await
                };
                // The client is there, whatever comes of that.
                tidied.await.inspect_err(|_| place.leave_change())?;
                Ok(present)
            })
            .await?;
        let action = if replaced {
            "client.replace"
        } else {
            "client.add"
        };
        let detail = json!({
            "preset": definition.preset,
            "token_endpoint": definition.endpoint()?,
            "client_id": definition.client_id,
            "auth": definition.auth(),
            "scope": definition.scope,
        });
        place.record(context, action, &format!("client/{name}"), &detail)?;
        self.answer(context, &place, &definition, replaced).await
    }

    async fn answer(
        &self,
        context: &Context,
        place: &Place,
        definition: &Definition,
        replaced: bool,
    ) -> anyhow::Result<Outcome> {
        let name = &self.name;
        let says = place.poke().await;
        let document = json!({
            "name": name,
            "replaced": replaced,
            "token_endpoint": definition.endpoint()?,
            "client_id": definition.client_id,
            "auth": definition.auth(),
            "instance": says,
        });
        let done = if replaced { "Replaced" } else { "Added" };
        let text = format!(
            "{done} the client {name} of {}; its {} is sealed.\nNext: signet client check {name}",
            definition.endpoint()?.authority(),
            definition.auth().credential().words(),
        );
        context.output.answer(&document, &text)?;
        Ok(Outcome::Done)
    }

    fn definition(&self) -> anyhow::Result<Definition> {
        let by_key = self
            .private_key_file
            .is_some()
            .then_some(AuthMethod::PrivateKeyJwt);
        let ca_file = self.ca_file.as_deref().map(|file| {
            file.canonicalize()
                .with_context(|| format!("{} could not be found", file.display()))
        });
        let definition = Definition {
            token_endpoint: self.token_endpoint.clone(),
            auth: self.auth.or(by_key),
            scope: self.scope.clone(),
            audience: self.audience.clone(),
            key_id: self.key_id.clone(),
            ca_file: ca_file.transpose()?,
            ..Definition::new(self.preset, self.client_id.clone())
        };
        definition.check().map_err(|error| {
            Failure::new(error.to_string()).hint("signet client add --help describes the options")
        })?;
        let kind = definition.auth().credential();
        let (given, wanted) = match kind {
            CredentialKind::Secret => (&self.private_key_file, "--secret-file"),
            _ => (&self.secret_file, "--private-key-file"),
        };
        if given.is_some() {
            let message = format!("{} needs a {}", definition.auth(), kind.words());
            return Err(Failure::new(message).hint(format!("give {wanted}")).into());
        }
        Ok(definition)
    }

    fn credential(&self, kind: CredentialKind) -> anyhow::Result<SecretString> {
        let what = kind.words();
        if kind == CredentialKind::Secret {
            let given = match &self.secret_file {
                Some(file) => secret::from_file(file, what)?,
                None if prompt::is_possible() => {
                    prompt::hidden(&format!("Secret of the client {}", self.name))?
                }
                None => secret::from_stdin(what)?,
            };
            return checked(kind, given.expose_secret().as_bytes());
        }
        let file = self.private_key_file.as_deref().ok_or_else(|| {
            Failure::new("private_key_jwt needs a private key").hint("give --private-key-file")
        })?;
        let bytes = all_of(file).with_context(|| {
            format!("the private key could not be read from {}", file.display())
        })?;
        checked(kind, &bytes)
    }
}

fn checked(kind: CredentialKind, bytes: &[u8]) -> anyhow::Result<SecretString> {
    let checked = signet_oauth::check(kind, bytes);
    checked.map_err(|error| {
        let hint = error.hint();
        Failure::new(error.to_string()).hint(hint).into()
    })
}

fn other(kind: CredentialKind) -> CredentialKind {
    match kind {
        CredentialKind::Secret => CredentialKind::PrivateKey,
        _ => CredentialKind::Secret,
    }
}

fn all_of(file: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut input: Box<dyn Read> = match file == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(file)?),
    };
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_KEY as usize + 2));
    input
        .by_ref()
        .take(LONGEST_KEY + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
