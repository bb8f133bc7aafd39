use std::error::Error as _;
use std::fs;
use std::os::unix::fs::symlink;

use data_encoding::BASE64;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use signet_core::{Seconds, UnixSeconds};

use super::testing::{Files, Made};
use super::*;

const DAY: u64 = 86_400;

fn open(files: &Files, config: &str) -> Result<Certificate, TlsError> {
    let tls = Tls::open(&Files::config(config), files.path())?;
    Ok(tls.unwrap().certificate())
}

fn complaint(files: &Files) -> String {
    let error = open(files, "").unwrap_err();
    assert!(!error.hint().is_empty());
    chain(&error)
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = BASE64
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn a_certificate_says_for_whom_and_how_long() {
    let made = Made::new(&["www.example.com", "*.example.org", "127.0.0.1", "::1"]);
    let certificate = open(&Files::new(&made), "").unwrap();
    assert_eq!(
        certificate.names,
        ["www.example.com", "*.example.org", "127.0.0.1", "::1"]
    );
    assert_eq!(certificate.end(), "2090-01-01 00:00:00 UTC");
    for (host, is_for) in [
        ("www.example.com", true),
        ("WWW.EXAMPLE.COM", true),
        ("a.example.org", true),
        ("127.0.0.1", true),
        ("[::1]", true),
        ("example.com", false),
        ("a.b.example.org", false),
        ("example.org", false),
        ("www.example.com.evil.example", false),
        ("127.0.0.2", false),
        ("", false),
    ] {
        assert_eq!(certificate.is_for(host), is_for, "{host}");
    }
}

#[test]
fn every_kind_of_key_is_read() {
    for key in [
        KeyPair::generate().unwrap(),
        KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
        KeyPair::generate_for(&PKCS_ED25519).unwrap(),
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(),
    ] {
        let made = Made::with(&["localhost"], 2020, 2090, &key);
        open(&Files::new(&made), "").unwrap();
    }
}

/// The key within PKCS #8 is SEC 1 or PKCS #1: the last octet string.
#[test]
fn the_older_forms_of_keys_are_read() {
    let elliptic = KeyPair::generate().unwrap();
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    for (key, label, marker) in [
        (elliptic, "EC PRIVATE KEY", &[0x04, 0x6d, 0x30][..]),
        (rsa, "RSA PRIVATE KEY", &[0x05, 0x00, 0x04, 0x82][..]),
    ] {
        let made = Made::with(&["localhost"], 2020, 2090, &key);
        let der = key.serialize_der();
        let found = der
            .windows(marker.len())
            .position(|window| window == marker)
            .unwrap();
        let start = found + if label.starts_with("EC") { 2 } else { 6 };
        let files = Files::new(&made);
        // As openssl writes it, with the name of the curve before it.
        let text = format!(
            "{}{}",
            pem(
                "EC PARAMETERS",
                &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]
            ),
            pem(label, &der[start..])
        );
        files.put_key(text.as_bytes());
        open(&files, "").unwrap();
    }
}

#[test]
fn both_may_be_in_one_file_with_foreign_line_ends() {
    let made = Made::new(&["localhost"]);
    let files = Files::new(&made);
    let both = format!("\u{feff}{}{}", made.certificate, made.key).replace('\n', "\r\n");
    files.put_certificate(both.as_bytes());
    files.put_key(both.as_bytes());
    open(&files, "").unwrap();
}

