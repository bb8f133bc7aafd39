//! The balancer's own answers.

use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Bytes;

use super::forward::Answer;

/// A page that says why no instance answered.
pub(super) fn refusal(status: StatusCode) -> Response<Answer> {
    let said = match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            "No instance of the farm is ready. The balancer looks again five times a second."
        }
        StatusCode::BAD_GATEWAY => "The instance that was asked broke off before it answered.",
        StatusCode::BAD_REQUEST => "A request needs exactly one Host.",
        _ => "The balancer does not do this.",
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{status}</title><h1>{status}</h1><p>{said}</p></html>\n"
    );
    let mut answer = Response::new(Either::Left(Full::new(Bytes::from(page))));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status.is_server_error() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}
