use serde_json::json;

use super::*;
use crate::console::testing::instance::{Instance, State};
use crate::console::testing::{Reply, Script, console};

const ROW: &str = "<tr><th colspan='3' class='content container'>NAME</th></tr><tr><td class='content'>Tags: [a] Finished: now<br/>Result: <span class='resultOkfalse'>STATUS</span></td></tr><tr><td class='content'><div class='logINFO'>INFO fine</div>\n<div class='logCRITICAL'>CRITICAL a &lt;b&gt; &amp; c</div>\n</td>";

fn page() -> String {
    let row = |name: &str, status: &str| ROW.replace("NAME", name).replace("STATUS", status);
    format!(
        "<form><table><tr><th>Health Check</th></tr></table></form><table>{}{}<tr><th>Summary</th></tr></table>",
        row("IMS &#39;one&#39;", "CRITICAL"),
        row("Other", "OK")
    )
}

#[tokio::test]
async fn the_servlet_is_asked_first_and_then_the_page() {
    let health = json!({ "overallResult": "CRITICAL", "results": [
        { "name": "IMS", "status": "CRITICAL", "timeInMs": 3, "tags": ["ims"], "messages": [
            { "status": "OK", "message": "checked" },
            { "status": "CRITICAL", "message": "{\"error\":\u{1b}[2J\"invalid_client\"}", "exception": "java.X: no\n  at y" },
        ] },
        { "name": "Bundles", "status": "OK", "timeInMs": 1, "tags": [], "messages": [] },
    ] });
    let instance = Instance::start(State {
        health: Some(health),
        ..State::default()
    });
    let results = console(&instance.script).health().await.unwrap().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[0].status, HealthStatus::Critical);
    assert_eq!(
        results[0].messages,
        ["{\"error\": [2J\"invalid_client\"} java.X: no"]
    );

    instance.state().health = None;
    assert_eq!(console(&instance.script).health().await.unwrap(), None);

    instance.state().health_page = Some(page());
    let results = console(&instance.script).health().await.unwrap().unwrap();
    let names: Vec<_> = results
        .iter()
        .map(|result| (result.name.as_str(), result.status))
        .collect();
    assert_eq!(
        names,
        [
            ("IMS 'one'", HealthStatus::Critical),
            ("Other", HealthStatus::Ok)
        ]
    );
    assert_eq!(results[0].messages, ["a <b> & c"]);
}

#[tokio::test]
async fn an_instance_that_is_not_well_says_so_with_another_status() {
    let body =
        "{\"overallResult\":\"CRITICAL\",\"results\":[{\"name\":\"x\",\"status\":\"SOMETHING\"}]}";
    let script = Script::play(move |asked| match asked.path() {
        "/system/health" => Reply::json(body).with_status(503),
        _ => Reply::status(404),
    });
    let results = console(&script).health().await.unwrap().unwrap();
    assert_eq!(results[0].status, HealthStatus::Unknown);
}

proptest::proptest! {
    #[test]
    fn any_page_is_read_or_refused(text in "(Health Check|<th|>|</th>|Result: <span class='resultOk|'>|</span>|<div class='log|</div>|é|OK){0,30}") {
        parse(text.as_bytes());
        if let Some(results) = page::parse(text.as_bytes()) {
            proptest::prop_assert!(results.len() <= MOST_CHECKS);
        }
    }
}
