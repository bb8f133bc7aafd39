//! The parts that need an instance, against one that says what a test wants.

use std::sync::Mutex;
use std::time::Duration;

use data_encoding::BASE64;
use signet_core::UnixSeconds;
use signet_keys::granite::GraniteKey;
use signet_secret::GraniteValue;

use super::*;
use crate::console::testing::script::Asked;
use crate::console::testing::{Reply, Script, console};
use crate::console::{Console, KeyShape};

const CRYPTO_PAGE: &str = "/system/console/crypto/.json";

/// What an instance is like, and what is under its `/etc/key`.
#[derive(Clone)]
pub(super) struct Aem {
    pub(super) hmac: Option<Vec<u8>>,
    pub(super) master: Option<Vec<u8>>,
    shape: KeyShape,
    /// The beginning of the paths at which keys can be had.
    way: &'static str,
    /// What it protects with; nothing where the page fails.
    pub(super) protects: Option<[u8; 16]>,
    /// The same from the moment at which keys were removed.
    protects_later: Option<[u8; 16]>,
    /// Whether removing does anything.
    removes: bool,
    /// Whether putting back does anything.
    takes: bool,
    bundles: [(u64, &'static str, &'static str, u32); 2],
    home: Option<PathBuf>,
    /// Whether `/etc/key` itself can be seen.
    pub(super) shows_node: bool,
    /// A copy of a property that is on its way.
    scratch: Option<Vec<u8>>,
}

impl Aem {
    pub(super) fn new() -> Self {
        Self {
            hmac: Some(RAW_HMAC.to_vec()),
            master: Some(RAW_MASTER.to_vec()),
            shape: KeyShape::Property,
            way: "/etc/key/",
            protects: Some(RAW_MASTER),
            protects_later: Some(RAW_MASTER),
            removes: true,
            takes: true,
            bundles: [
                (20, "com.adobe.granite.crypto", "3.0.22", 32),
                (25, "com.adobe.granite.crypto.file", "0.0.16", 32),
            ],
            home: None,
            shows_node: true,
            scratch: None,
        }
    }

    fn key(&mut self, name: &str) -> &mut Option<Vec<u8>> {
        match name {
            "hmac" => &mut self.hmac,
            _ => &mut self.master,
        }
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        match (asked.method.as_str(), asked.path()) {
            ("GET", "/system/console/bundles.json") => self.list(),
            ("GET", "/system/console/status-slingsettings.txt") => match &self.home {
                Some(home) => Reply::ok("text/plain", format!("Sling Home = {}\n", home.display())),
                None => Reply::status(404),
            },
            ("GET", "/etc/key.json") if self.shows_node => {
                Reply::json("{\"jcr:primaryType\":\"nt:unstructured\"}")
            }
            ("POST", CRYPTO_PAGE) => self.protect(&asked.field("datum").unwrap()),
            ("POST", "/etc/key") => self.change(asked),
            ("GET", _) => self.give(&asked.target),
            _ => Reply::status(404),
        }
    }

    fn list(&self) -> Reply {
        let rows = self.bundles.map(|(id, name, version, state)| {
            format!(
                "{{\"id\":{id},\"symbolicName\":\"{name}\",\"version\":\"{version}\",\"stateRaw\":{state}}}"
            )
        });
        Reply::json(format!("{{\"data\":[{}]}}", rows.join(",")))
    }

    fn protect(&self, text: &str) -> Reply {
        let Some(bits) = self.protects else {
            return Reply::status(500);
        };
        let key = GraniteKey::new(Zeroizing::new(bits), UnixSeconds(0));
        let value = GraniteValue::protect(&key, text).unwrap();
        Reply::json(format!("{{\"protected\":\"{value}\"}}"))
    }

