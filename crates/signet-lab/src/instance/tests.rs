//! The life of an instance, with this test binary as its process.

use std::os::unix::process::ExitStatusExt;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::process::test_kill_process;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::ports::{find_free, loopback};

/// No test of its own: the process of an instance, when it is started as one.
#[tokio::test]
async fn stand_in() {
    let Some(address) = std::env::args().find_map(|word| word.parse::<SocketAddr>().ok()) else {
        return;
    };
    let listener = TcpListener::bind(address).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(|_: Request<Incoming>| async {
            Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// Ports of these tests are found and used under one lock, or two tests would find the same.
static PORTS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn instance(data: &TempDir) -> Instance {
    let ports = find_free(2).unwrap();
    let address = loopback(ports[0]);
    let member = Member {
        name: "publish-1".to_owned(),
        role: Role::Publish,
        address,
        admin: loopback(ports[1]),
        data: data.path().to_owned(),
        host: address.to_string(),
    };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/instance/stand-in.sh");
    Instance::new(member, program, Arc::new(Warden::start().unwrap()))
}

fn ready_directory() -> TempDir {
    let data = tempfile::tempdir().unwrap();
    let binary = std::env::current_exe().unwrap();
    std::fs::write(data.path().join("stand-in"), binary.to_str().unwrap()).unwrap();
    data
}

fn pid(instance: &Instance) -> Pid {
    Pid::from_raw(i32::try_from(instance.pid().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn it_starts_stops_dies_and_starts_again() {
    let _ports = PORTS.lock().await;
    let data = ready_directory();
    let mut instance = instance(&data);
    let address = instance.member().address;

    instance.start().await.unwrap();
    let first = pid(&instance);
    assert!(is_ready(address, "any").await);
    instance.stop().await.unwrap();
    assert!(test_kill_process(first).is_err(), "the process is gone");
    assert!(TcpStream::connect(address).await.is_err());

    instance.start().await.unwrap();
    instance.kill().await.unwrap();
    assert_eq!(instance.pid(), None);
    assert!(TcpStream::connect(address).await.is_err());
    instance.kill().await.unwrap();
    instance.stop().await.unwrap();

    instance.start().await.unwrap();
    assert_eq!(instance.has_ended(), None);
    kill_process(pid(&instance), Signal::KILL).unwrap();
    let status = loop {
        match instance.has_ended() {
            Some(status) => break status,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(status.signal(), Some(9));
    assert_eq!(instance.has_ended(), None);
}

#[tokio::test]
async fn it_ends_with_its_handle() {
    let _ports = PORTS.lock().await;
    let data = ready_directory();
    let mut instance = instance(&data);
    let address = instance.member().address;
    instance.start().await.unwrap();
    let process = pid(&instance);
    drop(instance);
    assert!(test_kill_process(process).is_err(), "the process is gone");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_instance_that_ends_at_once_says_why() {
    let _ports = PORTS.lock().await;
    let data = tempfile::tempdir().unwrap();
    let mut instance = instance(&data);
    let error = instance.start().await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with("publish-1 ended before it was ready (exit status: 1)"),
        "{said}"
    );
    assert!(
        said.ends_with("\n    stand-in started\n    no key ring"),
        "{said}"
    );
    assert!(error.hint().unwrap().contains("instance.log"));
    assert_eq!(instance.pid(), None);
}

#[tokio::test]
async fn a_taken_port_is_named_before_the_start() {
    let _ports = PORTS.lock().await;
    let data = ready_directory();
    let mut instance = instance(&data);
    let admin = instance.member().admin;
    let _held = std::net::TcpListener::bind(admin).unwrap();
    let error = instance.start().await.unwrap_err();
    assert!(matches!(error, LabError::PortInUse { port, .. } if port == admin.port()));
}
