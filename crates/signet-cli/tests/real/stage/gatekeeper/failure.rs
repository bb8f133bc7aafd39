//! Without Signet nobody passes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use super::ProtectedSite;
use crate::stage::http::Request;

impl ProtectedSite {
    /// Invariant 3. Ends Signet.
    pub(crate) fn check_that_nobody_passes_without_signet(&mut self, alice: &str) {
        let ask = [
            Request::page("/").cookie(alice),
            Request::script("/").cookie(alice),
            Request::new("POST", "/").cookie(alice).body(b"a"),
            Request::page("/admin/").cookie(alice),
            Request::page("/"),
            Request::page("/login"),
        ];
        assert_eq!(self.send(&ask[0]).status, 200);
        self.signet.program.kill();
        for request in &ask {
            let answer = self.send_in_vain(request);
            assert!(
                matches!(answer.status, 500 | 502..=504),
                "{request:?}: {answer:?}"
            );
        }
        assert_eq!(self.send(&Request::page("/public/")).status, 200);
    }

    /// The same while something else has taken Signet's port. Ends Signet.
    pub(crate) fn check_that_nobody_passes_by_what_is_no_verdict(&mut self, alice: &str) {
        self.signet.program.kill();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.signet.port)).unwrap();
        for said in [
            "",
            "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 307 There\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nRemote-User: ali",
        ] {
            let asked = AtomicBool::new(true);
            std::thread::scope(|scope| {
                // A proxy may ask more than once.
                scope.spawn(|| {
                    while asked.load(Ordering::SeqCst) {
                        let (mut stream, _) = listener.accept().unwrap();
                        let _ = stream.read(&mut [0; 4_096]);
                        let _ = stream.write_all(said.as_bytes());
                    }
                });
                let answer = self.send_in_vain(&Request::script("/").cookie(alice));
                assert!(answer.status >= 300, "{said:?}: {answer:?}");
                asked.store(false, Ordering::SeqCst);
                let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.signet.port));
            });
        }
    }
}