#[test]
fn every_kind_of_damage_has_its_message() {
    let made = Made::new(&["localhost"]);
    let other = Made::new(&["localhost"]);
    let der = BASE64
        .decode(
            made.certificate
                .lines()
                .filter(|line| !line.starts_with('-'))
                .collect::<String>()
                .as_bytes(),
        )
        .unwrap();
    let cut = &made.certificate[..made.certificate.len() / 2];
    let cut_key = &made.key[..made.key.len() / 2];
    let encrypted = pem("ENCRYPTED PRIVATE KEY", b"whatever");
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let two = format!("{}{}", made.key, other.key);
    let chain = format!("{}{}", other.certificate, made.certificate);
    let behind = format!(
        "{}{}",
        made.certificate,
        pem("CERTIFICATE", b"no certificate")
    );
    let many = made.certificate.repeat(17);
    let (certificate, key) = (made.certificate.as_bytes(), made.key.as_bytes());
    for (certificate, key, words) in [
        (&b""[..], key, "cert.pem is empty"),
        (b" \n", key, "cert.pem is empty"),
        (b"hello", key, "cert.pem holds no certificate"),
        (key, key, "cert.pem holds no certificate"),
        (&der, key, "cert.pem is not PEM"),
        (cut.as_bytes(), key, "cert.pem is cut off"),
        (
            b"-----BEGIN CERTIFICATE-----\n####\n-----END CERTIFICATE-----\n",
            key,
            "cert.pem is damaged",
        ),
        (
            pem("CERTIFICATE", b"no certificate").as_bytes(),
            key,
            "certificate 1 in ",
        ),
        (behind.as_bytes(), key, "certificate 2 in "),
        (
            many.as_bytes(),
            key,
            "cert.pem holds more certificates than lead from a server",
        ),
        (certificate, b"", "key.pem is empty"),
        (certificate, b"hello", "key.pem holds no private key"),
        (
            certificate,
            certificate,
            "key.pem holds a certificate and no private key",
        ),
        (certificate, cut_key.as_bytes(), "key.pem is cut off"),
        (certificate, &der, "key.pem is not PEM"),
        (
            certificate,
            two.as_bytes(),
            "key.pem holds more than one private key",
        ),
        (
            certificate,
            encrypted.as_bytes(),
            "encrypted with a password",
        ),
        (certificate, old.as_bytes(), "encrypted with a password"),
        (
            certificate,
            pem("PRIVATE KEY", b"no key").as_bytes(),
            "cannot be used here: RSA from 2048 bits",
        ),
        (
            certificate,
            other.key.as_bytes(),
            "key.pem is not that of the certificate in",
        ),
        (chain.as_bytes(), key, "key.pem is that of certificate 2 in"),
    ] {
        let files = Files::new(&made);
        files.put_certificate(certificate);
        files.put_key(key);
        let found = complaint(&files);
        assert!(found.contains(words), "{words}: {found}");
    }
    let files = Files::new(&made);
    fs::remove_file(files.key()).unwrap();
    assert!(complaint(&files).contains("key.pem could not be read"));
    rustix::fs::mkfifoat(rustix::fs::CWD, files.key(), 0o600.into()).unwrap();
    assert!(complaint(&files).ends_with("it is not a regular file"));
    let large = fs::File::create(files.certificate()).unwrap();
    large.set_len(3 << 30).unwrap();
    assert!(complaint(&files).contains("cert.pem is too large"));
}

#[test]
fn a_file_cut_anywhere_is_refused_or_whole() {
    let made = Made::new(&["localhost"]);
    let files = Files::new(&made);
    let whole = open(&files, "").unwrap();
    for end in 0..made.certificate.len() {
        files.put_certificate(&made.certificate.as_bytes()[..end]);
        if let Ok(read) = open(&files, "") {
            assert_eq!(read, whole, "{end}");
            assert!(end > made.certificate.len() - 10, "{end}");
        }
    }
    files.put(&made);
    for end in 0..made.key.len() {
        files.put_key(&made.key.as_bytes()[..end]);
        if open(&files, "").is_ok() {
            assert!(end > made.key.len() - 10, "{end}");
        }
    }
}

// K2
#[test]
fn a_key_that_others_can_reach_is_refused() {
    let made = Made::new(&["localhost"]);
    let files = Files::new(&made);
    let is_root = crate::owner::myself() == 0;
    for (mode, private, mounted) in [
        (0o400, true, true),
        (0o600, true, true),
        (0o700, true, true),
        (0o640, is_root, true),
        (0o660, false, false),
        (0o604, false, true),
        (0o644, false, true),
        (0o646, false, false),
        (0o620, false, false),
    ] {
        files.key_mode(mode);
        assert_eq!(open(&files, "").is_ok(), private, "{mode:o}");
        let custody = "keys.custody = \"mounted\"";
        assert_eq!(open(&files, custody).is_ok(), mounted, "{mode:o}");
    }
    files.key_mode(0o644);
    let error = open(&files, "").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("0644: other users of this machine can read it")
    );
    assert!(error.hint().starts_with("`chmod 6"), "{}", error.hint());
}

