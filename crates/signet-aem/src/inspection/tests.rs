use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::{KeyKind, Severity};

/// An installation as AEM leaves it: bundles in a Felix cache.
pub(crate) struct Installation(tempfile::TempDir);

pub(crate) const RAW_HMAC: [u8; 32] = *b"\x01\xfe0123456789abcdef0123456789abcd";
pub(crate) const RAW_MASTER: [u8; 16] = *b"\x01\xfe0123456789abcd";

impl Installation {
    pub(crate) fn empty() -> Self {
        let installation = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(installation.felix().join("bundle0")).unwrap();
        installation
    }

    /// A fresh one of version 6.3 or newer: keys in files.
    pub(crate) fn fresh() -> Self {
        let installation = Self::empty();
        installation.bundle(20, CRYPTO, "3.0.22");
        installation.bundle(21, "com.adobe.granite.crypto.config", "1.0");
        installation.bundle(25, CRYPTO_FILE, "0.0.16");
        installation.write("bundle20/data/storage", b"Bundle");
        installation.write("bundle25/data/hmac", &RAW_HMAC);
        installation.write("bundle25/data/master", &RAW_MASTER);
        installation
    }

    /// One that was upgraded: the keys stayed in the repository.
    pub(crate) fn upgraded() -> Self {
        let installation = Self::fresh();
        installation.write("bundle20/data/storage", b"JCR");
        fs::remove_file(installation.felix().join("bundle25/data/hmac")).unwrap();
        fs::remove_file(installation.felix().join("bundle25/data/master")).unwrap();
        installation
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.path().join("crx-quickstart")
    }

    pub(crate) fn felix(&self) -> PathBuf {
        self.root().join("launchpad/felix")
    }

    pub(crate) fn bundle(&self, id: u64, name: &str, version: &str) {
        let location = format!("launchpad:resources/install/0/{name}-{version}.jar");
        let info = format!("{id}\n{location}\n32\n20\n1767225600000\n0\n");
        self.write(&format!("bundle{id}/bundle.info"), info.as_bytes());
        self.jar(&format!("bundle{id}/version0.0/bundle.jar"), name, version);
        fs::create_dir_all(self.felix().join(format!("bundle{id}/data"))).unwrap();
    }

    pub(crate) fn jar(&self, path: &str, name: &str, version: &str) {
        let mut jar = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let manifest = format!(
            "Manifest-Version: 1.0\r\nBundle-Version: {version}\r\nBundle-SymbolicName: {}\r\n {};singleton:=true\r\n\r\n",
            &name[..name.len() - 3],
            &name[name.len() - 3..],
        );
        for (entry, content) in [
            ("META-INF/MANIFEST.MF", manifest.as_str()),
            ("x.class", "code"),
        ] {
            jar.start_file(entry, SimpleFileOptions::default()).unwrap();
            jar.write_all(content.as_bytes()).unwrap();
        }
        self.write(path, jar.finish().unwrap().get_ref());
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.felix().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn inspect(&self) -> Inspection {
        inspect(&self.root()).unwrap()
    }

    pub(crate) fn codes(&self) -> Vec<&'static str> {
        self.inspect()
            .findings
            .iter()
            .map(|finding| finding.code)
            .collect()
    }
}

#[test]
fn a_fresh_installation_is_in_order() {
    let installation = Installation::fresh();
    let inspection = installation.inspect();
    assert_eq!(inspection.findings, []);
    assert_eq!(inspection.storage, Storage::Bundle);
    assert_eq!(inspection.running, Running::No);
    assert_eq!(inspection.crypto.as_ref().unwrap().id, 20);
    let file = inspection.crypto_file.unwrap();
    assert_eq!((file.id, file.version.as_deref()), (25, Some("0.0.16")));
    let kinds: Vec<_> = inspection
        .keys
        .iter()
        .map(|key| key.found.as_ref().unwrap().kind)
        .collect();
    assert_eq!(kinds, [KeyKind::Raw, KeyKind::Raw]);
}

