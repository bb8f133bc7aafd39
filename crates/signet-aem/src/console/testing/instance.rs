//! An instance of AEM with a web console, as far as the commands look: configurations that are changed as a console changes them,
//! bundles, CSRF tokens, health checks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};

use super::script::{Asked, Reply, Script};

pub(crate) const HANDLER: &str = "com.day.crx.security.token.impl.impl.TokenAuthenticationHandler";
pub(crate) const SAML: &str = "com.adobe.granite.auth.saml.SamlAuthenticationHandler";
const MANAGER: &str = "/system/console/configMgr/";

/// How a console writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Merges if it is asked to.
    Today,
    /// Keeps what it is told to keep, and says what its form does not show.
    Middle,
    /// The same, and does not say it.
    Old,
}

/// What a metatype says of a property.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    /// 1 text, 2 long, 11 on or off, 12 password
    pub(crate) kind: i64,
    pub(crate) is_list: bool,
    pub(crate) default: Value,
}

/// A configuration: a text, a number, on or off, or a list of them.
pub(crate) type Properties = BTreeMap<String, Value>;

/// What an instance is.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) age: Age,
    pub(crate) configurations: BTreeMap<String, Properties>,
    pub(crate) locations: BTreeMap<String, String>,
    pub(crate) metatypes: BTreeMap<&'static str, Vec<Attribute>>,
    /// Name, version, and state as the framework counts it.
    pub(crate) bundles: Vec<(&'static str, &'static str, u32)>,
    /// Signs its CSRF tokens; without one it gives none.
    pub(crate) hmac: Option<&'static str>,
    /// Whether it looks at CSRF tokens.
    pub(crate) checks_csrf: bool,
    /// What the servlet of the health checks says, if there is one.
    pub(crate) health: Option<Value>,
    /// What the page of the health checks says, if there is one.
    pub(crate) health_page: Option<String>,
    /// The log.
    pub(crate) log: String,
    /// What is under `/etc/key`.
    pub(crate) repository_keys: BTreeMap<&'static str, Vec<u8>>,
    /// Whether it takes changes and does not make them.
    pub(crate) is_stubborn: bool,
    /// What another hand changes whenever something is changed.
    pub(crate) other_hand: Option<(&'static str, Value)>,
    /// What the console's page for protecting does.
    pub(crate) protect: Option<fn(&str) -> String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            age: Age::Today,
            configurations: BTreeMap::from([(HANDLER.to_owned(), handler())]),
            locations: BTreeMap::new(),
            metatypes: BTreeMap::from([(HANDLER, handler_metatype())]),
            bundles: vec![
                ("org.apache.felix.framework", "6.0.5", 32),
                ("com.adobe.granite.crypto", "3.0.26", 32),
                ("com.adobe.granite.crypto.file", "0.0.16", 32),
                ("org.apache.felix.webconsole", "4.9.2", 32),
                ("some.fragment", "1.0.0", 4),
            ],
            hmac: Some("one"),
            checks_csrf: true,
            health: None,
            health_page: None,
            log: String::new(),
            repository_keys: BTreeMap::new(),
            is_stubborn: false,
            other_hand: None,
            protect: None,
        }
    }
}

/// The token handler with lists, numbers, and properties of which its metatype says nothing.
fn handler() -> Properties {
    BTreeMap::from([
        ("path".to_owned(), json!("/")),
        ("token.required.attr".to_owned(), json!("none")),
        (
            "skip.token.refresh".to_owned(),
            json!(["/libs/granite/csrf/token.json", "/a, b", "/c&d=é"]),
        ),
        ("empty.list".to_owned(), json!([])),
        ("a.password".to_owned(), json!("hunter2hunter2")),
        (
            "passwords".to_owned(),
            json!(["first-secret", "second-secret"]),
        ),
        ("service.ranking".to_owned(), json!(7)),
        ("site.note".to_owned(), json!("a = b\n  c = d")),
    ])
}

fn handler_metatype() -> Vec<Attribute> {
    let attribute = |name, kind, is_list, default| Attribute {
        name,
        kind,
        is_list,
        default,
    };
    vec![
        attribute("path", 1, false, json!("/")),
        attribute("token.required.attr", 1, false, json!("none")),
        attribute("token.alternate.url", 1, false, json!("")),
        attribute("token.encapsulated", 11, false, json!("false")),
        attribute("skip.token.refresh", 1, true, json!(["/default"])),
        attribute("empty.list", 1, true, json!(["/default"])),
        attribute("not.set.list", 1, true, json!(["/default"])),
        attribute("a.password", 12, false, json!("")),
        attribute("passwords", 12, true, json!([])),
        attribute("inactivity.time", 2, false, json!("0")),
    ]
}

/// An instance that answers.
pub(crate) struct Instance {
    pub(crate) script: Script,
    state: Arc<Mutex<State>>,
}

