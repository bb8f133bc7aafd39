//! The accounting of a load, and the login, against a small stand-in for an instance.

use std::convert::Infallible;
use std::sync::atomic::AtomicBool;

use http::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;
use crate::browser::BrowserError;
use crate::ports::loopback;

/// Logs everybody in whose password is `right`, and refuses some of them afterwards.
#[derive(Default)]
struct Stand {
    /// Users whose name ends with this letter are refused.
    refused: Option<char>,
    /// A refusal takes the cookie away.
    clears: bool,
    /// Every answer to users whose name ends with this letter is a 500.
    failing: Option<char>,
    renews: AtomicBool,
}

impl Stand {
    async fn start(self) -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind(loopback(0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stand = Arc::new(self);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let stand = Arc::clone(&stand);
                connections.spawn(async move {
                    let service = service_fn(|request| stand.answer(address, request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        (address, tasks)
    }

    async fn answer(
        &self,
        address: SocketAddr,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let cookies = parts
            .headers
            .get(COOKIE)
            .map_or("", |line| line.to_str().unwrap());
        let answer = Response::builder();
        let answer = match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/login") => answer
                .header(SET_COOKIE, "login-csrf=c1; Path=/login")
                .body(r#"<input type="hidden" name="csrf" value="t1">"#.into()),
            (&Method::POST, "/login") => {
                assert_eq!(parts.headers[ORIGIN], format!("http://{address}"));
                assert!(cookies.contains("login-csrf=c1"));
                let form = String::from_utf8(body.to_vec()).unwrap();
                assert!(form.ends_with("&csrf=t1&rd=%2Fwhoami"));
                let name = form.split(['=', '&']).nth(1).unwrap();
                if form.contains("password=right&") {
                    answer
                        .status(StatusCode::SEE_OTHER)
                        .header(LOCATION, "/whoami")
                        .header(
                            SET_COOKIE,
                            format!("login-token={name}.0; Path=/; HttpOnly"),
                        )
                        .body(Full::default())
                } else {
                    answer
                        .status(StatusCode::UNAUTHORIZED)
                        .body(Full::default())
                }
            }
            _ => self.page(answer, cookies),
        };
        Ok(answer.unwrap())
    }

    fn page(
        &self,
        answer: http::response::Builder,
        cookies: &str,
    ) -> Result<Response<Full<Bytes>>, http::Error> {
        let token = cookies.strip_prefix("login-token=").unwrap();
        let (name, turn) = token.split_once('.').unwrap();
        if self.failing.is_some_and(|end| name.ends_with(end)) {
            return answer.status(500).body(Full::default());
        }
        if self.refused.is_some_and(|end| name.ends_with(end)) {
            let answer = answer.status(StatusCode::UNAUTHORIZED);
            return if self.clears {
                answer
                    .header(SET_COOKIE, "login-token=; Path=/; Max-Age=0")
                    .body(Full::default())
            } else {
                answer.body(Full::default())
            };
        }
        let renewed = if self.renews.load(Ordering::SeqCst) {
            let turn: u64 = turn.parse().unwrap();
            answer.header(
                SET_COOKIE,
                format!("login-token={name}.{}; Path=/", turn + 1),
            )
        } else {
            answer
        };
        renewed.body(format!(r#"{{"user":"{name}"}}"#).into())
    }
}

const QUICK: Pace = Pace {
    think: Duration::from_millis(1),
    in_flight: 4,
};

async fn ten_users(address: SocketAddr) -> Vec<User> {
    let names: Vec<String> = (0..10).map(|number| format!("user{number}")).collect();
    let mut heard = Vec::new();
    let password = Password::from("right".to_owned());
    let users = log_in_all(address, &names, &password, |done| heard.push(done))
        .await
        .unwrap();
    assert_eq!(heard, (1..=10).collect::<Vec<_>>());
    users
}

#[tokio::test]
async fn served_users_lose_nothing_and_renewed_tokens_are_kept() {
    let (address, _stand) = Stand {
        renews: true.into(),
        ..Stand::default()
    }
    .start()
    .await;
    let load = Load::start(ten_users(address).await, QUICK);
    load.flow(100).await;
    let (users, tally) = load.stop().await.unwrap();
    assert!(tally.requests >= 100);
    assert_eq!((tally.lost, tally.refused, tally.failed), (0, 0, 0));
    assert!(tally.latency.quantile(0.99).is_some());
    let turns: u64 = users
        .iter()
        .map(|user| {
            user.session()
                .unwrap()
                .split_once('.')
                .unwrap()
                .1
                .parse::<u64>()
                .unwrap()
        })
        .sum();
    assert_eq!(
        turns, tally.requests,
        "each answer renewed the token, and it was used"
    );
}

#[tokio::test]
async fn a_refused_user_who_keeps_the_cookie_is_lost_once_and_refused_often() {
    let (address, _stand) = Stand {
        refused: Some('3'),
        ..Stand::default()
    }
    .start()
    .await;
    let load = Load::start(ten_users(address).await, QUICK);
    load.flow(100).await;
    let (users, tally) = load.stop().await.unwrap();
    assert_eq!((users.len(), tally.lost, tally.failed), (10, 1, 0));
    assert!(tally.refused > 1);
}

#[tokio::test]
async fn a_user_whose_cookie_is_taken_stops() {
    let stand = Stand {
        refused: Some('3'),
        clears: true,
        ..Stand::default()
    };
    let (address, _stand) = stand.start().await;
    let load = Load::start(ten_users(address).await, QUICK);
    load.flow(100).await;
    let (_, tally) = load.stop().await.unwrap();
    assert_eq!((tally.lost, tally.refused), (1, 1));
}

#[tokio::test]
async fn a_5xx_is_a_failure_and_no_loss() {
    let (address, _stand) = Stand {
        failing: Some('7'),
        ..Stand::default()
    }
    .start()
    .await;
    let load = Load::start(ten_users(address).await, QUICK);
    load.flow(100).await;
    let (_, tally) = load.stop().await.unwrap();
    assert_eq!((tally.lost, tally.refused), (0, 0));
    assert!(tally.failed > 0);
}

#[tokio::test]
async fn a_load_without_users_left_does_not_wait() {
    let load = Load::start(Vec::new(), QUICK);
    load.flow(100).await;
    assert_eq!(load.stop().await.unwrap().1.requests, 0);
}

#[tokio::test]
async fn a_wrong_password_names_the_user_and_not_the_password() {
    let (address, _stand) = Stand::default().start().await;
    let names = ["ada".to_owned()];
    let password = Password::from("sesame".to_owned());
    let error = log_in_all(address, &names, &password, |_| ())
        .await
        .unwrap_err();
    let LabError::Login { user, source } = &error else {
        panic!("{error}")
    };
    assert_eq!(user, "ada");
    assert!(matches!(
        source,
        BrowserError::Status {
            status: StatusCode::UNAUTHORIZED,
            ..
        }
    ));
    assert!(!format!("{error:?}").contains("sesame"));
}