#[test]
fn any_folder_on_the_way_will_do() {
    let installation = Installation::fresh();
    let expected = installation.felix().canonicalize().unwrap();
    for folder in [
        installation.0.path().to_owned(),
        installation.root(),
        installation.root().join("launchpad"),
        installation.felix(),
    ] {
        assert_eq!(
            inspect(&folder).unwrap().cache,
            expected,
            "{}",
            folder.display()
        );
    }
}

#[test]
fn a_cache_in_another_place_is_found_by_its_property() {
    let installation = Installation::fresh();
    fs::create_dir_all(installation.root().join("conf")).unwrap();
    let elsewhere = installation.0.path().join("elsewhere");
    fs::rename(installation.felix(), &elsewhere).unwrap();
    let line = format!("org.osgi.framework.storage={}\n", elsewhere.display());
    fs::write(installation.root().join("conf/sling.properties"), line).unwrap();
    assert_eq!(
        installation.inspect().cache,
        elsewhere.canonicalize().unwrap()
    );
}

#[test]
fn keys_in_the_repository_are_told() {
    let installation = Installation::upgraded();
    assert_eq!(installation.codes(), ["KEYS_IN_REPOSITORY"]);
    installation.write("bundle25/data/hmac", &RAW_HMAC);
    assert_eq!(
        installation.codes(),
        ["KEYS_IN_REPOSITORY", "KEYS_IN_TWO_PLACES"]
    );
}

#[test]
fn an_upgrade_done_wrongly_is_told() {
    let installation = Installation::upgraded();
    installation.write("bundle20/data/storage", b"Bundle\n");
    let inspection = installation.inspect();
    let codes: Vec<_> = inspection
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert_eq!(codes, ["STORAGE_UNTIDY", "KEY_MISSING", "KEY_MISSING"]);
    assert!(inspection.findings[0].remedy.contains("printf Bundle > "));
    assert!(inspection.findings[1].effect.contains("makes a new one"));
}

#[test]
fn what_is_no_key_is_told() {
    let page = format!("<html>{}</html>", "login ".repeat(30));
    for (content, code) in [
        (page.as_bytes(), "KEY_IS_A_PAGE"),
        (b"3e3fcf55e362e5cbf51407fb64ae0b61\n", "KEY_IS_TEXT"),
        (b"", "KEY_EMPTY"),
        (&RAW_HMAC[..31], "KEY_LENGTH"),
    ] {
        let installation = Installation::fresh();
        installation.write("bundle25/data/hmac", content);
        assert_eq!(installation.codes(), [code]);
    }
    let installation = Installation::fresh();
    installation.write("bundle25/data/master", &[0xa5; 32]);
    assert_eq!(installation.codes(), ["KEY_OBFUSCATED"]);
}

#[test]
fn who_can_reach_a_key_is_told() {
    let installation = Installation::fresh();
    let master = installation.felix().join("bundle25/data/master");
    fs::set_permissions(&master, fs::Permissions::from_mode(0o644)).unwrap();
    let inspection = installation.inspect();
    assert_eq!(inspection.findings[0].code, "KEY_WORLD_READABLE");
    assert_eq!(inspection.findings[0].severity, Severity::Critical);
    fs::remove_file(&master).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &master).unwrap();
    assert_eq!(installation.codes(), ["KEY_UNREADABLE"]);
}

// K2
#[test]
fn a_directory_in_which_everybody_can_write_is_told() {
    let installation = Installation::fresh();
    let data = installation.felix().join("bundle25/data");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
    let inspection = installation.inspect();
    let finding = &inspection.findings[0];
    assert_eq!(finding.code, "KEYS_REPLACEABLE");
    assert!(
        finding.remedy.starts_with("chmod o-w '/"),
        "{}",
        finding.remedy
    );
}