    fn give(&mut self, target: &str) -> Reply {
        let (shape, way) = (self.shape, self.way);
        for name in ["hmac", "master"] {
            let item = match shape {
                KeyShape::Property => format!("/etc/key/{name}"),
                KeyShape::File => format!("/etc/key/{name}/jcr:content/jcr:data"),
            };
            let place = match way {
                "/etc/key/" => item,
                "/crx/server" => format!("/crx/server/crx.default/jcr:root{item}"),
                _ => format!(
                    "/crx/de/download.jsp?path={}&index=0",
                    item.replace('/', "%2F").replace(':', "%3A")
                ),
            };
            if target == place
                && let Some(bytes) = self.key(name)
            {
                return Reply::ok("application/octet-stream", bytes.clone());
            }
        }
        Reply::status(404)
    }

    fn change(&mut self, asked: &Asked) -> Reply {
        if String::from_utf8(asked.body.clone()).is_err()
            || asked
                .header("content-type")
                .unwrap()
                .starts_with("multipart")
        {
            return self.take_file(asked);
        }
        if asked.field(":operation").is_some() {
            let content = asked.field(":content").unwrap();
            let digits = content.rsplit("<sv:value>").next().unwrap();
            let digits = digits.split('<').next().unwrap();
            self.scratch = Some(BASE64.decode(digits.as_bytes()).unwrap());
            return Reply::status(201);
        }
        for (name, value) in asked.fields() {
            let (item, suffix) = name.strip_prefix("./").unwrap().split_once('@').unwrap();
            match (item, suffix) {
                ("signet-relocation", "Delete") => self.scratch = None,
                (item, "Delete") if self.removes => {
                    *self.key(item) = None;
                    self.protects = self.protects_later;
                }
                (item, "CopyFrom") if self.takes => {
                    assert_eq!(value, format!("/etc/key/signet-relocation/{item}"));
                    *self.key(item) = self.scratch.clone();
                }
                _ => {}
            }
        }
        Reply::status(200)
    }

    fn take_file(&mut self, asked: &Asked) -> Reply {
        let mark = b"octet-stream\r\n\r\n";
        let at = memchr::memmem::find(&asked.body, mark).unwrap() + mark.len();
        let end = memchr::memmem::rfind(&asked.body, b"\r\n--signet-").unwrap();
        let content = asked.body[at..end].to_vec();
        let name = match memchr::memmem::find(&asked.body, b"name=\"./hmac\"") {
            Some(_) => "hmac",
            None => "master",
        };
        *self.key(name) = Some(content);
        Reply::status(200)
    }
}

/// An installation, and an instance that claims to run on it.
pub(super) struct Stage {
    pub(super) installation: Installation,
    aem: Arc<Mutex<Aem>>,
    script: Script,
    pub(super) lock: Option<fs::File>,
}

impl Stage {
    pub(super) fn new(aem: Aem) -> Self {
        let aem = Arc::new(Mutex::new(aem));
        let played = aem.clone();
        Self {
            installation: Installation::upgraded(),
            script: Script::play(move |asked| played.lock().unwrap().answer(asked)),
            aem,
            lock: None,
        }
    }

    /// With the keys in files, and AEM started on them.
    fn switched(aem: Aem) -> Self {
        let mut stage = Self::new(aem);
        relocate(&stage.installation);
        stage.lock = Some(lock(&stage.installation));
        stage
    }

    pub(super) fn console(&self) -> Console {
        console(&self.script)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Aem)) {
        change(&mut self.aem.lock().unwrap());
    }

    pub(super) fn keys(&self) -> [Option<Vec<u8>>; 2] {
        let aem = self.aem.lock().unwrap();
        [aem.hmac.clone(), aem.master.clone()]
    }

    async fn fetch(&self) -> Result<Fetched, RelocationError> {
        let console = self.console();
        open(&self.installation)
            .fetch(Source::Instance(&console), &mut Listener::default())
            .await
    }

    async fn prove(&self) -> Result<(Relocation, Proof), RelocationError> {
        let mut relocation = open(&self.installation);
        let proof = relocation
            .prove(&self.console(), Duration::ZERO, &mut Listener::default())
            .await?;
        Ok((relocation, proof))
    }

    pub(super) async fn finish(&self) -> Result<Standing, RelocationError> {
        let (mut relocation, proof) = self.prove().await?;
        relocation
            .remove(&self.console(), &proof, &mut Listener::default())
            .await?;
        Ok(relocation.standing())
    }
}