// K2
#[test]
fn a_key_in_a_git_work_tree_is_refused() {
    let files = Files::new(&Made::new(&["localhost"]));
    let tree = Files::new(&Made::new(&["localhost"]));
    fs::create_dir(tree.path().join(".git")).unwrap();
    let inside = open(&tree, "").unwrap_err();
    assert_eq!(inside.key(), "key_file");
    assert!(inside.to_string().contains("inside the git work tree"));
    assert!(inside.hint().contains("copy it out"), "{}", inside.hint());
    // What counts is where the file is, and not the link that leads there.
    fs::remove_file(files.key()).unwrap();
    fs::remove_file(files.certificate()).unwrap();
    symlink(tree.key(), files.key()).unwrap();
    symlink(tree.certificate(), files.certificate()).unwrap();
    assert!(complaint(&files).contains("inside the git work tree"));
    open(&files, "keys.custody = \"mounted\"").unwrap();
}

/// As `openssl x509 -req` writes it without `-extfile`.
#[test]
fn a_certificate_of_an_old_version_is_refused_in_words() {
    const OLD: &str = "-----BEGIN CERTIFICATE-----
MIIBJDCBywIUFAqagQ4dDdaSllF4McTj5AM3xxwwCgYIKoZIzj0EAwIwFDESMBAG
A1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE0MjcyM1oYDzIxMjYxMDI5MTQyNzIz
WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AASYfZJfTpch/Eq4eef0NzH1zbxb1+Qv0AnPdUbVtrWM6iNwViFzPoSBBr4m5Qit
+vTMp3EVFGpL7VQuKkFGDfFkMAoGCCqGSM49BAMCA0gAMEUCIQClTHoh97sq9EsY
plKku4EgLy8/8M0x0mmvTVBQkfYTAgIgT4tQH1gZ/i5yTDTU+sWyiGxsVAAzlRnB
XOY8FIugSdQ=
-----END CERTIFICATE-----
";
    let files = Files::new(&Made::new(&["localhost"]));
    files.put_certificate(OLD.as_bytes());
    assert!(complaint(&files).contains("only version 3 with subjectAltName"));
}

#[test]
fn a_certificate_without_names_is_for_nobody_and_one_with_many_is_told_short() {
    let holders = |names: &[&str]| {
        let certificate = open(&Files::new(&Made::new(names)), "").unwrap();
        assert!(certificate.is_over(UnixSeconds(certificate.not_after.0 + 1)));
        assert!(!certificate.is_over(certificate.not_after));
        certificate.holders()
    };
    assert_eq!(holders(&[]), "nobody");
    assert_eq!(holders(&["a.example", "b.example"]), "a.example, b.example");
    let many = [
        "a.example",
        "b.example",
        "c.example",
        "d.example",
        "e.example",
    ];
    assert_eq!(holders(&many), "a.example, b.example, c.example and 2 more");
}

#[test]
fn links_are_followed_as_kubernetes_and_certbot_make_them() {
    let (made, newer) = (Made::new(&["localhost"]), Made::new(&["localhost"]));
    let files = Files::new(&made);
    let generations = ["..1", "..2"].map(|name| files.path().join(name));
    for (directory, made) in generations.iter().zip([&made, &newer]) {
        fs::create_dir(directory).unwrap();
        fs::write(directory.join("cert.pem"), &made.certificate).unwrap();
        fs::write(directory.join("key.pem"), "").unwrap();
        files.put_key(made.key.as_bytes());
        fs::rename(files.key(), directory.join("key.pem")).unwrap();
    }
    fs::remove_file(files.certificate()).unwrap();
    let data = files.path().join("..data");
    symlink(&generations[0], &data).unwrap();
    symlink("..data/cert.pem", files.certificate()).unwrap();
    symlink("..data/key.pem", files.key()).unwrap();
    let tls = files.open();
    let before = tls.certificate();
    let next = files.path().join("..next");
    symlink(&generations[1], &next).unwrap();
    fs::rename(&next, &data).unwrap();
    let taken = tls.look().unwrap().unwrap();
    assert!(taken != before && taken == tls.certificate());
}