#[test]
fn one_key_in_two_places_is_told() {
    let installation = Installation::fresh();
    installation.write("bundle25/data/master", &[0xa5; 32]);
    installation.write("bundle25/data/hmac", &[0xa5; 32]);
    assert_eq!(installation.codes(), ["KEYS_EQUAL", "KEY_OBFUSCATED"]);
}

#[test]
fn another_directory_can_be_named_for_the_keys() {
    let installation = Installation::fresh();
    let keys = installation.0.path().join("keys");
    fs::create_dir_all(&keys).unwrap();
    fs::create_dir_all(installation.root().join("conf")).unwrap();
    let line = format!("com.adobe.granite.crypto.keys.path = {}\n", keys.display());
    fs::write(installation.root().join("conf/sling.properties"), line).unwrap();
    let inspection = installation.inspect();
    assert_eq!(inspection.key_place.as_ref().unwrap().directory(), keys);
    assert_eq!(inspection.findings[0].code, "KEY_MISSING");
}

#[test]
fn a_truncated_jar_is_a_danger_for_the_keys() {
    let installation = Installation::fresh();
    let jar = installation.felix().join("bundle25/version0.0/bundle.jar");
    let whole = fs::read(&jar).unwrap();
    fs::write(&jar, &whole[..whole.len() / 2]).unwrap();
    let inspection = installation.inspect();
    assert_eq!(inspection.findings[0].code, "BUNDLE_UNCONFIRMED");
    assert!(inspection.findings[0].effect.contains("removes a bundle"));
    // The other bundle, whose name is the beginning of this one's, is not taken for it.
    assert_eq!(inspection.crypto_file, None);
}

#[test]
fn the_newest_revision_counts() {
    let installation = Installation::fresh();
    installation.jar("bundle25/version0.1/bundle.jar", "com.example.other", "1.0");
    assert_eq!(installation.inspect().crypto_file, None);
    installation.jar("bundle25/version0.2/bundle.jar", CRYPTO_FILE, "0.0.18");
    let version = installation.inspect().crypto_file.unwrap().version;
    assert_eq!(version.as_deref(), Some("0.0.18"));
}

#[test]
fn what_is_no_installation_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    assert!(matches!(
        inspect(scratch.path()),
        Err(AemError::NoCache { .. })
    ));
    assert!(matches!(
        inspect(&scratch.path().join("none")),
        Err(AemError::NoCache { .. })
    ));

    let other = Installation::empty();
    other.bundle(3, "org.apache.sling.api", "2.0");
    assert!(matches!(
        inspect(&other.root()),
        Err(AemError::NoCryptoBundle { .. })
    ));

    let two = Installation::fresh();
    let second = two.root().join("launcher/framework");
    fs::create_dir_all(second.join("bundle0")).unwrap();
    copy(&two.felix().join("bundle20"), &second.join("bundle20"));
    let error = inspect(&two.root()).unwrap_err();
    assert!(
        matches!(&error, AemError::SeveralCaches { caches } if caches.len() == 2),
        "{error}"
    );
}

#[test]
fn links_out_of_the_tree_are_not_followed() {
    let installation = Installation::fresh();
    let outside = installation.0.path().join("outside");
    fs::rename(installation.felix().join("bundle25"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, installation.felix().join("bundle25")).unwrap();
    let inspection = installation.inspect();
    assert_eq!(inspection.crypto_file, None);
    assert_eq!(inspection.findings[0].code, "BUNDLE_UNSEEN");
    let what = &inspection.findings[0].what;
    assert!(
        what.contains("bundle 25: its directory is a symbolic link"),
        "{what}"
    );

    let installation = Installation::fresh();
    let data = installation.felix().join("bundle25/data");
    fs::rename(&data, outside.join("moved")).unwrap();
    std::os::unix::fs::symlink(outside.join("moved"), &data).unwrap();
    let inspection = installation.inspect();
    assert_eq!(inspection.keys, []);
    assert_eq!(inspection.findings[0].code, "DATA_IS_A_LINK");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
