//! The keys under `/etc/key` of the repository: read, put there, removed.
//!
//! Writing: apache/sling-org-apache-sling-servlets-post, `SlingFileUploadHandler.java`, `AbstractCreateOperation.java`,
//! `JCRSupportImpl.java`.

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use signet_http::Answer;
use zeroize::Zeroizing;

use super::{Console, ConsoleError, ConsoleFault};
use crate::KeyName;
use crate::key_bytes::{KeyBytes, NoKey};

/// The node that holds the keys.
const NODE: &str = "/etc/key";
/// What a node of type `nt:file` keeps its bytes in.
const DATA: &str = "jcr:content/jcr:data";
/// A node beside the keys for as long as a binary property is made of it: only files can be sent.
const SCRATCH: &str = "signet-relocation";

/// What holds a key in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyShape {
    /// A binary property of `/etc/key`.
    Property,
    /// A node of type `nt:file` below it.
    File,
}

/// By which servlet a key was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyWay {
    /// As a resource of Sling.
    Resource,
    /// Over `WebDAV` as Jackrabbit extends it.
    Davex,
    /// As CRXDE downloads a property.
    Crxde,
}

/// A key in the repository.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RepositoryKey {
    /// The key.
    pub key: KeyBytes,
    /// What holds it.
    pub shape: KeyShape,
    /// How it was read.
    pub way: KeyWay,
}

/// Why there is no key from the repository.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryKeyError {
    /// The instance did not give it.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// The instance gave something else.
    #[error("{url} is no key")]
    NoKey {
        /// What was asked for.
        url: String,
        /// What came.
        #[source]
        source: NoKey,
    },
}

impl RepositoryKeyError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Console(error) => error.hint(),
            Self::NoKey { source, .. } => source.hint(),
        }
    }
}

impl KeyWay {
    const ALL: [Self; 3] = [Self::Resource, Self::Davex, Self::Crxde];

    /// How it is called where people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "as a resource",
            Self::Davex => "over davex",
            Self::Crxde => "by CRXDE",
        }
    }

    fn target(self, item: &str) -> String {
        match self {
            Self::Resource => item.to_owned(),
            Self::Davex => format!("/crx/server/crx.default/jcr:root{item}"),
            Self::Crxde => {
                let path: String = form_urlencoded::byte_serialize(item.as_bytes()).collect();
                format!("/crx/de/download.jsp?path={path}&index=0")
            }
        }
    }
}

impl KeyShape {
    const ALL: [Self; 2] = [Self::File, Self::Property];

    /// The property that holds the bytes.
    fn item(self, name: KeyName) -> String {
        let name = name.as_str();
        match self {
            Self::Property => format!("{NODE}/{name}"),
            Self::File => format!("{NODE}/{name}/{DATA}"),
        }
    }
}

/// What one request for a key came to.
enum Found {
    Key(KeyBytes),
    /// Nothing, or nothing that this servlet can give.
    Nothing,
    Refused(RepositoryKeyError),
}

impl Console {
    /// Reads a key from `/etc/key`, in whatever shape and by whichever servlet it can be had; `None` if this user sees none.
    ///
    /// # Errors
    ///
    /// Every way to it is barred, or something else than a key is there.
    pub async fn repository_key(
        &self,
        name: KeyName,
    ) -> Result<Option<RepositoryKey>, RepositoryKeyError> {
        let mut refusal = None;
        for way in KeyWay::ALL {
            // The file first: as a resource, a file is also what stands at the path of the property.
            for shape in KeyShape::ALL {
                match self.ask_for_key(name, way, shape).await? {
                    Found::Key(key) => return Ok(Some(RepositoryKey { key, shape, way })),
                    Found::Nothing => {}
                    // What stands at the first place tells most.
                    Found::Refused(error) => refusal = refusal.or(Some(error)),
                }
            }
        }
        match refusal {
            Some(error) => Err(error),
            None => Ok(None),
        }
    }

    /// Errors are those after which no other way will do either.
    async fn ask_for_key(
        &self,
        name: KeyName,
        way: KeyWay,
        shape: KeyShape,
    ) -> Result<Found, RepositoryKeyError> {
        let path = way.target(&shape.item(name));
        let body = match self.get(&path).await {
            Ok(answer) => self.content(&path, answer),
            Err(error) => Err(error),
        };
        let body = match body {
            Ok(body) => Zeroizing::new(body.to_vec()),
            Err(error) => match error.fault {
                ConsoleFault::Exchange(_) | ConsoleFault::NotLoggedIn | ConsoleFault::LoginPage => {
                    return Err(error.into());
                }
                ConsoleFault::Missing | ConsoleFault::Status(405 | 501) => {
                    return Ok(Found::Nothing);
                }
                _ => return Ok(Found::Refused(error.into())),
            },
        };
        Ok(match KeyBytes::new(name, body) {
            Ok(key) => Found::Key(key),
            Err(source) => Found::Refused(RepositoryKeyError::NoKey {
                url: self.url().join(&path),
                source,
            }),
        })
    }

