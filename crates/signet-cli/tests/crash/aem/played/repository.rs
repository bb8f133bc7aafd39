//! What is under `/etc/key`, and how it is read and changed there.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use memchr::memmem;

use super::super::quickstart::KeyPair;
use super::script::{Asked, Reply};

/// What holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Shape {
    /// A binary property.
    Property,
    /// A node of type `nt:file`.
    File,
}

/// What is under `/etc/key`. Each request is one save: all of it happens or nothing.
#[derive(Debug)]
pub(super) struct Repository {
    shape: Shape,
    keys: BTreeMap<String, Vec<u8>>,
    /// A node with a property, beside the keys.
    scratch: Option<(String, Vec<u8>)>,
}

const NODE: &str = "/etc/key";
const SCRATCH: &str = "signet-relocation";

impl Repository {
    pub(super) fn new(keys: KeyPair, shape: Shape) -> Self {
        let keys = keys.both().into_iter();
        Self {
            shape,
            keys: keys
                .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
                .collect(),
            scratch: None,
        }
    }

    pub(super) fn key(&self, name: &str) -> Option<&Vec<u8>> {
        self.keys.get(name)
    }

    pub(super) const fn has_scratch(&self) -> bool {
        self.scratch.is_some()
    }

    pub(super) fn answer(&mut self, asked: &Asked) -> Reply {
        match (asked.method.as_str(), asked.path()) {
            ("GET", "/etc/key.json") => Reply::json("{\"jcr:primaryType\":\"nt:unstructured\"}"),
            ("GET", path) => self.give(path),
            ("POST", NODE) => self.change(asked),
            _ => Reply::status(404),
        }
    }

    fn give(&self, path: &str) -> Reply {
        let item = path.strip_prefix("/etc/key/").unwrap_or_default();
        let name = match self.shape {
            Shape::Property => Some(item),
            Shape::File => item.strip_suffix("/jcr:content/jcr:data"),
        };
        match name.and_then(|name| self.keys.get(name)) {
            Some(bytes) => Reply::ok("application/octet-stream", bytes.clone()),
            None => Reply::status(404),
        }
    }

    fn change(&mut self, asked: &Asked) -> Reply {
        let kind = asked.header("content-type").unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            return self.take_file(&asked.body);
        }
        if asked.field(":operation").as_deref() == Some("import") {
            return self.import(&asked.field(":content").unwrap());
        }
        for (field, value) in asked.fields() {
            let (item, what) = field.strip_prefix("./").unwrap().split_once('@').unwrap();
            match (item, what) {
                (SCRATCH, "Delete") => self.scratch = None,
                (name, "Delete") => {
                    self.keys.remove(name);
                }
                (name, "CopyFrom") => {
                    let Some((found, bytes)) = self.scratch.clone() else {
                        return Reply::status(500);
                    };
                    assert_eq!(value, format!("{NODE}/{SCRATCH}/{found}"));
                    assert_eq!(found, name);
                    self.keys.insert(found, bytes);
                }
                other => panic!("nothing that is known here: {other:?}"),
            }
        }
        Reply::status(200)
    }

    /// A node in the system view of JCR.
    fn import(&mut self, view: &str) -> Reply {
        let (_, property) = view.split_once("<sv:property sv:name=\"jcr:").unwrap();
        let (_, property) = property.split_once("<sv:property sv:name=\"").unwrap();
        let (name, rest) = property.split_once('"').unwrap();
        let (_, rest) = rest.split_once("<sv:value>").unwrap();
        let (digits, _) = rest.split_once('<').unwrap();
        let bytes = BASE64.decode(digits.as_bytes()).unwrap();
        self.scratch = Some((name.to_owned(), bytes));
        Reply::status(201)
    }

    fn take_file(&mut self, body: &[u8]) -> Reply {
        let head = b"octet-stream\r\n\r\n";
        let start = memmem::find(body, head).unwrap() + head.len();
        let end = memmem::rfind(body, b"\r\n--").unwrap();
        let names = self.names_in(body);
        self.keys.insert(names, body[start..end].to_vec());
        Reply::status(200)
    }

    fn names_in(&self, body: &[u8]) -> String {
        let mut names = ["hmac", "master"].into_iter();
        let is_meant =
            |name: &&str| memmem::find(body, format!("\"./{name}\"").as_bytes()).is_some();
        names.find(is_meant).unwrap().to_owned()
    }
}
