//! Tokens are what RFC 7515, 7516 and 7518 say: another implementation reads ours, and we read what it makes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::stage::ports;
use crate::stage::signet::{Data, Person, Signet};
use serde_json::{Value, json};

const SEALED: &str = "signet/v1/session/A128CBC-HS256";
const SIGNED: &str = "signet/v1/session/HS256";

/// Debian's interpreter, because the library is Debian's.
const PYTHON: &str = "/usr/bin/python3";
const LIBRARY: &str = "/usr/lib/python3/dist-packages/jwcrypto/__init__.py";

/// An instance with a user, and its key.
struct Maker {
    signet: Signet,
    jwk: Value,
}

impl Maker {
    fn start() -> Self {
        let (port, admin) = (ports::free(), ports::free());
        let config = format!("public_url = \"http://localhost:{port}\"\n");
        let (listen, admin) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{admin}"));
        let signet =
            Data::new(&config).serve(port, &["--listen", &listen, "--admin-listen", &admin]);
        let person = Person {
            name: "陳大文",
            mail: "chan@example.com",
            group: "staff",
        };
        signet.add_user("chan", person);
        let jwk = only_key(&signet.data().join("keys/hmac"));
        Self { signet, jwk }
    }

    fn kid(&self) -> &str {
        self.jwk["kid"].as_str().unwrap()
    }

    fn mint(&self, format: &str) -> String {
        self.signet.mint("chan", &["--format", format])
    }

    /// Whether Signet accepts the token.
    fn accepts(&self, token: &str) -> bool {
        let output = self
            .signet
            .command(&["token", "verify"], &format!("{token}\n"));
        match output.status.code() {
            Some(0) => true,
            Some(1) => false,
            _ => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// What the other implementation finds in the token; nothing if it does not open.
    fn read(&self, format: &str, label: &str, token: &str) -> Option<Value> {
        jwcrypto(
            &json!({ "do": "read", "format": format, "label": label, "jwk": self.jwk, "token": token }),
        )
    }

    /// A token that the other implementation makes.
    fn make(&self, format: &str, label: &str, protected: &str, payload: &Value) -> String {
        let ask = json!({
            "do": "make", "format": format, "label": label, "jwk": self.jwk,
            "protected": protected, "payload": payload,
        });
        let made = jwcrypto(&ask).unwrap();
        made["token"].as_str().unwrap().to_owned()
    }
}

#[test]
fn sealed_tokens_are_those_of_the_standard() {
    let maker = Maker::start();
    let ours = maker.mint("sealed");
    let read = maker.read("sealed", SEALED, &ours).unwrap();
    let protected = format!(
        r#"{{"typ":"login+jwt","alg":"dir","enc":"A128CBC-HS256","kid":"{}"}}"#,
        maker.kid()
    );
    assert_eq!(read["protected"], protected.as_str());
    let payload = &read["payload"];
    assert_eq!(
        (&payload["sub"], &payload["name"]),
        (&json!("chan"), &json!("陳大文"))
    );
    assert_eq!(payload["aud"], "localhost");

    let theirs = maker.make("sealed", SEALED, &protected, payload);
    assert_eq!(theirs.split('.').next(), ours.split('.').next());
    assert_ne!(theirs, ours);
    assert!(maker.accepts(&ours));
    assert!(maker.accepts(&theirs));
    let again = maker.read("sealed", SEALED, &theirs).unwrap();
    assert_eq!(&again["payload"], payload);

    // T5: right in every way, with the key of another purpose.
    assert!(maker.read("sealed", SIGNED, &ours).is_none());
    assert!(!maker.accepts(&maker.make("sealed", SIGNED, &protected, payload)));
    // T1, T2: what a library that negotiates would open.
    for other in [
        protected.replace(r#""typ":"login+jwt","#, ""),
        protected.replace("login+jwt", "JWT"),
        protected
            .replace("A128CBC-HS256", "A128GCM")
            .replace("dir", "A256KW"),
        protected.replace("A128CBC-HS256", "A256GCM"),
        protected.replace(r#""kid""#, r#""zip":"DEF","kid""#),
        protected.replace(
            r#""typ":"login+jwt","alg":"dir""#,
            r#""alg":"dir","typ":"login+jwt""#,
        ),
        protected.replace(':', ": "),
    ] {
        assert_ne!(other, protected);
        let token = maker.make("sealed", SEALED, &other, payload);
        assert!(maker.read("sealed", SEALED, &token).is_some(), "{other}");
        assert!(!maker.accepts(&token), "{other}");
    }
}

#[test]
fn signed_tokens_are_those_of_the_standard() {
    let maker = Maker::start();
    let ours = maker.mint("signed");
    let read = maker.read("signed", SIGNED, &ours).unwrap();
    let protected = format!(
        r#"{{"typ":"login+jwt","alg":"HS256","kid":"{}"}}"#,
        maker.kid()
    );
    assert_eq!(read["protected"], protected.as_str());
    let payload = &read["payload"];
    assert_eq!(payload["sub"], "chan");
    // T12
    assert_eq!((payload.get("name"), payload.get("email")), (None, None));

    let theirs = maker.make("signed", SIGNED, &protected, payload);
    assert!(maker.accepts(&ours));
    assert!(maker.accepts(&theirs));
    assert!(maker.read("signed", SEALED, &ours).is_none());
    assert!(!maker.accepts(&maker.make("signed", SEALED, &protected, payload)));
    let later = payload["exp"].as_u64().unwrap();
    for (claim, value) in [
        ("exp", json!(1)),
        ("exp", json!(later.to_string())),
        ("iat", json!(later)),
        ("aud", json!("localhost.example.com")),
        ("aud", json!(["localhost"])),
        ("sub", json!("nobody")),
        ("iss", json!("another farm")),
    ] {
        let mut changed = payload.clone();
        changed[claim] = value;
        let token = maker.make("signed", SIGNED, &protected, &changed);
        assert!(!maker.accepts(&token), "{claim}: {}", changed[claim]);
    }
}

/// Asks the other implementation; nothing if it refuses.
fn jwcrypto(ask: &Value) -> Option<Value> {
    let installed = [PYTHON, LIBRARY].map(|file| Path::new(file).exists());
    assert_eq!(
        installed,
        [true, true],
        "`apt-get install python3 python3-jwcrypto`"
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/jose.py");
    let mut child = Command::new(PYTHON)
        .arg("-I")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(ask.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // Only what it says about a token is a refusal.
    let refused = ["InvalidJWEData", "InvalidJWSSignature"];
    assert!(
        output.status.success() || refused.iter().any(|error| said.contains(error)),
        "{said}"
    );
    serde_json::from_slice(&output.stdout).ok()
}

fn only_key(directory: &Path) -> Value {
    let entries = fs::read_dir(directory).unwrap();
    let mut files = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "jwk"));
    let file = files.next().unwrap();
    assert_eq!(files.next(), None);
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}
