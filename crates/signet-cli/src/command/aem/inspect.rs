//! `signet aem inspect`

use std::path::PathBuf;

use clap::Args;
use signet_aem::{BundlePlace, Inspection, KeyFile, KeyKind, KeyPlace, Running, Storage};

use super::findings;
use crate::command::Outcome;
use crate::context::Context;
use crate::table;

/// Exit status 1 if a warning or worse is found.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The crx-quickstart folder, the one above it, or any folder with a Felix cache
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Inspect {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let inspection = signet_aem::inspect(&self.folder)?;
        context
            .output
            .answer(&inspection, &text(context, &inspection))?;
        Ok(findings::outcome(&inspection.findings))
    }
}

fn text(context: &Context, inspection: &Inspection) -> String {
    let mut facts = vec![
        ("bundles", inspection.cache.display().to_string()),
        ("AEM", running(inspection.running)),
        ("crypto", bundle(inspection.crypto.as_ref())),
        ("crypto.file", bundle(inspection.crypto_file.as_ref())),
        ("storage", storage(&inspection.storage)),
    ];
    if let Some(place) = &inspection.key_place {
        let directory = place.directory().display().to_string();
        let by = match place {
            KeyPlace::Property { file, .. } => format!(", named in {}", file.display()),
            _ => String::new(),
        };
        facts.push(("key files", directory + &by));
    }
    let mut text = table::facts(facts);
    let keys: Vec<_> = inspection.keys.iter().map(key).collect();
    if !keys.is_empty() {
        let header = ["key", "bytes", "kind", "mode", "owner", "sha256", "md5"];
        text = text + "\n" + &table::table(&header, keys);
    }
    for finding in &inspection.findings {
        text.push('\n');
        text.push_str(&findings::paragraph(context.output, finding));
    }
    if inspection.findings.is_empty() {
        text.push_str("\nEverything is in order.\n");
    }
    text
}

fn running(running: Running) -> String {
    match running {
        Running::Yes { process } => format!("runs, as process {process}"),
        _ => "does not run".to_owned(),
    }
}

fn bundle(place: Option<&BundlePlace>) -> String {
    place.map_or_else(
        || "not there".to_owned(),
        |place| {
            let version = place.version.as_deref().unwrap_or("of unknown version");
            format!("bundle {}, version {version}", place.id)
        },
    )
}

fn storage(storage: &Storage) -> String {
    match storage {
        Storage::Bundle => "Bundle: the keys are in files".to_owned(),
        Storage::Jcr => "JCR: the keys are in the repository, under /etc/key".to_owned(),
        Storage::Absent => "there is none".to_owned(),
        Storage::Untidy { word, bytes } => format!("{word}, but with {bytes} bytes"),
        Storage::Unknown { bytes } => format!("{bytes} bytes that say nothing known"),
        _ => "cannot be read".to_owned(),
    }
}

fn key(key: &KeyFile) -> Vec<String> {
    let name = key.name.as_str().to_owned();
    let Some(found) = &key.found else {
        let what = match key.unreadable {
            Some(_) => "cannot be read",
            None => "not there",
        };
        return vec![name, String::new(), what.to_owned()];
    };
    let kind = match found.kind {
        KeyKind::Raw => "raw",
        KeyKind::ObfuscatedOrForeign => "obfuscated or foreign",
        KeyKind::WebPage => "a web page",
        KeyKind::Text => "text",
        KeyKind::Empty => "empty",
        _ => "wrong length",
    };
    vec![
        name,
        found.bytes.to_string(),
        kind.to_owned(),
        format!("{:04o}", found.mode),
        format!("{}:{}", found.owner, found.group),
        found.sha256.clone(),
        found.md5.clone(),
    ]
}