    /// Removes these keys from `/etc/key`, whatever holds them. One that is not there does no harm.
    ///
    /// # Errors
    ///
    /// The instance does not do it.
    pub async fn remove_repository_keys(&self, names: &[KeyName]) -> Result<(), ConsoleError> {
        let fields: Vec<_> = names
            .iter()
            .map(|name| format!("./{}@Delete", name.as_str()))
            .collect();
        let fields: Vec<_> = fields.iter().map(|field| (field.as_str(), "")).collect();
        let answer = self.post(NODE, &fields).await?;
        self.changed(&answer)
    }

    /// Puts a key below `/etc/key`, in this shape.
    ///
    /// # Errors
    ///
    /// The instance does not do it.
    pub async fn put_repository_key(
        &self,
        key: &KeyBytes,
        shape: KeyShape,
    ) -> Result<(), ConsoleError> {
        let name = key.name().as_str();
        if shape == KeyShape::File {
            return self.send_file(name, key.expose()).await;
        }
        self.send_file(SCRATCH, key.expose()).await?;
        let copy = format!("./{name}@CopyFrom");
        let from = format!("{NODE}/{SCRATCH}/{DATA}");
        let copied = match self.post(NODE, &[(&copy, &from)]).await {
            Ok(answer) => self.changed(&answer),
            Err(error) => Err(error),
        };
        let remove = format!("./{SCRATCH}@Delete");
        let answer = self.post(NODE, &[(&remove, "")]).await?;
        copied.and(self.changed(&answer))
    }

    /// Makes a node of type `nt:file` below `/etc/key`, or gives the one that is there this content.
    async fn send_file(&self, name: &str, bytes: &[u8]) -> Result<(), ConsoleError> {
        let body = upload(name, bytes);
        let answer = self
            .ask(Method::POST, NODE, &[], body, Some(MULTIPART))
            .await?;
        self.changed(&answer)
    }

    /// Sling answers a change with 200, or 201 where something was made.
    fn changed(&self, answer: &Answer) -> Result<(), ConsoleError> {
        match answer.status.is_success() {
            true => Ok(()),
            false => Err(self.fault(NODE, ConsoleFault::Status(answer.status.as_u16()))),
        }
    }
}

const BOUNDARY: &str = "signet-3f1c0d8e5b7a4926";
const MULTIPART: &str = "multipart/form-data; boundary=signet-3f1c0d8e5b7a4926";

/// A form with a file (RFC 7578), which is wiped after use.
fn upload(name: &str, bytes: &[u8]) -> Bytes {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"./{name}@TypeHint\"\r\n\r\nnt:file\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"./{name}\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    let foot = format!("\r\n--{BOUNDARY}--\r\n");
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut body = Zeroizing::new(Vec::with_capacity(head.len() + bytes.len() + foot.len()));
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(foot.as_bytes());
    Bytes::from_owner(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_servlet_is_asked_in_its_own_words() {
        let item = KeyShape::File.item(KeyName::Hmac);
        assert_eq!(
            KeyWay::Resource.target(&item),
            "/etc/key/hmac/jcr:content/jcr:data"
        );
        let item = KeyShape::Property.item(KeyName::Master);
        assert_eq!(
            KeyWay::Davex.target(&item),
            "/crx/server/crx.default/jcr:root/etc/key/master"
        );
        assert_eq!(
            KeyWay::Crxde.target(&item),
            "/crx/de/download.jsp?path=%2Fetc%2Fkey%2Fmaster&index=0"
        );
    }

    #[test]
    fn a_file_is_sent_as_it_is() {
        let body = upload("hmac", b"\x00\r\n\xff");
        let at = memchr::memmem::find(&body, b"octet-stream\r\n\r\n").unwrap();
        let rest = &body[at + "octet-stream\r\n\r\n".len()..];
        assert_eq!(&rest[..4], b"\x00\r\n\xff");
        assert!(MULTIPART.ends_with(BOUNDARY));
    }
}
