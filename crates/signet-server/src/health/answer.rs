//! `GET /system/health` on the admin listener.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode, Uri};

use super::{CHECKS, Format, Ground, HealthReport, Query, Rounds};
use crate::instance::Instance;

/// Where it is asked for.
pub(crate) const PATH: &str = "/system/health";

/// Answers a request to a path that begins with [`PATH`].
pub(crate) async fn answer(
    instance: &Arc<Instance>,
    rounds: &Rounds,
    uri: &Uri,
) -> Response<Bytes> {
    let query = match Query::parse(uri.path(), uri.query().unwrap_or_default()) {
        Ok(query) => query,
        Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let ground = Arc::new(Ground::of(instance, rounds.client_memory()).await);
    let checks = query.selection.of(&CHECKS);
    let examined = rounds
        .examine(&checks, &ground, query.patience(), query.freshness)
        .await;
    written(&query, &HealthReport::new(&examined))
}

fn written(query: &Query, report: &HealthReport) -> Response<Bytes> {
    let status = query.mapping.http(report.overall_result);
    let mut response = match query.format {
        Format::Json => {
            let mut response = text(status, report.to_json());
            let json = HeaderValue::from_static("application/json;charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Format::Text => text(status, report.to_text()),
        Format::VerboseText => text(status, report.to_verbose_text()),
    };
    response.headers_mut().insert(
        "x-health",
        HeaderValue::from_static(report.overall_result.as_str()),
    );
    response
}

fn text(status: StatusCode, text: String) -> Response<Bytes> {
    let mut response = signet_login::exchange::text(status, "");
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    *response.body_mut() = text.into();
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Status;

    #[test]
    fn status_and_headers_tell_the_overall_result() {
        let report = HealthReport {
            overall_result: Status::Critical,
            results: Vec::new(),
        };
        let query = Query::parse("/system/health.txt", "httpStatus=CRITICAL:418").unwrap();
        let response = written(&query, &report);
        assert_eq!(response.status(), 418);
        assert_eq!(response.headers()["x-health"], "CRITICAL");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(response.body(), "CRITICAL");
        let query = Query::parse("/system/health", "").unwrap();
        let response = written(&query, &report);
        assert_eq!(response.status(), 503);
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "application/json;charset=utf-8"
        );
        assert_eq!(
            response.body(),
            r#"{"overallResult":"CRITICAL","results":[]}"#
        );
    }
}
