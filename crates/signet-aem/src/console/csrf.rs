//! Whether two instances have the same `hmac`, without seeing it: a CSRF token that one of them made is shown to the other.
//!
//! Granite signs these tokens with `hmac` and keeps none of them. Its filter looks at requests that change something, not at those
//! of clients that are known to be no browsers. What is sent here changes nothing whatever comes of it: an operation of Sling that
//! does nothing (`:operation=nop`).

use http::header::{DATE, HeaderName, USER_AGENT};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Console, ConsoleError, ConsoleFault};

const TOKEN: &str = "/libs/granite/csrf/token.json";
/// A place where nothing is.
const NOWHERE: &str = "/tmp/signet-csrf-check";
const HEADER: HeaderName = HeaderName::from_static("csrf-token");
/// For filters that look at browsers only.
const BROWSER: &str = concat!("Mozilla/5.0 (signet ", env!("CARGO_PKG_VERSION"), ")");
/// By so many seconds the clocks of two instances may differ: a token that was made in the future is none.
const CLOCKS: u64 = 20;
/// No token is longer, in bytes.
const LONGEST: usize = 8 * 1024;

/// A token against cross-site requests.
pub struct CsrfToken {
    text: Zeroizing<String>,
    /// What the clock of the instance said when it made it.
    made: Option<HttpDate>,
}

/// Whether two instances have the same `hmac`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "hmac", content = "why")]
#[non_exhaustive]
pub enum SameHmac {
    /// They have.
    Yes,
    /// They have not.
    No,
    /// That cannot be told this way.
    Unknown(String),
}

