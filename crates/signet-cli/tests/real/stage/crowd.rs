//! Full load: browsers that keep their connections, load pages and run scripts without pause, and take over every cookie.

use std::sync::{Arc, RwLock};
use std::thread;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::http::{Answer, Connection, Request};
use super::load::Load;
use super::visitor::COOKIE;
use super::wait::until;

/// For each processor.
const CONNECTIONS: usize = 3;

/// The sessions, and the load that their owners make.
#[derive(Debug)]
pub(crate) struct Crowd<'c> {
    pub(crate) load: &'c Load,
    sessions: &'c Sessions,
}

/// Each is its present token.
///
/// Scripts of one session ask side by side. A page load has it alone, so that the token that it replaces is in no request.
type Sessions = RwLock<Vec<Arc<RwLock<String>>>>;

impl Crowd<'_> {
    /// Lets the owners of `tokens` ask on `port` while `happens` does its work; returns what [`Load::during`] returns.
    pub(crate) fn during(
        port: u16,
        tokens: &[String],
        happens: impl FnOnce(&Crowd<'_>),
    ) -> (usize, Vec<String>) {
        let sessions = Sessions::default();
        let join = |token: &String| join(&sessions, token);
        tokens.iter().for_each(join);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Load::of(
            CONNECTIONS * cores,
            |load, part| ask(load, part, port, &sessions),
            |load| {
                happens(&Crowd {
                    load,
                    sessions: &sessions,
                });
            },
        )
    }

    /// One more session.
    pub(crate) fn join(&self, token: &str) {
        join(self.sessions, token);
    }

    /// Waits until every session has a token of this key, and no request with another is on its way.
    pub(crate) fn until_all_have(&self, kid: &str) {
        let sessions = self.sessions.read().unwrap().clone();
        for session in sessions {
            until(&format!("a token of {kid} for everybody"), || {
                (key_of(&session.read().unwrap()) == kid).then_some(())
            });
        }
    }

    /// How many sessions have a token of this key.
    pub(crate) fn count_with(&self, kid: &str) -> usize {
        let sessions = self.sessions.read().unwrap().clone();
        let with = sessions
            .iter()
            .filter(|session| key_of(&session.read().unwrap()) == kid);
        with.count()
    }
}

/// The key that made `token`, as the protected header names it.
pub(crate) fn key_of(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header = BASE64URL_NOPAD.decode(header.as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// The header that shows `token`.
pub(crate) fn cookie(token: &str) -> String {
    format!("{COOKIE}={token}")
}

fn join(sessions: &Sessions, token: &str) {
    let session = Arc::new(RwLock::new(token.to_owned()));
    sessions.write().unwrap().push(session);
}

/// One connection: a page and two scripts for each session, in turn.
fn ask(load: &Load, part: usize, port: u16, sessions: &Sessions) {
    let mut connection = Connection::open(port);
    for turn in part.. {
        if !load.goes_on() {
            return;
        }
        let session = {
            let sessions = sessions.read().unwrap();
            Arc::clone(&sessions[turn % sessions.len()])
        };
        let mut send = |request: Request, token: &str| {
            let request = request.cookie(&cookie(token));
            let answer = match &mut connection {
                Ok(connection) => connection.ask(&request),
                Err(error) => Err(error.kind().into()),
            };
            if answer.is_err() {
                connection = Connection::open(port);
            }
            load.note(answer)
        };
        {
            let mut token = session.write().unwrap();
            let page = send(Request::page("/auth/request"), &token);
            if let Some(renewed) = page.and_then(|page: Answer| page.cookie(COOKIE)) {
                *token = renewed;
            }
        }
        for target in ["/auth/request", "/whoami"] {
            let token = session.read().unwrap();
            send(Request::script(target), &token);
        }
    }
}
