//! What users met: the numbers of a scene.

use http::StatusCode;

use super::histogram::Histogram;
use crate::browser::{Answer, BrowserError};

/// How one request of a logged-in user ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The page came, for this user.
    Served,
    /// 401, 403 or a redirect to the login page; or a page for somebody else.
    Refused,
    /// A broken connection, a 5xx, or an answer that is no page.
    Failed,
}

/// Judges the answer to a request of the user named `user`.
pub(crate) fn judge(user: &str, answered: &Result<Answer, BrowserError>) -> Outcome {
    let Ok(answer) = answered else {
        return Outcome::Failed;
    };
    match answer.status {
        StatusCode::OK if recognised(user, &answer.body) => Outcome::Served,
        StatusCode::OK
        | StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT => Outcome::Refused,
        _ => Outcome::Failed,
    }
}

/// Whether `/whoami` names this very user.
fn recognised(user: &str, body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body)
        .is_ok_and(|said| said.get("user").and_then(|id| id.as_str()) == Some(user))
}

/// The sums over all users of a load.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Requests that logged-in users made.
    pub requests: u64,
    /// Different users whose valid token was refused at least once.
    pub lost: u64,
    /// Requests answered with 401, 403 or a redirect to the login page.
    pub refused: u64,
    /// Requests that ended in a broken connection or a 5xx.
    pub failed: u64,
    /// Times from request to whole answer, of the requests that were answered.
    pub latency: Histogram,
}

impl Tally {
    /// Adds another user's sums.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.lost += other.lost;
        self.refused += other.refused;
        self.failed += other.failed;
        self.latency.merge(&other.latency);
    }

    /// Counts an outcome of the one user that this tally is about.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        self.requests += 1;
        match outcome {
            Outcome::Served => {}
            Outcome::Refused => {
                self.refused += 1;
                self.lost = 1;
            }
            Outcome::Failed => self.failed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Result<Answer, BrowserError> {
        let status = StatusCode::from_u16(status).unwrap();
        Ok(Answer {
            status,
            instance: None,
            body: Bytes::from_static(body.as_bytes()),
        })
    }

    #[test]
    fn answers_are_judged_by_status_and_by_whom_they_name() {
        let judged = |status, body| judge("ada", &answer(status, body));
        assert_eq!(judged(200, r#"{"user":"ada"}"#), Outcome::Served);
        assert_eq!(judged(200, r#"{"user":"bob"}"#), Outcome::Refused);
        assert_eq!(judged(200, "<html>"), Outcome::Refused);
        for status in [302, 303, 401, 403] {
            assert_eq!(judged(status, ""), Outcome::Refused);
        }
        for status in [404, 429, 500, 502, 503] {
            assert_eq!(judged(status, ""), Outcome::Failed);
        }
        assert_eq!(judge("ada", &Err(BrowserError::Slow)), Outcome::Failed);
    }

    #[test]
    fn a_user_is_lost_once() {
        let mut tally = Tally::default();
        for outcome in [
            Outcome::Served,
            Outcome::Refused,
            Outcome::Refused,
            Outcome::Failed,
        ] {
            tally.count(outcome);
        }
        let mut all = tally.clone();
        all.merge(&tally);
        assert_eq!(
            (all.requests, all.lost, all.refused, all.failed),
            (8, 2, 4, 2)
        );
    }
}
