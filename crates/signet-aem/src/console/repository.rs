//! The keys under `/etc/key` of the repository: read, put there, removed.
//!
//! Writing: apache/sling-org-apache-sling-servlets-post, `SlingFileUploadHandler.java`, `AbstractCreateOperation.java`,
//! `JCRSupportImpl.java`; its `ImportOperation.java` with apache/sling-org-apache-sling-jcr-contentloader.

use bytes::Bytes;
use data_encoding::BASE64;
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
/// A node beside the keys for as long as a binary property is copied from it: a form can set no such property.
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

    /// Whether this user sees `/etc/key` at this moment: only then is a key that is not found there not there.
    ///
    /// # Errors
    ///
    /// There is no answer, or it says that the credentials are not good.
    pub async fn sees_keys(&self) -> Result<bool, ConsoleError> {
        for way in [KeyWay::Resource, KeyWay::Davex] {
            let path = way.target(NODE) + ".json";
            let body = match self.get(&path).await {
                Ok(answer) => self.content(&path, answer),
                Err(error) => Err(error),
            };
            match body {
                Ok(body) if is_node(&body) => return Ok(true),
                Ok(_) => {}
                Err(error) => match error.fault {
                    ConsoleFault::Exchange(_)
                    | ConsoleFault::NotLoggedIn
                    | ConsoleFault::LoginPage
                    | ConsoleFault::Status(503) => return Err(error),
                    _ => {}
                },
            }
        }
        Ok(false)
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
                ConsoleFault::Exchange(_)
                | ConsoleFault::NotLoggedIn
                | ConsoleFault::LoginPage
                // One that starts: what it has not got up yet looks like what it has not got.
                | ConsoleFault::Status(503) => return Err(error.into()),
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
        // And what is left if putting one there was broken off.
        let names = names.iter().map(|name| name.as_str()).chain([SCRATCH]);
        let fields: Vec<_> = names.map(|name| format!("./{name}@Delete")).collect();
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
        match shape {
            KeyShape::File => self.send_file(key.name().as_str(), key.expose()).await,
            // Not every instance has the importer, and not every one has davex.
            KeyShape::Property => match self.import_property(key).await {
                Ok(()) => Ok(()),
                Err(error) if error.is_silence() => Err(error),
                Err(error) => self.send_property(key).await.map_err(|_| error),
            },
        }
    }

    /// Makes a node beside the keys that has this one as a property, copies that, and removes the node.
    async fn import_property(&self, key: &KeyBytes) -> Result<(), ConsoleError> {
        let name = key.name().as_str();
        let content = system_view(name, key.expose());
        let fields = [
            (":operation", "import"),
            (":contentType", "jcr.xml"),
            (":name", SCRATCH),
            (":replace", "true"),
            (":content", content.as_str()),
        ];
        let answer = self.post(NODE, &fields).await?;
        self.changed(&answer)?;
        // The name of the source must be that of the copy: older versions take it in any case.
        let copy = format!("./{name}@CopyFrom");
        let from = format!("{NODE}/{SCRATCH}/{name}");
        let copied = match self.post(NODE, &[(&copy, &from)]).await {
            Ok(answer) => self.changed(&answer),
            Err(error) => Err(error),
        };
        let removed = self.remove_scratch().await;
        copied.and(removed)
    }

    /// Removes what is left beside the keys where putting one there was broken off. If there is nothing, it does no harm.
    ///
    /// # Errors
    ///
    /// The instance does not do it.
    pub(crate) async fn remove_scratch(&self) -> Result<(), ConsoleError> {
        let remove = format!("./{SCRATCH}@Delete");
        let answer = self.post(NODE, &[(&remove, "")]).await?;
        self.changed(&answer)
    }

    async fn send_property(&self, key: &KeyBytes) -> Result<(), ConsoleError> {
        let path = KeyWay::Davex.target(&KeyShape::Property.item(key.name()));
        let body = Bytes::from_owner(Zeroizing::new(key.expose().to_vec()));
        let answer = self
            .ask(Method::PUT, &path, &[], body, Some("jcr-value/binary"))
            .await?;
        self.changed(&answer)
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

/// A node with a binary property (JCR 2.0, section 7.2, system view).
fn system_view(name: &str, bytes: &[u8]) -> Zeroizing<String> {
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><sv:node sv:name=\"{SCRATCH}\" xmlns:sv=\"http://www.jcp.org/jcr/sv/1.0\" xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" xmlns:nt=\"http://www.jcp.org/jcr/nt/1.0\"><sv:property sv:name=\"jcr:primaryType\" sv:type=\"Name\"><sv:value>nt:unstructured</sv:value></sv:property><sv:property sv:name=\"{name}\" sv:type=\"Binary\"><sv:value>"
    );
    let foot = "</sv:value></sv:property></sv:node>";
    let digits = BASE64.encode_len(bytes.len());
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(head.len() + digits + foot.len()));
    text.push_str(&head);
    BASE64.encode_append(bytes, &mut text);
    text.push_str(foot);
    text
}

/// Whether this is a node of the repository in JSON form.
fn is_node(body: &[u8]) -> bool {
    let node: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    node.is_some_and(|node| node.get("jcr:primaryType").is_some())
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
