//! The one jar that a Sling is started from: Apache's starter, without what no test needs, with our bundles in it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::WEB_CONSOLE;
use crate::stage::program;

/// The beginnings of the names of jars in the starter that stay out: samples, scripting, full text search, other storage, mail.
const LEFT_OUT: &[&str] = &[
    "commons-httpclient",
    "commons-math",
    "composum",
    "fontbox",
    "geronimo-saaj",
    "geronimo-ws",
    "h2-mvstore",
    "jackrabbit-jcr-rmi",
    "jackson",
    "jempbox",
    "jstl",
    "mail",
    "mongo",
    "oak-lucene",
    "oak-store-document",
    "org.apache.aries.jmx",
    "org.apache.felix.bundlerepository",
    "org.apache.felix.http.sslfilter",
    "org.apache.felix.http.whiteboard",
    "org.apache.felix.prefs",
    "org.apache.felix.webconsole.plugins.event",
    "org.apache.felix.webconsole.plugins.memory",
    "org.apache.felix.webconsole.plugins.obr",
    "org.apache.felix.webconsole.plugins.packageadmin",
    "org.apache.jackrabbit.vault",
    "org.apache.servicemix.bundles",
    "org.apache.servicemix.specs.jaxws",
    "org.apache.sling.bundleresource",
    "org.apache.sling.caconfig",
    "org.apache.sling.commons.compiler",
    "org.apache.sling.commons.fsclassloader",
    "org.apache.sling.commons.log.webconsole",
    "org.apache.sling.discovery",
    "org.apache.sling.event",
    "org.apache.sling.extensions.threaddump",
    "org.apache.sling.extensions.webconsolebranding",
    "org.apache.sling.fsresource",
    "org.apache.sling.hc.core",
    "org.apache.sling.hc.webconsole",
    "org.apache.sling.i18n",
    "org.apache.sling.installer.hc",
    "org.apache.sling.installer.provider.file",
    "org.apache.sling.installer.provider.jcr",
    "org.apache.sling.jcr.registration",
    "org.apache.sling.jcr.webconsole",
    "org.apache.sling.jcr.webdav",
    "org.apache.sling.models",
    "org.apache.sling.sample",
    "org.apache.sling.scripting.el-api",
    "org.apache.sling.scripting.javascript",
    "org.apache.sling.scripting.jsp",
    "org.apache.sling.scripting.sightly",
    "org.apache.sling.serviceuser.webconsole",
    "org.apache.sling.starter",
    "org.apache.sling.validation",
    "pdfbox",
    "tika-parsers",
];

const STARTER: &str = "org.apache.sling.starter";
const CONFIGURATIONS: &str = "resources/config/";
const BUNDLES: &str = "resources/install/15/";
const OWN_BUNDLES: &str = "resources/install/20/";

/// How much is in the jar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    pub(super) bundles: usize,
    pub(super) configurations: usize,
}