fn both() -> [Option<Vec<u8>>; 2] {
    [Some(RAW_HMAC.to_vec()), Some(RAW_MASTER.to_vec())]
}

#[tokio::test]
async fn keys_are_had_in_each_shape_and_by_each_servlet() {
    for shape in [KeyShape::Property, KeyShape::File] {
        for way in ["/etc/key/", "/crx/server", "/crx/de"] {
            let stage = Stage::new(Aem {
                shape,
                way,
                ..Aem::new()
            });
            let fetched = stage.fetch().await.unwrap();
            assert_eq!(fetched.hmac.expose(), RAW_HMAC, "{way}");
            assert_eq!(fetched.master.expose(), RAW_MASTER, "{way}");
            assert_eq!(fetched.shapes, [Some(shape); 2], "{way}");
            // No lock was held: nothing on this machine was seen to run.
            assert!(fetched.is_unseen);
        }
    }
}

#[tokio::test]
async fn what_comes_in_the_place_of_a_key_is_named() {
    let page = format!("<!DOCTYPE html>{}", "x".repeat(100));
    for (hmac, words) in [
        (page.as_bytes(), "a web page came in the place of hmac"),
        (b"00112233445566778899aabbccddeeff\n", "is text of 33 bytes"),
        (b"", "is empty"),
        (&RAW_HMAC[..31], "has 31 bytes"),
    ] {
        let stage = Stage::new(Aem {
            hmac: Some(hmac.to_vec()),
            ..Aem::new()
        });
        let error = stage.fetch().await.unwrap_err();
        let RelocationError::RepositoryKey { source, .. } = &error else {
            panic!("{error:?}");
        };
        let source = std::error::Error::source(source).unwrap().to_string();
        assert!(source.contains(words), "{source}");
        assert!(!error.hint().is_empty());
    }
    let stage = Stage::new(Aem {
        master: None,
        ..Aem::new()
    });
    let error = stage.fetch().await.unwrap_err().to_string();
    assert!(error.contains("holds no master"), "{error}");
}

