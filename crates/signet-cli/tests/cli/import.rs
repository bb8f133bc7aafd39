//! Users from files.

use crate::scratch::Scratch;

const GOOD: &str = "\u{feff}id,name,mail,groups,password_hash,password\r\n\
    zoe,\"Zoë, the first\",z@example.com,staff; editors,,a good password\r\n\
    yan,,,,$apr1$abcdefgh$FBwExRW4dCc8aL.OvjpIE1,\r\n\
    xi,,,staff,,\r\n";

#[test]
fn csv_brings_users_with_all_they_have() {
    let scratch = Scratch::new();
    let file = scratch.file("users.csv", GOOD);
    let imported = scratch.json(&["user", "import", &file]);
    assert_eq!(
        (&imported["added"], &imported["changed"]),
        (&3.into(), &0.into())
    );
    let zoe = scratch.json(&["user", "show", "zoe"]);
    assert_eq!(zoe["name"], "Zoë, the first");
    assert_eq!(zoe["groups"], serde_json::json!(["editors", "staff"]));
    assert_eq!(zoe["password"], "set");
    assert_eq!(
        scratch.json(&["user", "show", "yan"])["password"],
        "imported"
    );
    assert_eq!(scratch.json(&["user", "show", "xi"])["password"], "none");
}

#[test]
fn who_exists_is_refused_kept_or_replaced() {
    let scratch = Scratch::new();
    scratch.add("yan");
    let file = scratch.file("users.csv", "id,name\nxi,New\nyan,Changed\n");
    scratch
        .run(&["user", "import", &file])
        .failed("line 3: there is a user yan already")
        .hints("--existing keep");
    assert_eq!(scratch.json(&["user", "list"]).as_array().unwrap().len(), 1);

    let kept = scratch.json(&["user", "import", &file, "--existing", "keep"]);
    assert_eq!((&kept["added"], &kept["kept"]), (&1.into(), &1.into()));
    assert!(scratch.json(&["user", "show", "yan"])["name"].is_null());

    let replaced = scratch.json(&["user", "import", &file, "--existing", "replace"]);
    assert_eq!(
        (&replaced["changed"], &replaced["kept"]),
        (&1.into(), &1.into())
    );
    let yan = scratch.json(&["user", "show", "yan"]);
    assert_eq!(
        (&yan["name"], &yan["password"]),
        (&"Changed".into(), &"set".into())
    );
}

#[test]
fn every_bad_line_is_named_and_nobody_is_imported() {
    let scratch = Scratch::new();
    let bad = "id,groups,password_hash,password\n\
        good,,,\n\
        a b,,,\n\
        one,\"x y\",,\n\
        two,,notahash,\n\
        three,,,short\n\
        four,,$apr1$abcdefgh$FBwExRW4dCc8aL.OvjpIE1,both at once\n\
        five,\n\
        GOOD,,,\n";
    let said = scratch.run_with(&["user", "import", "-", "--format", "csv"], bad);
    let said = said.failed("nobody was imported: 7 lines are wrong in -");
    for line in 3..=9 {
        assert!(
            said.stderr.contains(&format!("\n  line {line}: ")),
            "{line}: {said:#?}"
        );
    }
    assert!(!said.stderr.contains("notahash") && !said.stderr.contains("both at once"));
    assert_eq!(scratch.json(&["user", "list"]), serde_json::json!([]));

    let bad: String = (0..30).map(|_| "a b\n").collect();
    let said = scratch.run_with(
        &["user", "import", "-", "--format", "csv"],
        &format!("id\n{bad}"),
    );
    said.failed("and 10 more");
}

#[test]
fn a_file_without_its_header_is_not_repeated() {
    let scratch = Scratch::new();
    let file = scratch.file("users.csv", "alice,hunter2hunter2\n");
    let said = scratch
        .run(&["user", "import", &file])
        .failed("line 1 is not a header");
    assert!(!said.stderr.contains("hunter2"), "{said:?}");
    said.hints("the columns are id,name,mail,groups,password_hash,password");
}

#[test]
fn htpasswd_files_are_read() {
    let scratch = Scratch::new();
    let good = "# made by htpasswd\nhans:$apr1$abcdefgh$FBwExRW4dCc8aL.OvjpIE1\r\n\n\
        grete:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n";
    scratch
        .run(&["user", "import", &scratch.file(".htpasswd", good)])
        .done();
    assert_eq!(scratch.json(&["user", "list"]).as_array().unwrap().len(), 2);

    let bad = scratch.file("bad.htpasswd", "otto:abJnggxhB/yWI\nnobody\n");
    let said = scratch
        .run(&["user", "import", &bad])
        .failed("line 1: the hash of otto");
    assert!(
        said.stderr.contains("line 2: expected user:hash"),
        "{said:?}"
    );
    assert!(!said.stderr.contains("abJngg"), "{said:?}");

    scratch
        .run_with(&["user", "import", "-"], good)
        .failed("does not say what it holds")
        .hints("--format");
}