/// Puts the jar together at `target`. `scratch` is an empty directory.
pub(super) fn assemble(target: &Path, scratch: &Path) -> Content {
    let mut newer: BTreeMap<String, PathBuf> = installed()
        .into_iter()
        .map(|path| (artifact(&path.to_string_lossy()).to_owned(), path))
        .collect();
    let starter = newer.remove(STARTER).unwrap();
    // It stays beside the jar, for the tests that ask for it.
    newer.remove(WEB_CONSOLE).unwrap();
    let configurations = list(&super::source("config"));

    let mut starter = ZipArchive::new(File::open(starter).unwrap()).unwrap();
    let mut jar = Jar::create(target);
    let libraries = scratch.join("libraries");
    fs::create_dir(&libraries).unwrap();
    for index in 0..starter.len() {
        let mut entry = starter.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let file = name.rsplit('/').next().unwrap();
        let is_ours = configurations
            .iter()
            .any(|path| path.file_name().is_some_and(|ours| ours == file));
        if name.starts_with(CONFIGURATIONS) && is_ours || name.contains("oak_mongo") {
            continue;
        }
        if !file.ends_with(".jar") {
            drop(entry);
            jar.copy(starter.by_index_raw(index).unwrap());
            continue;
        }
        if LEFT_OUT.iter().any(|start| file.starts_with(start))
            || newer.contains_key(artifact(file))
        {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        fs::write(libraries.join(file), bytes).unwrap();
        drop(entry);
        jar.copy(starter.by_index_raw(index).unwrap());
    }
    for path in newer.values() {
        fs::copy(path, libraries.join(path.file_name().unwrap())).unwrap();
        jar.add(BUNDLES, path);
    }
    for path in compile(&libraries, scratch) {
        jar.add(OWN_BUNDLES, &path);
    }
    for path in configurations {
        jar.add(CONFIGURATIONS, &path);
    }
    jar.finish()
}

/// The jar of a web console of 4.6 or later.
pub(super) fn newer_web_console() -> PathBuf {
    let mut jars = installed().into_iter();
    jars.find(|path| artifact(&path.to_string_lossy()) == WEB_CONSOLE)
        .unwrap()
}

/// Compiles the bundles that are ours; their jars.
fn compile(libraries: &Path, scratch: &Path) -> Vec<PathBuf> {
    let classes = scratch.join("classes");
    let bundles = list(&super::source("bundles"));
    let sources: Vec<_> = bundles.iter().flat_map(|bundle| java(bundle)).collect();
    run(program::command("javac", "default-jdk-headless")
        .args(["-proc:none", "--release", "11", "-cp"])
        .arg(libraries.join("*"))
        .arg("-d")
        .arg(&classes)
        .args(&sources));
    bundles
        .iter()
        .map(|bundle| pack(bundle, &classes, scratch))
        .collect()
}

/// A jar of the classes whose sources are in `bundle`, and of the other files there.
fn pack(bundle: &Path, classes: &Path, scratch: &Path) -> PathBuf {
    let manifest = bundle.join("MANIFEST.MF");
    let text = fs::read_to_string(&manifest).unwrap();
    let value = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| *key == name).unwrap().1
    };
    let file = format!(
        "{}-{}.jar",
        value("Bundle-SymbolicName"),
        value("Bundle-Version")
    );
    let jar = scratch.join(file);
    let mut command = program::command("jar", "default-jdk-headless");
    command.arg("--create").arg("--file").arg(&jar);
    command.arg("--manifest").arg(&manifest);
    let mut packages: Vec<_> = java(bundle)
        .iter()
        .map(|source| source.parent().unwrap().to_owned())
        .collect();
    packages.dedup();
    for package in packages {
        let package = package.strip_prefix(bundle).unwrap();
        for class in list(&classes.join(package)) {
            if class.is_file() {
                let class = class.strip_prefix(classes).unwrap().to_owned();
                command.arg("-C").arg(classes).arg(class);
            }
        }
    }
    if bundle.join("OSGI-INF").is_dir() {
        command.arg("-C").arg(bundle).arg("OSGI-INF");
    }
    run(&mut command);
    jar
}

/// All sources below a directory, those of one package beside each other.
fn java(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in list(directory) {
        if path.is_dir() {
            found.extend(java(&path));
        } else if path.extension().is_some_and(|kind| kind == "java") {
            found.push(path);
        }
    }
    found
}

/// The jars that Maven fetched, exactly as the list says.
fn installed() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/maven/sling");
    let list_of_sums = fs::read(directory.join("installed")).unwrap_or_default();
    assert!(
        list_of_sums == fs::read(super::source("SHA256SUMS")).unwrap(),
        "Apache Sling is not installed: `cargo xtask needs`"
    );
    list(&directory.join("jars"))
}

/// `oak-api` of `…/oak-api-1.42.0.jar`.
fn artifact(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap();
    let version = file
        .match_indices('-')
        .find(|(at, _)| file[at + 1..].starts_with(|next: char| next.is_ascii_digit()));
    version.map_or(file, |(at, _)| &file[..at])
}

fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{:?}: {}{}",
        command.get_program(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

struct Jar {
    writer: ZipWriter<File>,
}

impl Jar {
    fn create(path: &Path) -> Self {
        let mut file = File::options();
        file.read(true).write(true).create_new(true);
        Self {
            writer: ZipWriter::new(file.open(path).unwrap()),
        }
    }

    fn finish(self) -> Content {
        let jar = self.writer.finish_into_readable().unwrap();
        let names: Vec<_> = jar.file_names().map(|name| name.unwrap()).collect();
        let count = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
        Content {
            // The launcher is no bundle.
            bundles: count(".jar") - 1,
            configurations: count(".config"),
        }
    }

    fn copy(&mut self, entry: zip::read::ZipFile<'_, File>) {
        self.writer.raw_copy_file(entry).unwrap();
    }

    fn add(&mut self, folder: &str, path: &Path) {
        let name = format!("{folder}{}", path.file_name().unwrap().to_str().unwrap());
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.writer.start_file(name, stored).unwrap();
        self.writer.write_all(&fs::read(path).unwrap()).unwrap();
    }
}