#[allow(dead_code, reason = "each crate that uses it needs some of it")]
impl Instance {
    pub(crate) fn start(state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        let kept = state.clone();
        let script = Script::play(move |asked| kept.lock().unwrap().answer(asked));
        Self { script, state }
    }

    pub(crate) fn url(&self) -> String {
        self.script.url()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The configuration of the token handler as it is now.
    pub(crate) fn handler(&self) -> Properties {
        self.state()
            .configurations
            .get(HANDLER)
            .cloned()
            .unwrap_or_default()
    }
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Reply {
        if asked.header("authorization") != Some("Basic YWRtaW46YWRtaW4=") {
            return Reply::status(401);
        }
        let path = asked.path();
        if let Some(pid) = path.strip_prefix(MANAGER) {
            return match asked.method.as_str() {
                "POST" if asked.field("apply").is_some() => self.apply(pid, asked),
                "POST" => Reply::json(self.form(pid, self.configurations.get(pid)).to_string()),
                _ => self.list(pid),
            };
        }
        match path {
            "/system/console/bundles.json" => Reply::json(self.list_bundles().to_string()),
            "/system/console/status-Configurations.txt" => {
                Reply::ok("text/plain;charset=utf-8", self.printout())
            }
            "/libs/granite/csrf/token.json" if asked.method == "GET" => {
                let token = self
                    .hmac
                    .map_or(json!({}), |hmac| json!({ "token": token(hmac) }));
                Reply::json(token.to_string())
            }
            "/system/health" => match &self.health {
                Some(health) => Reply::json(health.to_string()),
                None => Reply::status(404),
            },
            "/system/console/healthcheck" => match &self.health_page {
                Some(page) => Reply::html(page.clone()),
                None => Reply::status(404),
            },
            "/system/console/slinglog" => Reply::html(
                "<a href=\"slinglog/tailer.txt?tail=1000&grep=*&name=%2Flogs%2Ferror.log\">x</a>",
            ),
            "/system/console/slinglog/tailer.txt" => Reply::ok("text/plain", self.log.clone()),
            "/system/console/crypto/.json" => match (self.protect, asked.field("datum")) {
                (Some(protect), Some(text)) => {
                    Reply::json(json!({ "protected": protect(&text) }).to_string())
                }
                _ => Reply::status(404),
            },
            path => match path.strip_prefix("/etc/key/") {
                Some(name) => match self.repository_keys.get(name) {
                    Some(key) => Reply::ok("application/octet-stream", key.clone()),
                    None => Reply::status(404),
                },
                None if asked.method == "POST" => self.post(asked),
                None => Reply::status(404),
            },
        }
    }

    /// What stands before the servlet that takes a POST: the check of its CSRF token.
    fn post(&self, asked: &Asked) -> Reply {
        let expected = self.hmac.map(token);
        let is_good = expected.is_some() && asked.header("csrf-token") == expected.as_deref();
        assert_eq!(
            asked.field(":operation").as_deref(),
            Some("nop"),
            "{asked:?}"
        );
        Reply::status(match self.checks_csrf && !is_good {
            true => 403,
            false => 200,
        })
    }

    fn list_bundles(&self) -> Value {
        let data: Vec<_> = (1..)
            .zip(&self.bundles)
            .map(|(id, (name, version, state))| {
                let is_fragment = *name == "some.fragment";
                json!({
                    "id": id, "name": name, "symbolicName": name, "version": version,
                    "stateRaw": state, "state": "", "category": "", "fragment": is_fragment,
                })
            })
            .collect();
        json!({ "status": "", "s": [], "data": data })
    }

    fn list(&self, what: &str) -> Reply {
        let filter = what.strip_suffix(".json").unwrap_or(what);
        let factory = filter
            .strip_prefix("(service.factoryPid=")
            .and_then(|rest| rest.strip_suffix(')'));
        let found = self.configurations.iter().filter(|(pid, _)| {
            pid.split_once('~').map(|(factory, _)| factory) == factory && factory.is_some()
        });
        let forms: Vec<_> = found.map(|(pid, set)| self.form(pid, Some(set))).collect();
        Reply::json(Value::Array(forms).to_string())
    }

    fn metatype(&self, pid: &str) -> &[Attribute] {
        let factory = pid.split('~').next().unwrap_or_default();
        self.metatypes.get(factory).map_or(&[], Vec::as_slice)
    }

    fn form(&self, pid: &str, set: Option<&Properties>) -> Value {
        let nothing = Properties::new();
        let known = self.metatype(pid);
        let mut fields = Map::new();
        let mut further = Vec::new();
        for attribute in known {
            let value = set.unwrap_or(&nothing).get(attribute.name);
            fields.insert(attribute.name.to_owned(), field(attribute, value));
        }
        for (name, value) in set.unwrap_or(&nothing) {
            if known.is_empty() {
                let attribute = Attribute {
                    name: "",
                    kind: kind(value),
                    is_list: value.is_array(),
                    default: json!(""),
                };
                fields.insert(name.clone(), field(&attribute, Some(value)));
            } else if !fields.contains_key(name) {
                further.push(name.clone());
            }
        }
        let mut form = json!({ "pid": pid, "title": pid, "properties": fields });
        if let (false, true) = (further.is_empty(), self.age != Age::Old) {
            form["additionalProperties"] = json!(further.join(","));
        }
        if set.is_some() {
            form["bundleLocation"] = json!("");
            form["bundle_location"] = json!(self.locations.get(pid));
            form["service_location"] = json!("");
        }
        if let Some((factory, _)) = pid.split_once('~') {
            form["factoryPid"] = json!(factory);
        }
        form
    }

    fn printout(&self) -> String {
        let mut text = format!(
            "Status: {} configurations available\n\n",
            self.configurations.len()
        );
        for (pid, set) in &self.configurations {
            text += &format!("PID = {pid}\n");
            if let Some(location) = self.locations.get(pid) {
                text += &format!("  BundleLocation = {location}\n");
            }
            for (name, value) in set {
                let value = match name.contains("password") {
                    true => "********".to_owned(),
                    false => printed(value),
                };
                text += &format!("  {name} = {value}\n");
            }
            text += "  service.pid = x\n\n";
        }
        text
    }

    fn apply(&mut self, pid: &str, asked: &Asked) -> Reply {
        let Some(list) = asked.field("propertylist") else {
            return Reply::status(400);
        };
        let mut set = self.configurations.get(pid).cloned().unwrap_or_default();
        let known = self.metatype(pid).to_vec();
        let listed: Vec<_> = list.split(',').map(str::to_owned).collect();
        for name in &listed {
            let attribute = known.iter().find(|attribute| attribute.name == name);
            let now = set.get(name).cloned();
            let (kind, is_list) = match (attribute, &now) {
                (Some(attribute), _) => (attribute.kind, attribute.is_list),
                (None, Some(value)) => (kind(value), value.is_array()),
                (None, None) => (1, false),
            };
            let sent = asked.all(name);
            if !is_list {
                let is_placeholder = kind == 12 && sent.first().is_some_and(|s| s == "unmodified");
                if let (Some(text), false) = (sent.first(), is_placeholder) {
                    set.insert(name.clone(), typed(kind, text));
                }
                continue;
            }
            let before = now
                .as_ref()
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let values = sent.iter().enumerate().filter_map(|(number, text)| {
                match kind == 12 && text == "unmodified" {
                    true => before.get(number).cloned(),
                    false => Some(typed(kind, text)),
                }
            });
            set.insert(name.clone(), values.collect());
        }
        let merges = self.age == Age::Today && asked.field("apply").as_deref() == Some("update");
        if !merges {
            set.retain(|name, _| listed.contains(name));
        }
        match asked.field("$location").filter(|place| !place.is_empty()) {
            Some(place) => self.locations.insert(pid.to_owned(), place),
            None => self.locations.remove(pid),
        };
        if let Some((name, value)) = &self.other_hand {
            set.insert((*name).to_owned(), value.clone());
        }
        if !self.is_stubborn {
            self.configurations.insert(pid.to_owned(), set);
        }
        Reply::redirect(&format!("{MANAGER}{pid}"))
    }
}

fn field(attribute: &Attribute, value: Option<&Value>) -> Value {
    let shown = |value: &Value| match attribute.kind {
        12 => json!("unmodified"),
        _ => value.clone(),
    };
    let mut field = json!({
        "name": attribute.name, "optional": false, "is_set": value.is_some(), "type": attribute.kind,
    });
    let value = value.unwrap_or(&attribute.default);
    match (attribute.is_list, value.as_array()) {
        (true, Some(values)) => field["values"] = values.iter().map(shown).collect(),
        (true, None) => field["values"] = json!([shown(value)]),
        (false, Some(values)) => field["value"] = values.first().map_or(json!(""), shown),
        (false, None) => field["value"] = shown(value),
    }
    field
}

fn kind(value: &Value) -> i64 {
    match value {
        Value::Bool(_) => 11,
        Value::Number(_) => 2,
        Value::Array(values) => values.first().map_or(1, kind),
        _ => 1,
    }
}

fn typed(kind: i64, text: &str) -> Value {
    match kind {
        11 => json!(text.eq_ignore_ascii_case("true")),
        2 => text
            .parse::<i64>()
            .map_or(json!(text), |number| json!(number)),
        _ => json!(text),
    }
}

fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(printed).collect();
            format!("[{}]", values.join(", "))
        }
        value => value.to_string(),
    }
}

/// What a token looks like that this key signed.
fn token(hmac: &str) -> String {
    format!(
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJleHAiOjE4MDAwMDA2MDB9.{hmac}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )
}