#[tokio::test]
async fn an_instance_that_bars_every_way_is_believed_about_the_first() {
    for (reply, words) in [
        (Reply::login_page(), "a login page came"),
        (
            Reply::ok("application/octet-stream", [0xa5; 52]).header("Content-Encoding", "gzip"),
            "compressed",
        ),
        (Reply::status(401), "does not accept the credentials"),
        (
            Reply::redirect("https://elsewhere.example/"),
            "leads elsewhere",
        ),
        (Reply::status(403), "may not do that"),
        (Reply::status(500), "answers with status 500"),
        (
            Reply::raw("HTTP/1.1 200 x\r\nContent-Length: 99999999999\r\n\r\n"),
            "too long",
        ),
    ] {
        let script = Script::play(move |_| reply.clone());
        let error = console(&script)
            .repository_key(KeyName::Hmac)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn another_instance_is_told_by_its_bundles_and_its_home() {
    let elsewhere = tempfile::tempdir().unwrap();
    let with = |change: &dyn Fn(&mut Aem)| {
        let mut aem = Aem::new();
        change(&mut aem);
        aem
    };
    for (aem, words) in [
        (
            with(&|aem| aem.bundles[1].0 = 26),
            "is bundle 26 there, and bundle 25 in the folder",
        ),
        (
            with(&|aem| aem.bundles[0].1 = "other"),
            "it has no bundle com.adobe.granite.crypto",
        ),
        (
            with(&|aem| aem.bundles[0].2 = "3.0.23"),
            "has version 3.0.23 there",
        ),
        (
            with(&|aem| aem.home = Some("/no/such/folder".into())),
            "which is not on this machine",
        ),
        (
            with(&|aem| aem.home = Some(elsewhere.path().into())),
            "its sling.home is",
        ),
    ] {
        let stage = Stage::new(aem);
        let error = stage.fetch().await.unwrap_err();
        assert!(
            matches!(&error, RelocationError::AnotherInstance { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(words), "{error}");
    }
    let stage = Stage::new(Aem::new());
    stage.change(|aem| aem.home = Some(stage.installation.root()));
    stage.fetch().await.unwrap();
}

#[tokio::test]
async fn a_master_that_is_not_in_use_is_not_moved() {
    let stage = Stage::new(Aem {
        protects: Some([0xa5; 16]),
        ..Aem::new()
    });
    let error = stage.fetch().await.unwrap_err();
    assert!(matches!(error, RelocationError::NotInUse { .. }), "{error}");
}

#[tokio::test]
async fn the_keys_are_removed_and_can_be_put_back() {
    for shape in [KeyShape::Property, KeyShape::File] {
        let stage = Stage::switched(Aem {
            shape,
            ..Aem::new()
        });
        assert_eq!(stage.finish().await.unwrap(), Standing::Finished);
        assert_eq!(stage.keys(), [None, None]);
        let mut relocation = open(&stage.installation);
        assert!(relocation.needs_instance_to_go_back());
        let refused = relocation.go_back(&mut Listener::default());
        assert!(matches!(refused, Err(RelocationError::InstanceNeeded)));
        relocation
            .return_to_repository(&stage.console(), &mut Listener::default())
            .await
            .unwrap();
        assert_eq!(stage.keys(), both());
        assert!(!relocation.needs_instance_to_go_back());
    }
}

#[tokio::test]
async fn nothing_is_removed_unless_aem_runs_on_the_files() {
    // Not stopped and started since.
    let stage = Stage::new(Aem::new());
    let mut listener = Listener {
        hundredths: u64::MAX,
        ..Listener::default()
    };
    let mut relocation = open(&stage.installation);
    relocation.keep(&fetched(), &mut listener).unwrap();
    let refused = relocation
        .prove(&stage.console(), Duration::ZERO, &mut listener)
        .await;
    assert!(matches!(refused, Err(RelocationError::NotSwitched)));
    relocation.switch(&mut listener).unwrap();
    let refused = relocation
        .prove(&stage.console(), Duration::ZERO, &mut listener)
        .await;
    assert!(
        matches!(refused, Err(RelocationError::RunsNot)),
        "{refused:?}"
    );
    let held = lock(&stage.installation);
    let refused = relocation
        .prove(&stage.console(), Duration::ZERO, &mut listener)
        .await;
    assert!(
        matches!(refused, Err(RelocationError::StartedBefore { .. })),
        "{refused:?}"
    );
    drop(held);

    type Change = fn(&mut Aem);
    let changes: [(Change, &str); 6] = [
        (
            |aem| aem.bundles[0].3 = 4,
            "not active: com.adobe.granite.crypto (Resolved)",
        ),
        (|aem| aem.bundles[1].0 = 7, "does not run on this folder"),
        (
            |aem| aem.protects = Some([0xa5; 16]),
            "another master than the one in files",
        ),
        (|aem| aem.protects = None, "status 500"),
        (
            |aem| aem.hmac = Some(vec![0xa5; 32]),
            "another key than the one in the files",
        ),
        (
            |aem| (aem.hmac, aem.shows_node) = (None, false),
            "cannot be seen",
        ),
    ];
    for (change, words) in changes {
        let stage = Stage::switched(Aem::new());
        stage.change(change);
        let keys = stage.keys();
        let error = stage.prove().await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(stage.keys(), keys);
        assert!(!error.hint().is_empty());
    }
    for (name, content) in [
        ("bundle20/data/storage", &b"Bundle\n"[..]),
        ("bundle25/data/hmac", &[0xa5; 32]),
    ] {
        let stage = Stage::switched(Aem::new());
        stage.installation.write(name, content);
        let refused = stage.prove().await;
        assert!(
            matches!(refused, Err(RelocationError::Changed(_))),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_was_changed_since_the_proof_is_not_removed() {
    let refused = async |stage: &Stage, mut relocation: Relocation, proof| {
        let keys = stage.keys();
        let error = relocation
            .remove(&stage.console(), &proof, &mut Listener::default())
            .await
            .unwrap_err();
        assert_eq!(stage.keys(), keys);
        assert_eq!(open(&stage.installation).standing(), Standing::Switched);
        error
    };
    let stage = Stage::switched(Aem::new());
    let (relocation, proof) = stage.prove().await.unwrap();
    stage.change(|aem| aem.master = Some(vec![0xa5; 16]));
    let error = refused(&stage, relocation, proof).await;
    assert!(
        matches!(error, RelocationError::PropertyDiffers { name, .. } if name == KeyName::Master),
        "{error:?}"
    );

    let stage = Stage::switched(Aem::new());
    let (relocation, proof) = stage.prove().await.unwrap();
    stage.installation.write("bundle25/data/hmac", &[0xa5; 32]);
    let error = refused(&stage, relocation, proof).await;
    assert!(matches!(error, RelocationError::Changed(_)), "{error:?}");
}

#[tokio::test]
async fn what_goes_wrong_after_the_removal_is_taken_back() {
    for later in [None, Some([0xa5; 16])] {
        let stage = Stage::switched(Aem {
            protects_later: later,
            ..Aem::new()
        });
        let error = stage.finish().await.unwrap_err();
        assert!(matches!(error, RelocationError::PutBack(_)), "{error:?}");
        assert_eq!(stage.keys(), both());
        let relocation = open(&stage.installation);
        assert_eq!(relocation.standing(), Standing::Switched);
        assert!(!relocation.needs_instance_to_go_back());
    }
    let stage = Stage::switched(Aem {
        removes: false,
        ..Aem::new()
    });
    let error = stage.finish().await.unwrap_err();
    assert!(matches!(error, RelocationError::PutBack(_)), "{error:?}");

    let stage = Stage::switched(Aem {
        protects_later: None,
        takes: false,
        ..Aem::new()
    });
    let error = stage.finish().await.unwrap_err();
    assert!(
        matches!(error, RelocationError::NotPutBack { .. }),
        "{error:?}"
    );
    // Whoever comes later knows what is missing there.
    let mut relocation = open(&stage.installation);
    assert_eq!(relocation.standing(), Standing::Removing);
    stage.change(|aem| aem.takes = true);
    relocation
        .return_to_repository(&stage.console(), &mut Listener::default())
        .await
        .unwrap();
    assert_eq!(stage.keys(), both());
}

#[tokio::test]
async fn a_removal_that_was_cut_short_is_completed_or_taken_back() {
    for [hmac, master] in [both(), [None, both()[1].clone()], [None, None]] {
        let stage = Stage::switched(Aem::new());
        let (mut relocation, proof) = stage.prove().await.unwrap();
        // As far as the note, and a part of what the instance does.
        relocation
            .note(|noted| {
                noted.stage = journal::Stage::Removing;
                for name in proof.in_repository() {
                    let moved = noted.moved_mut(name);
                    moved.shape = Some(KeyShape::Property);
                    moved.is_removed = true;
                }
            })
            .unwrap();
        drop(relocation);
        stage.change(|aem| (aem.hmac, aem.master) = (hmac, master));
        assert_eq!(stage.finish().await.unwrap(), Standing::Finished);
        assert_eq!(stage.keys(), [None, None]);
        let mut relocation = open(&stage.installation);
        relocation
            .return_to_repository(&stage.console(), &mut Listener::default())
            .await
            .unwrap();
        assert_eq!(stage.keys(), both());
    }
}