#[test]
fn both_are_taken_together_or_not_at_all() {
    let (made, newer) = (Made::new(&["localhost"]), Made::new(&["localhost"]));
    let files = Files::new(&made);
    let tls = files.open();
    let before = tls.certificate();
    assert_eq!(tls.look(), Ok(None));
    files.put_certificate(newer.certificate.as_bytes());
    for _ in 0..2 {
        let refused = tls.look().unwrap_err();
        assert!(refused.message.contains("is not that of"), "{refused:?}");
        assert_eq!(tls.certificate(), before);
        assert_eq!(
            tls.fault().map(|fault| fault.message),
            Some(refused.message)
        );
    }
    files.put_key(newer.key.as_bytes());
    let taken = tls.look().unwrap().unwrap();
    assert_eq!((tls.certificate(), tls.fault()), (taken.clone(), None));
    assert_ne!(taken, before);
    // What is in force needs no reading to be kept, but whoever opens it to others is told.
    files.key_mode(0o666);
    assert!(tls.look().unwrap_err().message.contains("0666"));
    files.key_mode(0o600);
    assert_eq!(tls.look(), Ok(None));
    assert_eq!(tls.fault(), None);
    fs::remove_file(files.certificate()).unwrap();
    assert!(tls.look().is_err());
    assert_eq!(tls.certificate(), taken);
}

#[test]
fn another_configuration_names_other_files() {
    let (made, newer) = (Made::new(&["localhost"]), Made::new(&["localhost"]));
    let (files, others) = (Files::new(&made), Files::new(&newer));
    let tls = files.open();
    let text = format!(
        "public_url = \"https://localhost\"\n[tls]\ncertificate = {:?}\nkey_file = {:?}",
        others.certificate(),
        others.key()
    );
    tls.configure(&Config::parse(&text, Path::new("signet.toml")).unwrap());
    assert!(tls.look().unwrap().is_some());
    // Without a certificate there is nothing to go on with, until the next start.
    tls.configure(&Config::default());
    assert_eq!(tls.look(), Ok(None));
}

#[test]
fn where_nothing_is_to_speak_tls_there_is_none() {
    let files = Files::new(&Made::new(&["localhost"]));
    assert!(
        Tls::open(&Config::default(), files.path())
            .unwrap()
            .is_none()
    );
    let mut config = Files::config("");
    (config.tls.public, config.tls.admin) = (false, false);
    assert!(Tls::open(&config, files.path()).unwrap().is_none());
}

// K9, invariant 4
#[test]
fn nothing_that_is_said_holds_the_key() {
    let made = Made::new(&["localhost"]);
    let files = Files::new(&made);
    let secret: Vec<&str> = made.key.lines().filter(|line| line.len() > 20).collect();
    let mut said = format!("{:?}", files.open());
    let damaged = made.key.replace("END", "ENDE");
    for key in [
        &made.key[..made.key.len() - 30],
        &damaged,
        &made.key.replace("BEGIN", "BEG IN"),
        &made.key.replacen('\n', "\n#", 2),
    ] {
        files.put_key(key.as_bytes());
        let error = open(&files, "").unwrap_err();
        said += &format!("{error} {error:?} {:?} {}", error.source(), error.hint());
    }
    for line in secret.iter().filter(|line| !line.starts_with('-')) {
        assert!(!said.contains(&line[..20]), "{said}");
    }
}

#[test]
fn a_certificate_is_renewed_two_weeks_before_its_end_or_in_the_last_third_of_its_life() {
    let certificate = open(&Files::new(&Made::new(&["localhost"])), "").unwrap();
    let mut short = certificate.clone();
    short.not_before = UnixSeconds(certificate.not_after.0 - 6 * DAY);
    let end = certificate.not_after.0;
    let age = |certificate: &Certificate, left: u64| certificate.age(UnixSeconds(end - left));
    assert_eq!(age(&certificate, 14 * DAY), Age::Good);
    let soon = 14 * DAY - 1;
    assert_eq!(age(&certificate, soon), Age::Ending(Seconds(soon)));
    assert_eq!(age(&certificate, 0), Age::Ending(Seconds(0)));
    assert_eq!(certificate.age(UnixSeconds(end + 9)), Age::Over(Seconds(9)));
    assert_eq!(age(&short, 2 * DAY), Age::Good);
    assert_eq!(age(&short, 2 * DAY - 1), Age::Ending(Seconds(2 * DAY - 1)));
    assert_eq!(age(&short, 6 * DAY + 5), Age::NotYet(Seconds(5)));
}