/// How an instance takes tokens, as far as its own ones tell.
enum Filter {
    /// It takes its own token, and not one that was damaged, from requests with this user agent.
    Looks(Option<&'static str>),
    /// Nothing can be told from what it does.
    Unclear(&'static str),
}

impl Console {
    /// A token that the instance made for this user; `None` where it makes none.
    ///
    /// # Errors
    ///
    /// The instance does not answer, or not with a token.
    pub async fn csrf_token(&self) -> Result<Option<CsrfToken>, ConsoleError> {
        #[derive(Deserialize)]
        struct Given {
            #[serde(default)]
            token: Option<String>,
        }
        let answer = self.get(TOKEN).await?;
        let date = answer.headers.get(DATE);
        let made = date.and_then(|date| HttpDate::parse(date.to_str().ok()?));
        let body = match self.content(TOKEN, answer) {
            Err(error) if error.is_missing() => return Ok(None),
            body => body?,
        };
        let unreadable = || self.fault(TOKEN, ConsoleFault::Unreadable("no CSRF token"));
        let given: Given = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        match given.token.map(Zeroizing::new) {
            None => Ok(None),
            Some(text) if text.len() < LONGEST && text.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(Some(CsrfToken { text, made }).filter(|token| !token.text.is_empty()))
            }
            Some(_) => Err(unreadable()),
        }
    }

    /// Whether both have the same `hmac`.
    ///
    /// A token of this instance is shown to the other, and if that proves nothing, one of the other to this. One that is taken proves
    /// that the keys are the same; that they differ is said only if both are refused, by instances that take their own.
    ///
    /// # Errors
    ///
    /// One of them does not answer.
    pub async fn has_hmac_of(&self, other: &Self) -> Result<SameHmac, ConsoleError> {
        let (Some(mine), Some(theirs)) = (self.csrf_token().await?, other.csrf_token().await?)
        else {
            return Ok(SameHmac::Unknown(
                "one of them gives no CSRF token".to_owned(),
            ));
        };
        let mut unclear = None;
        for (judge, own, foreign) in [(other, &theirs, &mine), (self, &mine, &theirs)] {
            match judge.filter(own).await? {
                Filter::Looks(agent) if judge.takes(&foreign.text, agent).await? => {
                    return Ok(SameHmac::Yes);
                }
                Filter::Looks(_) => {}
                Filter::Unclear(why) => unclear = Some(format!("{} {why}", judge.url())),
            }
        }
        Ok(match (unclear, mine.made, theirs.made) {
            (Some(why), ..) => SameHmac::Unknown(why),
            (None, Some(mine), Some(theirs)) if mine.seconds.abs_diff(theirs.seconds) > CLOCKS => {
                SameHmac::Unknown(
                    "their clocks differ, so neither takes a token of the other".to_owned(),
                )
            }
            _ => SameHmac::No,
        })
    }

    /// What the instance does with a token of its own, whole and damaged.
    async fn filter(&self, own: &CsrfToken) -> Result<Filter, ConsoleError> {
        let damaged = own.damaged();
        for agent in [None, Some(BROWSER)] {
            if !self.takes(&own.text, agent).await? {
                return Ok(Filter::Unclear("does not take even its own CSRF token"));
            }
            if !self.takes(&damaged, agent).await? {
                return Ok(Filter::Looks(agent));
            }
        }
        Ok(Filter::Unclear("does not look at CSRF tokens"))
    }

    /// Whether the instance lets a request with this token pass.
    async fn takes(&self, token: &str, agent: Option<&str>) -> Result<bool, ConsoleError> {
        let mut headers = vec![(HEADER, token)];
        headers.extend(agent.map(|agent| (USER_AGENT, agent)));
        let fields = [(":operation", "nop")];
        match self.post_with(NOWHERE, &headers, &fields).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.fault, ConsoleFault::Forbidden) => Ok(false),
            // It leads elsewhere, and so did not stop at the filter.
            Err(error) if matches!(error.fault, ConsoleFault::Redirected { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl CsrfToken {
    /// The same with one character of its last part changed; not the last one, not all of whose bits need count.
    fn damaged(&self) -> Zeroizing<String> {
        let dot = self.text.rfind('.').map_or(0, |dot| dot + 1);
        let place = dot + (self.text.len() - dot) / 2;
        let damaged = self
            .text
            .char_indices()
            .map(|(at, c)| match (at == place, c) {
                (true, 'A') => 'B',
                (true, _) => 'A',
                (false, c) => c,
            });
        Zeroizing::new(damaged.collect())
    }
}

impl std::fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfToken(…)")
    }
}

/// A time as HTTP writes it (RFC 9110, section 5.6.7), as seconds of an unknown day zero: only differences count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HttpDate {
    seconds: u64,
}

impl HttpDate {
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    fn parse(text: &str) -> Option<Self> {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let mut words = text.split_once(", ")?.1.split(' ');
        let day: u64 = words.next()?.parse().ok()?;
        let month = words.next()?;
        let month = 1 + MONTHS.iter().position(|name| *name == month)? as u64;
        let year: u64 = words.next()?.parse().ok()?;
        let mut time = words
            .next()?
            .split(':')
            .map(|part| part.parse::<u64>().ok());
        let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
        if !(1900..=9999).contains(&year) || day > 31 || hour > 24 || minute > 60 || second > 60 {
            return None;
        }
        // Years that begin in March, so that a leap day is the last one.
        let (year, month) = match month {
            1 | 2 => (year - 1, month + 9),
            month => (year, month - 3),
        };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
        Some(Self {
            seconds: ((days * 24 + hour) * 60 + minute) * 60 + second,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::testing::instance::{Instance, State};
    use crate::console::testing::{Reply, Script, console};

    fn instance(hmac: Option<&'static str>, checks_csrf: bool) -> Instance {
        Instance::start(State {
            hmac,
            checks_csrf,
            ..State::default()
        })
    }

    async fn same(one: &Instance, other: &Instance) -> SameHmac {
        let (one, other) = (console(&one.script), console(&other.script));
        one.has_hmac_of(&other).await.unwrap()
    }

    #[tokio::test]
    async fn keys_are_compared_without_being_seen() {
        let one = instance(Some("one"), true);
        assert_eq!(
            same(&one, &instance(Some("one"), true)).await,
            SameHmac::Yes
        );
        assert_eq!(same(&one, &instance(Some("two"), true)).await, SameHmac::No);
    }

    #[tokio::test]
    async fn what_proves_nothing_is_not_taken_for_a_proof() {
        let one = instance(Some("one"), true);
        for other in [instance(Some("two"), false), instance(None, true)] {
            assert!(matches!(same(&one, &other).await, SameHmac::Unknown(_)));
            assert!(matches!(same(&other, &one).await, SameHmac::Unknown(_)));
        }
        let (open, also) = (instance(Some("one"), false), instance(Some("one"), false));
        assert!(matches!(same(&open, &also).await, SameHmac::Unknown(_)));
        // What one of them takes is a proof, whatever the other looks at.
        assert_eq!(same(&one, &open).await, SameHmac::Yes);
        // A proxy that refuses everything.
        let token = "{\"token\":\"a.b.cccccccccccc\"}";
        let wall = Script::play(move |asked| match asked.method.as_str() {
            "GET" => Reply::json(token),
            _ => Reply::status(403),
        });
        let said = console(&one.script)
            .has_hmac_of(&console(&wall))
            .await
            .unwrap();
        let SameHmac::Unknown(why) = said else {
            panic!("{said:?}")
        };
        assert!(
            why.ends_with("does not take even its own CSRF token"),
            "{why}"
        );
    }

    #[tokio::test]
    async fn clocks_that_differ_are_noticed() {
        let at = |date: &'static str, token: &'static str| {
            Script::play(move |asked| match asked.method.as_str() {
                "GET" => Reply::json(format!("{{\"token\":\"{token}\"}}")).header("Date", date),
                _ if asked.header("csrf-token") == Some(token) => Reply::status(200),
                _ => Reply::status(403),
            })
        };
        let one = at("Sun, 06 Nov 1994 08:49:37 GMT", "a.b.one-one-one");
        let late = at("Sun, 06 Nov 1994 08:51:37 GMT", "a.b.two-two-two");
        let other = at("Sun, 06 Nov 1994 08:49:39 GMT", "a.b.two-two-two");
        let (one, late, other) = (console(&one), console(&late), console(&other));
        assert!(matches!(
            one.has_hmac_of(&late).await.unwrap(),
            SameHmac::Unknown(_)
        ));
        assert_eq!(one.has_hmac_of(&other).await.unwrap(), SameHmac::No);
    }

    #[tokio::test]
    async fn a_filter_for_browsers_is_seen_as_a_browser() {
        let play = |token: &'static str| {
            Script::play(move |asked| {
                let agent = asked.header("user-agent").unwrap_or_default();
                match asked.method.as_str() {
                    "GET" => Reply::json(format!("{{\"token\":\"{token}\"}}")),
                    _ if !agent.starts_with("Mozilla") => Reply::status(200),
                    _ if asked.header("csrf-token") == Some(token) => Reply::status(500),
                    _ => Reply::status(403),
                }
            })
        };
        let (one, two) = (play("a.b.one-one-one"), play("a.b.two-two-two"));
        let (one, two) = (console(&one), console(&two));
        assert_eq!(one.has_hmac_of(&two).await.unwrap(), SameHmac::No);
        assert_eq!(one.has_hmac_of(&one).await.unwrap(), SameHmac::Yes);
    }

    #[tokio::test]
    async fn what_is_no_token_is_none() {
        for (body, is_error) in [
            ("{}", false),
            ("{\"token\":null}", false),
            ("{\"token\":\"\"}", false),
            ("<html>", true),
            ("{\"token\":\"a\\r\\nb\"}", true),
            ("{\"token\":7}", true),
        ] {
            let script = Script::play(move |_| Reply::json(body));
            let token = console(&script).csrf_token().await;
            assert_eq!(token.is_err(), is_error, "{body}");
            assert!(token.is_err() || token.unwrap().is_none(), "{body}");
        }
    }

    #[test]
    fn times_are_told_apart_over_months_and_years() {
        let seconds = |text| HttpDate::parse(text).unwrap().seconds;
        let leap = seconds("Fri, 01 Mar 2024 00:00:00 GMT");
        assert_eq!(leap - seconds("Wed, 28 Feb 2024 23:59:59 GMT"), 86_401);
        let year = seconds("Mon, 01 Jan 2024 00:00:00 GMT");
        assert_eq!(year - seconds("Sun, 31 Dec 2023 23:59:59 GMT"), 1);
        for bad in [
            "",
            "today",
            "Sun, 06 Now 1994 08:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "x, 1 Jan 99999999999999999999 0:0:0 GMT",
        ] {
            assert!(HttpDate::parse(bad).is_none(), "{bad}");
        }
    }
}
