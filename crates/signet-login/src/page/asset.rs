use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// A file that the pages link to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// For the `Content-Type` header.
    pub content_type: &'static str,
    /// The body.
    pub bytes: &'static [u8],
    /// For the `ETag` header, with its quotes: changes with the content only.
    pub etag: &'static str,
}

impl Asset {
    /// For the `Cache-Control` header, by the query that the file was asked for with.
    ///
    /// A page links its files by content hash, and those may be kept for ever.
    /// During a rolling update another instance's page may ask this one for content it does not have:
    /// what it gets instead must be asked for again.
    #[must_use]
    pub fn cache_control(&self, query: Option<&str>) -> &'static str {
        let version = query.and_then(|query| query.strip_prefix("v="));
        if version.is_some_and(|version| version == self.etag.trim_matches('"')) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }
    }
}

/// The file at a path of the site, such as `/login/style.css`, without its query.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    let file = FILES.iter().find(|file| file.path == path)?;
    Some(Asset {
        content_type: file.content_type,
        bytes: file.bytes,
        etag: &file.etag,
    })
}

/// The address by which pages link the style sheet.
pub(super) fn style() -> &'static str {
    &FILES[0].url
}

/// The address by which pages link the script.
pub(super) fn script() -> &'static str {
    &FILES[1].url
}

/// The address by which pages link the mark.
pub(super) fn mark() -> &'static str {
    &FILES[2].url
}

struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    etag: String,
    url: String,
}

static FILES: LazyLock<[File; 3]> = LazyLock::new(|| {
    [
        file(
            "/login/style.css",
            "text/css; charset=utf-8",
            include_bytes!("../../assets/style.css"),
        ),
        file(
            "/login/page.js",
            "text/javascript; charset=utf-8",
            include_bytes!("../../assets/page.js"),
        ),
        file(
            "/login/mark.svg",
            "image/svg+xml",
            include_bytes!("../../assets/mark.svg"),
        ),
    ]
});

fn file(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> File {
    let hash = HEXLOWER.encode(&Sha256::digest(bytes)[..8]);
    File {
        path,
        content_type,
        bytes,
        etag: format!("\"{hash}\""),
        url: format!("{path}?v={hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_link_files_that_exist() {
        for url in [style(), script(), mark()] {
            let (path, query) = url.split_once('?').expect("a version");
            let asset = asset(path).expect("a file");
            assert!(asset.cache_control(Some(query)).contains("immutable"));
            assert_eq!(asset.cache_control(None), "no-cache");
            assert_eq!(asset.cache_control(Some("v=0000000000000000")), "no-cache");
        }
    }

    #[test]
    fn nothing_else_is_served() {
        for path in [
            "",
            "/",
            "/login",
            "/login/",
            "/login/style.css/",
            "/login/../style.css",
        ] {
            assert_eq!(asset(path), None, "{path}");
        }
    }

    #[test]
    fn the_mark_has_no_script_and_no_style() {
        let mark = asset("/login/mark.svg").expect("a file");
        let text = std::str::from_utf8(mark.bytes).expect("UTF-8");
        for word in ["<script", "<style", "style=", "href", "data:"] {
            assert!(!text.contains(word), "{word}");
        }
    }

    #[test]
    fn the_style_sheet_loads_nothing() {
        let style = asset("/login/style.css").expect("a file");
        let text = std::str::from_utf8(style.bytes).expect("UTF-8");
        for word in ["url(", "@import", "data:"] {
            assert!(!text.contains(word), "{word}");
        }
    }
}
