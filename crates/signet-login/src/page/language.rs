use super::texts::{ENGLISH, SIMPLIFIED_CHINESE, TRADITIONAL_CHINESE, Texts};

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, also for everybody whose languages are not here.
    #[default]
    English,
    /// 繁體中文, in the words of Taiwan.
    TraditionalChinese,
    /// 简体中文, in the words of the mainland.
    SimplifiedChinese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::English,
        Self::TraditionalChinese,
        Self::SimplifiedChinese,
    ];

    /// The language that a browser likes best, from its `Accept-Language` (RFC 9110, 12.5.4).
    ///
    /// Languages that are not here are passed over; among equals the first wins.
    /// Total: what cannot be read counts as absent, and without any match it is English.
    #[must_use]
    pub fn from_accept_language(header: &str) -> Self {
        let mut best = (Self::English, 0);
        for range in header.split(',') {
            let Some((language, quality)) = parse_range(range) else {
                continue;
            };
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }

    /// The tag for `<html lang>` and `Content-Language` (BCP 47).
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::TraditionalChinese => "zh-Hant",
            Self::SimplifiedChinese => "zh-Hans",
        }
    }

    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::TraditionalChinese => &TRADITIONAL_CHINESE,
            Self::SimplifiedChinese => &SIMPLIFIED_CHINESE,
        }
    }

    fn from_tag(tag: &str) -> Option<Self> {
        let mut subtags = tag.split('-');
        let primary = subtags.next()?;
        if primary.eq_ignore_ascii_case("en") {
            return Some(Self::English);
        }
        if !primary.eq_ignore_ascii_case("zh") {
            return None;
        }
        let is = |subtag: &str, names: &[&str]| {
            names.iter().any(|name| subtag.eq_ignore_ascii_case(name))
        };
        // A script comes before a region and says more: zh-Hant-CN is Traditional.
        let decisive = subtags.find_map(|subtag| {
            if is(subtag, &["Hant", "TW", "HK", "MO"]) {
                Some(Self::TraditionalChinese)
            } else if is(subtag, &["Hans", "CN", "SG"]) {
                Some(Self::SimplifiedChinese)
            } else {
                None
            }
        });
        Some(decisive.unwrap_or(Self::SimplifiedChinese))
    }
}

/// A supported language and its quality in thousandths, 1 to 1000.
fn parse_range(range: &str) -> Option<(Language, u16)> {
    let mut parts = range.split(';').map(|part| part.trim_matches([' ', '\t']));
    let language = Language::from_tag(parts.next()?)?;
    let quality = match parts.next() {
        None => 1000,
        Some(weight) => parse_weight(weight)?,
    };
    (quality > 0 && parts.next().is_none()).then_some((language, quality))
}

/// `q=0.5` as 500: at most three digits after the point, never above 1.
fn parse_weight(weight: &str) -> Option<u16> {
    let value = weight
        .strip_prefix("q=")
        .or_else(|| weight.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok()?;
    match (whole, thousandths) {
        ("0", _) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{English, SimplifiedChinese, TraditionalChinese};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_browsers_send() {
        let cases = [
            ("", English),
            ("en-GB,en;q=0.5", English),
            ("zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", TraditionalChinese),
            ("zh-HK", TraditionalChinese),
            ("zh-MO", TraditionalChinese),
            ("zh-Hant", TraditionalChinese),
            ("zh-hant-cn", TraditionalChinese),
            ("ZH-tw", TraditionalChinese),
            ("zh", SimplifiedChinese),
            ("zh-CN,zh;q=0.9", SimplifiedChinese),
            ("zh-SG", SimplifiedChinese),
            ("zh-Hans-TW", SimplifiedChinese),
            ("zh-Hans-HK", SimplifiedChinese),
            ("en;q=0.4, zh-TW;q=0.8", TraditionalChinese),
            ("en ; q=0.4 ,\tzh-TW ; q=0.8", TraditionalChinese),
            ("fr-FR, de;q=0.9, zh-TW;q=0.3", TraditionalChinese),
            ("fr-FR, de;q=0.9", English),
            ("*", English),
            ("zh-TW;q=0, en;q=0.1", English),
            ("zh-CN, zh-TW", SimplifiedChinese),
            ("zh-TW, zh-CN", TraditionalChinese),
        ];
        for (header, language) in cases {
            assert_eq!(Language::from_accept_language(header), language, "{header}");
        }
    }

    #[test]
    fn passes_over_what_it_cannot_read() {
        for header in [
            "zh;q=2",
            "zh;q=1.001",
            "zh;q=0.0001",
            "zh;q=-1",
            "zh;q=",
            "zh;q=1.x",
            "zh;level=1",
            "zh;q=1;q=1",
            "zhx",
            ",,,;;;",
        ] {
            assert_eq!(Language::from_accept_language(header), English, "{header}");
        }
    }

    proptest! {
        #[test]
        fn is_total(header in any::<String>()) {
            let _ = Language::from_accept_language(&header);
        }

        #[test]
        fn is_total_on_near_misses(header in "[zhentwHANTS,;q=.0-9* \t-]{0,80}") {
            let _ = Language::from_accept_language(&header);
        }

        #[test]
        fn the_highest_quality_wins(first in 0u16..=1000, second in 0u16..=1000) {
            let weight = |q: u16| format!("{}.{:03}", q / 1000, q % 1000);
            let header = format!("zh-TW;q={}, zh-CN;q={}", weight(first), weight(second));
            let expected = match (first, second) {
                (0, 0) => English,
                _ if first >= second => TraditionalChinese,
                _ => SimplifiedChinese,
            };
            prop_assert_eq!(Language::from_accept_language(&header), expected);
        }
    }
}
